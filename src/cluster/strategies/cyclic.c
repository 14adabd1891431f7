/**
 * @file cyclic.c
 * Interleaved bands: rank r computes the bands r, r + size, r + 2 size, ...
 *
 * The simplest way to balance: costs change slowly from band to band, so every rank gets about the
 * same mixture of cheap and costly ones. No message is needed. It cannot help where ranks differ in
 * speed.
 */
#include "../work.h"
#include "strategies.h"

static void run(hm_work_t *work) {
    const hm_cluster_t *cluster = work->cluster;
    if (!hm_work_ready(work, HM_OK)) {
        return;
    }
    for (int64_t band = cluster->rank; band < work->job->bands; band += cluster->size) {
        if (!hm_work_band(work, band)) {
            return;
        }
    }
}

const hm_strategy_t hm_strategy_cyclic = {
    .name = "cyclic",
    .what = "band b is computed by rank b modulo ranks",
    .pattern = "interleaved (cyclic) distribution",
    .mpi = "none while computing",
    .run = run,
};
