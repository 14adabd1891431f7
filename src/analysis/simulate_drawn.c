/** @file simulate_drawn.c Models of `counter`, `pool` and `pipeline`: ranks draw portions one by
 * one from rank 0. */
#include "simulate.h"

/* On one node the counter lies in shared memory. */
static bool at_once(const sim_t *sim) {
    return sim->plan->nodes == 1 && sim->model != &sim_pool;
}

/* Takes the portion that was drawn; false: there is none. */
static bool take(sim_t *sim, sim_rank_t *r) {
    const hm_portions_t *portions = &sim->portions;
    r->asked = false;
    if (r->number >= portions->count) {
        return false;
    }
    r->place = portions->first[r->number];
    r->last = portions->first[r->number + 1] - 1;
    r->ahead = sim->model == &sim_pipeline
                   ? hm_pipeline_ahead(r->place, sim->plan->bands, sim->plan->ranks)
                   : hm_portions_ahead(portions, r->number, sim->plan->ranks);
    return true;
}

static void next(sim_t *sim, int rank, double now) {
    sim_rank_t *r = &sim->rank[rank];
    /* The coordinator takes for itself, when it is about to begin. */
    const bool coordinates = sim->model == &sim_pool && rank == 0;
    if (r->place > r->last) {
        if (!r->asked) {
            sim_ask(sim, rank, now, at_once(sim));
        }
        if (!r->answered) {
            r->awaits = true;
            return;
        }
        if (r->answer > now) {
            sim_push(sim, r->answer, rank, SIM_NEXT);
            return;
        }
        if (!take(sim, r)) {
            sim_end(sim, now);
            return;
        }
    }
    if (r->place == r->last && r->ahead && !r->asked && !at_once(sim) && !coordinates) {
        sim_ask(sim, rank, now, false);
    }
    sim_compute(sim, rank, hm_portions_band(&sim->portions, r->place++), now);
}

static void arrived(sim_t *sim, int rank, double now) {
    sim_rank_t *r = &sim->rank[rank];
    sim_answer(sim, rank, now);
    if (r->awaits) {
        r->awaits = false;
        sim_push(sim, r->answer, rank, SIM_NEXT);
    }
}

static hm_status_t cut(sim_t *sim, hm_portion_t kind) {
    return hm_portions_make(kind, sim->plan->bands, NULL, sim->plan->ranks, 1, &sim->portions,
                            sim->err);
}

static double memory_of_portions(const hm_simulation_t *plan) {
    return ((double)plan->bands + 1) * (double)sizeof(int64_t); /* at most: one band each */
}

/* --- counter -------------------------------------------------------------------------------------
 */

static hm_status_t open_counter(sim_t *sim) {
    sim_begin_at(sim, 0);
    return cut(sim, hm_portion_of_counter(sim->plan->portion, sim->plan->nodes));
}

const sim_model_t sim_counter = {.strategy = "counter",
                                 .open = open_counter,
                                 .next = next,
                                 .arrived = arrived,
                                 .memory = memory_of_portions};

/* --- pool ----------------------------------------------------------------------------------------
 */

static hm_status_t open_pool(sim_t *sim) {
    const bool idle = sim->plan->idle_coordinator && sim->plan->ranks > 1;
    for (int rank = idle ? 1 : 0; rank < sim->plan->ranks; ++rank) {
        sim_push(sim, 0, rank, SIM_NEXT);
    }
    return cut(sim, sim->plan->portion);
}

const sim_model_t sim_pool = {.strategy = "pool",
                              .open = open_pool,
                              .next = next,
                              .arrived = arrived,
                              .memory = memory_of_portions};

/* --- pipeline ------------------------------------------------------------------------------------
 */

static hm_status_t open_pipeline(sim_t *sim) {
    sim_begin_at(sim, 0);
    return cut(sim, HM_PORTION_FIXED);
}

/* The rank that writes for this one. */
static int writer_of(const sim_t *sim, int rank) {
    const int node = sim->rank[rank].node;
    const int first = sim_node_first(sim->plan, node);
    return first + hm_pipe_group(rank - first, sim_node_first(sim->plan, node + 1) - first).writer;
}

/* A sender computes into a buffer that then travels; it has two. */
static void deliver_by_pipe(sim_t *sim, int rank, double now) {
    const int writer = writer_of(sim, rank);
    sim_rank_t *r = &sim->rank[rank];
    if (writer == rank) {
        sim_deliver(sim, rank, now);
        return;
    }
    r->doing = SIM_IDLE;
    r->freed[r->slot] = sim_send(sim, writer, now);
    r->slot ^= 1u;
    const double free = r->freed[r->slot];
    sim_push(sim, free > now ? free : now, rank, SIM_NEXT);
}

static double memory_of_pipeline(const hm_simulation_t *plan) {
    const int on_node = (plan->ranks + plan->nodes - 1) / plan->nodes;
    const int senders = hm_pipe_group(0, on_node).senders;
    return senders > 1 ? senders * plan->band_bytes : 2 * plan->band_bytes;
}

const sim_model_t sim_pipeline = {.strategy = "pipeline",
                                  .open = open_pipeline,
                                  .next = next,
                                  .deliver = deliver_by_pipe,
                                  .arrived = arrived,
                                  .memory = memory_of_pipeline};
