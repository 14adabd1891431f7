/** @file simulate_static.c Models of `block`, `cyclic` and `predict`: who computes what is settled
 * before the first band. */
#include <math.h>
#include <stdlib.h>

#include "simulate.h"

static void next_of_part(sim_t *sim, int rank, double now) {
    sim_rank_t *r = &sim->rank[rank];
    if (r->place > r->last) {
        sim_end(sim, now);
    } else {
        sim_compute(sim, rank, r->place++, now);
    }
}

/* --- block: lists of bands are scattered first ---------------------------------------------------
 */

static hm_status_t open_block(sim_t *sim) {
    const hm_simulation_t *plan = sim->plan;
    for (int rank = 0; rank < plan->ranks; ++rank) {
        sim->rank[rank].place = hm_part_start(plan->bands, rank, plan->ranks);
        sim->rank[rank].last = hm_part_start(plan->bands, rank + 1, plan->ranks) - 1;
    }
    const double bytes = (double)plan->bands * (double)sizeof(int64_t);
    sim_begin_at(sim, sim_tree(plan) + (plan->ranks > 1 ? bytes * plan->machine.transfer : 0));
    return HM_OK;
}

/* On rank 0, which scatters and gathers; and a part's lists on each. */
static double memory_of_block(const hm_simulation_t *plan) {
    return (double)plan->bands * (double)(sizeof(int64_t) + sizeof(double)) *
               (1 + 1.0 / plan->ranks) +
           2.0 * plan->ranks * (double)sizeof(int);
}

const sim_model_t sim_block = {
    .strategy = "block", .open = open_block, .next = next_of_part, .memory = memory_of_block};

/* --- cyclic --------------------------------------------------------------------------------------
 */

static hm_status_t open_cyclic(sim_t *sim) {
    for (int rank = 0; rank < sim->plan->ranks; ++rank) {
        sim->rank[rank].place = rank;
    }
    sim_begin_at(sim, 0);
    return HM_OK;
}

static void next_cyclic(sim_t *sim, int rank, double now) {
    sim_rank_t *r = &sim->rank[rank];
    if (r->place >= sim->plan->bands) {
        sim_end(sim, now);
    } else {
        sim_compute(sim, rank, r->place, now);
        r->place += sim->plan->ranks;
    }
}

const sim_model_t sim_cyclic = {.strategy = "cyclic", .open = open_cyclic, .next = next_cyclic};

/* --- predict: costs are foreseen, exchanged and added up first -----------------------------------
 */

static hm_status_t open_predict(sim_t *sim) {
    const hm_simulation_t *plan = sim->plan;
    const double *cost = plan->forecast != NULL ? plan->forecast : plan->seconds;
    double *sum = calloc((size_t)plan->bands + 1, sizeof *sum);
    if (sum == NULL) {
        return hm_error_set(sim->err, HM_EMISSING, "out of memory for the costs of %lld bands",
                            (long long)plan->bands);
    }
    for (int64_t band = 0; band < plan->bands; ++band) {
        sum[band + 1] = sum[band] + (isfinite(cost[band]) && cost[band] > 0 ? cost[band] : 0);
    }
    for (int rank = 0; rank < plan->ranks; ++rank) {
        sim->rank[rank].place = hm_predict_start(sum, plan->bands, rank, plan->ranks);
        sim->rank[rank].last = hm_predict_start(sum, plan->bands, rank + 1, plan->ranks) - 1;
    }
    free(sum);
    const double share = ceil((double)plan->bands / plan->ranks);
    const double bytes = (double)plan->bands * (double)sizeof(double);
    sim_begin_at(sim, share * plan->probe + sim_tree(plan) +
                          (plan->ranks > 1 ? bytes * plan->machine.transfer : 0));
    return HM_OK;
}

static double memory_of_predict(const hm_simulation_t *plan) {
    return 2.0 * (double)plan->bands * (double)sizeof(double) +
           2.0 * plan->ranks * (double)sizeof(int);
}

const sim_model_t sim_predict = {
    .strategy = "predict", .open = open_predict, .next = next_of_part, .memory = memory_of_predict};
