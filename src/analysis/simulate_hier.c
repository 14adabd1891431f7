/**
 * @file simulate_hier.c Model of `hier`: nodes draw portions, the ranks of a node claim places in
 * them.
 *
 * A node's ranks claim numbers 0, 1, 2, ...; its portions lie one behind the other along these. As
 * a node draws its next portion when a certain place of the last one is claimed, it never has more
 * than two that are not used up: `present` and `coming`.
 */
#include <stdlib.h>

#include "simulate.h"

typedef struct portion_t {
    int64_t start, end; /* numbers */
    int64_t first;      /* place of its first number */
} portion_t;

typedef struct node_t {
    int64_t claims; /* numbers claimed */
    portion_t present, coming;
    int first, size;   /* its ranks */
    int waiting, last; /* a queue of the ranks whose number has no portion yet, by `follow`; -1 */
    bool exhausted;
} node_t;

/* Behind the nodes in one piece of memory. */
typedef struct hier_t {
    int *follow;      /* [ranks] the next one in a queue of waiting ranks */
    int64_t *claimed; /* [ranks] the number that a rank holds */
    node_t node[];
} hier_t;

static void draw(sim_t *sim, int rank, double now) {
    sim_rank_t *r = &sim->rank[rank];
    r->draws = true;
    sim_ask(sim, rank, now, sim->plan->nodes == 1);
    if (r->answered) {
        sim_push(sim, now, rank, SIM_NEXT);
    }
}

static void wait_for_portion(hier_t *hier, node_t *node, int rank) {
    hier->follow[rank] = -1;
    if (node->waiting < 0) {
        node->waiting = rank;
    } else {
        hier->follow[node->last] = rank;
    }
    node->last = rank;
}

/* The rank computes what its number stands for; who holds a certain one draws first. False: the
 * number has no portion yet. */
static bool begin(sim_t *sim, int rank, double now) {
    hier_t *hier = sim->own;
    node_t *node = &hier->node[sim->rank[rank].node];
    const int64_t number = hier->claimed[rank];
    if (number >= node->present.end && node->coming.end > node->present.end) {
        node->present = node->coming;
    }
    if (number >= node->present.end) {
        return false;
    }
    const int64_t offset = number - node->present.start;
    sim->rank[rank].place = node->present.first + offset;
    if (hm_hier_draws(offset, node->present.end - node->present.start, node->size)) {
        draw(sim, rank, now);
    } else {
        sim_compute(sim, rank, hm_portions_band(&sim->portions, sim->rank[rank].place), now);
    }
    return true;
}

static void claim(sim_t *sim, int rank, double now) {
    hier_t *hier = sim->own;
    node_t *node = &hier->node[sim->rank[rank].node];
    hier->claimed[rank] = node->claims++;
    if (begin(sim, rank, now)) {
        return;
    }
    if (node->exhausted) {
        sim_end(sim, now);
    } else {
        wait_for_portion(hier, node, rank);
    }
}

/* The portion that a rank drew for its node is known: those who waited for it begin. */
static void drawn(sim_t *sim, int rank, double now) {
    hier_t *hier = sim->own;
    sim_rank_t *r = &sim->rank[rank];
    node_t *node = &hier->node[r->node];
    r->asked = r->answered = r->draws = false;
    if (r->number < sim->portions.count) {
        const int64_t first = sim->portions.first[r->number];
        const int64_t start = node->coming.end;
        node->coming =
            (portion_t){start, start + sim->portions.first[r->number + 1] - first, first};
    } else {
        node->exhausted = true;
    }
    if (r->place >= 0) { /* the place that it drew for */
        sim_compute(sim, rank, hm_portions_band(&sim->portions, r->place), now);
    } else {
        claim(sim, rank, now);
    }
    int waiting = node->waiting;
    node->waiting = -1;
    while (waiting >= 0) {
        const int follow = hier->follow[waiting];
        if (!begin(sim, waiting, now)) {
            if (node->exhausted) {
                sim_end(sim, now);
            } else {
                wait_for_portion(hier, node, waiting);
            }
        }
        waiting = follow;
    }
}

static void next(sim_t *sim, int rank, double now) {
    sim_rank_t *r = &sim->rank[rank];
    if (!r->draws) {
        claim(sim, rank, now);
    } else if (r->answer > now) {
        sim_push(sim, r->answer, rank, SIM_NEXT);
    } else {
        drawn(sim, rank, now);
    }
}

static void arrived(sim_t *sim, int rank, double now) {
    sim_answer(sim, rank, now);
    sim_push(sim, sim->rank[rank].answer, rank, SIM_NEXT);
}

static hm_status_t open(sim_t *sim) {
    const hm_simulation_t *plan = sim->plan;
    hm_status_t status = HM_OK;
    const size_t nodes = (size_t)plan->nodes;
    const size_t ranks = (size_t)plan->ranks;
    hier_t *hier = calloc(1, sizeof *hier + nodes * sizeof *hier->node +
                                 ranks * (sizeof *hier->claimed + sizeof *hier->follow));
    if (hier == NULL) {
        return hm_error_set(sim->err, HM_EMISSING, "out of memory for %d nodes", plan->nodes);
    }
    sim->own = hier;
    hier->claimed = (int64_t *)(void *)&hier->node[nodes];
    hier->follow = (int *)(void *)&hier->claimed[ranks];
    const int smallest = plan->ranks / plan->nodes;
    HM_TRY(hm_portions_make(plan->portion, plan->bands, NULL, hm_hier_takers(plan->ranks, smallest),
                            smallest, &sim->portions, sim->err));
    for (int n = 0; n < plan->nodes; ++n) {
        node_t *node = &hier->node[n];
        node->first = (int)hm_part_start(plan->ranks, n, plan->nodes);
        node->size = (int)hm_part_start(plan->ranks, n + 1, plan->nodes) - node->first;
        node->waiting = -1;
        /* A node's first rank draws before it claims. */
        sim->rank[node->first].place = -1;
        draw(sim, node->first, 0);
    }
    for (int rank = 0; rank < plan->ranks; ++rank) {
        if (!sim->rank[rank].draws) {
            sim_push(sim, 0, rank, SIM_NEXT);
        }
    }
cleanup:
    return status;
}

static double memory(const hm_simulation_t *plan) {
    /* The portions, and once a node the table of those that it drew. */
    const double least = plan->ranks / plan->nodes;
    return ((double)plan->bands / least + 1) * 3 * (double)sizeof(int64_t);
}

const sim_model_t sim_hier = {
    .strategy = "hier", .open = open, .next = next, .arrived = arrived, .memory = memory};
