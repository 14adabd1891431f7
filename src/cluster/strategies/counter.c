/**
 * @file counter.c
 * Self-scheduling without a coordinator: ranks draw portions from a common counter.
 *
 * Nobody answers requests; a rank that is free helps itself by one fetch-and-add. Fast ranks and
 * ranks with cheap bands simply come back more often.
 */
#include "../portion.h"
#include "../ticket.h"
#include "../work.h"
#include "strategies.h"

static void compute(hm_work_t *work, const hm_portions_t *portions, hm_ticket_t *ticket) {
    for (;;) {
        hm_error_t err = HM_ERROR_NONE;
        int64_t k = 0;
        hm_account_enter(work->account, HM_STATE_TALKING);
        hm_status_t status = hm_ticket_draw(ticket, &k, &err);
        if (status != HM_OK) {
            hm_work_fail(work, status, &err);
            return;
        }
        if (k >= portions->count) {
            return;
        }
        for (int64_t place = portions->first[k]; place < portions->first[k + 1]; ++place) {
            if (!hm_work_band(work, hm_portions_band(portions, place))) {
                return;
            }
        }
    }
}

static void run(hm_work_t *work) {
    hm_portions_t portions = {0};
    hm_ticket_t ticket;
    if (hm_work_ready(work, hm_portions_make(work->options.portion, work->job, work->cluster->size,
                                             1, &portions, work->err)) &&
        hm_work_ready(work, hm_ticket_open(work->cluster, &ticket, work->err))) {
        compute(work, &portions, &ticket);
        hm_work_meet(work);
        hm_ticket_close(&ticket);
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
