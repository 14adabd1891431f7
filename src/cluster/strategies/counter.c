/**
 * @file counter.c
 * Self-scheduling without a coordinator: ranks draw portions from a common counter.
 *
 * Nobody answers requests; a rank that is free helps itself by one fetch-and-add. Fast ranks and
 * ranks with cheap bands simply come back more often.
 *
 * On one node a draw costs next to nothing, so a portion is one band. On several it takes about a
 * millisecond, until the holder of the counter looks after its messages: there portions shrink, and
 * the next one is asked for ahead.
 */
#include "../ticket.h"
#include "../work.h"
#include "strategies.h"

static void compute(hm_work_t *work, const hm_portions_t *portions, hm_ticket_t *ticket) {
    int64_t k = 0;
    while (hm_ticket_draw(ticket, work, &k) && k < portions->count) {
        const int64_t first = portions->first[k];
        const int64_t last = portions->first[k + 1] - 1;
        const bool ahead = hm_portions_ahead(portions, k, work->cluster->size);
        for (int64_t place = first; place <= last; ++place) {
            if ((place == last && ahead && !hm_ticket_ask(ticket, work)) ||
                !hm_work_band(work, hm_portions_band(portions, place))) {
                return;
            }
        }
    }
}

static void run(hm_work_t *work) {
    hm_portions_t portions = {0};
    hm_ticket_t ticket;
    const hm_portion_t kind = hm_portion_of_counter(work->options.portion, work->cluster->nodes);
    if (hm_ticket_ready(&ticket, work,
                        hm_portions_make(kind, work->job->bands, work->job->cost,
                                         work->cluster->size, 1, &portions, work->err))) {
        compute(work, &portions, &ticket);
        hm_ticket_close(&ticket, work);
    }
    hm_portions_free(&portions);
}

const hm_strategy_t hm_strategy_counter = {
    .name = "counter",
    .what = "ranks draw portions from a common counter, first come first served",
    .pattern = "self-scheduling without a coordinator",
    .mpi =
        "Win_allocate_shared and C11 atomics on one node, passive-target Fetch_and_op on several",
    .run = run,
};
