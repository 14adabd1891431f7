/** @file simulate_delivery.c The ways of a computed band to the file, as those of
 * src/cluster/delivery.c. */
#include <math.h>

#include "simulate.h"

/* --- the rank writes it itself
 * ------------------------------------------------------------------*/

double sim_write_seconds(const sim_t *sim) {
    return sim->plan->machine.band + sim->plan->machine.byte * sim->plan->band_bytes;
}

double sim_file(sim_t *sim, double now, double own) {
    const double bandwidth = sim->plan->machine.bandwidth;
    sim->writing += own;
    if (!(bandwidth > 0)) {
        return now + own;
    }
    const double from = sim->filed > now ? sim->filed : now;
    sim->filed = from + sim->plan->band_bytes / bandwidth;
    return sim->filed > now + own ? sim->filed : now + own;
}

void sim_write(sim_t *sim, int rank, double now) {
    sim_rank_t *r = &sim->rank[rank];
    r->doing = SIM_WRITING;
    r->start = now;
    r->end = sim_file(sim, now, sim_write_seconds(sim));
    sim_push(sim, r->end, rank, SIM_NEXT);
}

/* --- rounds: all ranks write together
 * -----------------------------------------------------------*/

/*
 * What a round takes, once all are in it. The data of a node's ranks are put together and written
 * by one of them, as MPI's collective writing does; then all wait for each other, and each writes
 * the accounts of its own bands.
 */
static double write_together(sim_t *sim) {
    const hm_simulation_t *plan = sim->plan;
    int64_t node_most = 0;
    int64_t all = 0;
    int most = 0;
    int rank = 0;
    for (int node = 0; node < plan->nodes; ++node) {
        int64_t saved = 0;
        for (const int end = sim_node_first(plan, node + 1); rank < end; ++rank) {
            saved += sim->rank[rank].saved;
            most = sim->rank[rank].saved > most ? sim->rank[rank].saved : most;
            sim->rank[rank].saved = 0;
        }
        node_most = saved > node_most ? saved : node_most;
        all += saved;
    }
    const double own = (double)node_most * plan->band_bytes * plan->machine.byte;
    const double shared =
        plan->machine.bandwidth > 0 ? (double)all * plan->band_bytes / plan->machine.bandwidth : 0;
    return plan->machine.round + sim_tree(plan) + most * plan->machine.band + fmax(own, shared);
}

/* When a rank comes to a round that is known of at `now`. */
static double joins(const sim_t *sim, int rank, double now) {
    return fmax(sim_attends(sim, rank, now), sim->rank[rank].served);
}

/* A round that is wanted from `now` on: news of it goes from rank to rank, and who computes joins
 * when it looks. */
static void have_round(sim_t *sim, double now) {
    const int ranks = sim->plan->ranks;
    const double known = now + sim_tree(sim->plan);
    double begins = now;
    for (int rank = 0; rank < ranks; ++rank) {
        begins = fmax(begins, joins(sim, rank, known));
    }
    sim->round = begins + write_together(sim);
    for (int rank = 0; rank < ranks; ++rank) {
        const double in = sim->round - joins(sim, rank, known);
        sim->writing += in;
        sim_interrupt(sim, rank, in);
    }
    sim->attended = fmax(sim->attended, sim->round);
    sim_end(sim, sim->round);
}

static void save_up(sim_t *sim, int rank, double now) {
    sim_rank_t *r = &sim->rank[rank];
    ++r->saved;
    if (r->saved == hm_round_room((size_t)sim->plan->band_bytes)) {
        have_round(sim, now);
    }
}

double sim_last_round(sim_t *sim) {
    const double seconds = write_together(sim);
    sim->writing += seconds * sim->plan->ranks;
    return seconds;
}

/* --- funnel: the node's leader writes it
 * --------------------------------------------------------*/

static int leader_of(const sim_t *sim, int rank) {
    return sim_node_first(sim->plan, sim->rank[rank].node);
}

/* Putting a band into another buffer. */
static double copying(const sim_t *sim) {
    return sim->plan->band_bytes * sim->plan->machine.transfer / 2;
}

/* The rank waits for one of its buffers, fills it, and sends it. When it may go on. */
static double hand_over(sim_t *sim, int rank, double now) {
    sim_rank_t *r = &sim->rank[rank];
    const double filled = fmax(now, r->freed[r->slot]) + copying(sim);
    r->freed[r->slot] = sim_send(sim, leader_of(sim, rank), filled);
    r->slot ^= 1u;
    return filled;
}

/* Then the sender's buffer is free. The writer copies the band from the sender's memory into its
 * own, and writes it or sees to it that it is written. */
double sim_send(sim_t *sim, int writer, double now) {
    const hm_machine_t *machine = &sim->plan->machine;
    sim_rank_t *w = &sim->rank[writer];
    const double begins = fmax(sim_attends(sim, writer, now + machine->node_latency), w->served);
    const double here = begins + sim->plan->band_bytes * machine->transfer;
    ++sim->messages;
    if (sim->plan->delivery == HM_DELIVERY_ROUNDS) {
        w->served = here + copying(sim);
    } else if (sim->plan->delivery == HM_DELIVERY_FUNNEL && leader_of(sim, writer) != writer) {
        w->served = hand_over(sim, writer, here);
    } else {
        w->served = sim_file(sim, here, sim_write_seconds(sim));
    }
    sim_interrupt(sim, writer, w->served - begins);
    sim_end(sim, w->served);
    if (sim->plan->delivery == HM_DELIVERY_ROUNDS) {
        save_up(sim, writer, w->served);
    }
    return here;
}

/* --- all -----------------------------------------------------------------------------------------
 */

void sim_deliver(sim_t *sim, int rank, double now) {
    sim_rank_t *r = &sim->rank[rank];
    if (sim->plan->delivery == HM_DELIVERY_ROUNDS) {
        r->doing = SIM_IDLE;
        save_up(sim, rank, now + copying(sim));
        sim_push(sim, now + copying(sim), rank, SIM_NEXT);
    } else if (sim->plan->delivery == HM_DELIVERY_FUNNEL && leader_of(sim, rank) != rank) {
        r->doing = SIM_IDLE;
        sim_push(sim, hand_over(sim, rank, now), rank, SIM_NEXT);
    } else {
        sim_write(sim, rank, now);
    }
}

double sim_delivery_memory(const hm_simulation_t *plan) {
    const int on_node = (plan->ranks + plan->nodes - 1) / plan->nodes;
    const int senders = on_node - 1 < HM_PIPE_SENDERS ? on_node - 1 : HM_PIPE_SENDERS;
    switch (plan->delivery) {
    case HM_DELIVERY_ROUNDS: /* saved up, and once more put together */
        return 2 * plan->band_bytes * hm_round_room((size_t)plan->band_bytes);
    case HM_DELIVERY_FUNNEL:
        return plan->band_bytes * (on_node > 1 ? fmax(senders, HM_PIPE_AHEAD) : 0);
    case HM_DELIVERY_DIRECT:
    default:
        return 0;
    }
}
