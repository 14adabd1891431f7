/**
 * @file hm_strategy.h
 * Strategies: who computes which band, when. One interface, one table; each strategy is one file in
 * src/cluster/strategies/ and stands for one classic parallel pattern.
 *
 * A strategy hands out band numbers and moves messages. It takes "compute a band" and "deliver a
 * band" as callbacks and knows neither kernels nor files. A band travels, where the pattern makes
 * it travel, as an opaque buffer of `band_bytes` bytes.
 *
 * Measured on two processors of one node (AVX2, MPICH 4.0.2), medians. Handing out a band that
 * takes no time (`bench strategies`, 2 ranks): 0.2 us, with `pipeline` 0.5 us. Of a view of 14 s on
 * one rank (--size 6000x4000 --interior none --max-iter 13000) 2 ranks are busy for 0.995 of their
 * time with `counter`, `pool`, `hier`, `pipeline`, 0.993 with `predict`. `pipeline` with all
 * channels, 80 MB/s of them: 0.966, as the writer's processor is one of the two. A rank with the
 * scalar kernel beside one 18 times as fast, `counter`: within 6 % of the sum of their speeds.
 */
#ifndef HM_STRATEGY_H
#define HM_STRATEGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "hm_account.h"
#include "hm_cluster.h"
#include "hm_delivery.h"
#include "hm_error.h"
#include "hm_portion.h"

/**
 * Called between pieces of work so that messages make progress (MPICH has no passive progress).
 * Returns true when the callee must give up: the run is stopping.
 */
typedef struct hm_progress_t {
    bool (*call)(void *context);
    void *context;
} hm_progress_t;

/** The work: bands 0 .. bands-1 and what to do with one. The same on every rank (except context).
 */
typedef struct hm_job_t {
    int64_t bands;
    size_t band_bytes;  /**< size of a band's buffer */
    const double *cost; /**< [bands] predicted relative cost, the same on all ranks; NULL: unknown.
                           See HM_PORTION_FIXED; `predict` takes it where there is no `probe` */
    void *context;
    /**
     * Fills `buffer` (band_bytes, 64-byte aligned) with band `band`. Calls `progress` about every
     * millisecond and returns HM_STOPPED without a result when that says so.
     */
    hm_status_t (*compute)(void *context, int64_t band, void *buffer, const hm_progress_t *progress,
                           hm_error_t *err);
    /**
     * Takes a computed band to where it belongs (a file). May be called on another rank than
     * compute was, and from within the `progress` that compute calls: a rank that receives bands
     * from others writes them while it computes its own. Never from within another deliver. A band
     * that is there is worth keeping: deliver finishes even when `progress` says that the run is
     * stopping.
     */
    hm_status_t (*deliver)(void *context, int64_t band, const void *buffer,
                           const hm_progress_t *progress, hm_error_t *err);
    /**
     * HM_DELIVERY_ROUNDS: writes `count` bands (0 .. 8) of this rank in one collective operation of
     * all ranks; called on all at the same time, also with nothing to write. May be called from
     * within compute's `progress`. NULL: this job has no collective form.
     */
    hm_status_t (*deliver_all)(void *context, int count, const int64_t *bands,
                               const void *const *buffers, hm_error_t *err);
    /**
     * Predicts the cost of bands [first, first + count) into cost[count], for `predict`; NULL: not
     * to be had.
     */
    hm_status_t (*probe)(void *context, int64_t first, int64_t count, double *cost,
                         hm_error_t *err);
} hm_job_t;

typedef struct hm_strategy_options_t {
    hm_portion_t portion;
    bool idle_coordinator; /**< `pool`: the coordinator only coordinates */
    hm_delivery_t delivery;
    hm_trace_t *trace; /**< notes this rank's events; NULL: none. Owned by the caller */
} hm_strategy_options_t;

struct hm_work_t;

typedef struct hm_strategy_t {
    const char *name;                    /**< option value */
    const char *what;                    /**< one line for `--strategy help` */
    const char *pattern;                 /**< the textbook pattern it stands for */
    const char *mpi;                     /**< what of MPI it uses */
    void (*run)(struct hm_work_t *work); /**< for hm_strategy_run(); see src/cluster/work.h */
} hm_strategy_t;

/** The table, ended by an entry with name NULL. */
extern const hm_strategy_t *const hm_strategies[];

/** The strategy called `name`; "auto": `counter` on one node, `hier` on several. HM_EUSAGE with the
 * known names otherwise. */
hm_status_t hm_strategy_find(const char *name, const hm_cluster_t *cluster,
                             const hm_strategy_t **strategy, hm_error_t *err);

/** Prints the table. */
void hm_strategy_help(FILE *out);

/**
 * Runs the job to its end. Collective over cluster->comm. Every band is computed once and delivered
 * once. When a callback fails on any rank, or the alarm is raised, all ranks return soon: with that
 * status on the rank where it happened, HM_STOPPED on the others; the caller then meets the others
 * in hm_agree(). No message is left under way.
 */
hm_status_t hm_strategy_run(const hm_strategy_t *strategy, const hm_cluster_t *cluster,
                            const hm_job_t *job, const hm_strategy_options_t *options,
                            hm_account_t *account, hm_error_t *err);

#endif
