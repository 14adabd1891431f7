/* The parts of the render command: its settings, the job that joins kernels and file, its report.
 */
#ifndef HM_RENDER_H
#define HM_RENDER_H

#include <stdbool.h>
#include <stdint.h>

#include "hm_band.h"
#include "hm_command.h"
#include "hm_dataset.h"
#include "hm_grid.h"
#include "hm_kernel.h"
#include "hm_mirror.h"
#include "hm_strategy.h"
#include "hm_tally.h"

/** What the options fill in. */
typedef struct render_settings_t {
    const char *center, *span, *region, *size;
    int coords;
    int64_t max_iter;
    double bailout;
    const char *julia;
    const char *channels;
    int arith, isa, interior;
    const char *strategy;
    const char *band;
    int64_t threads;
    int portion;
    int io;
    bool idle_coordinator;
    const char *trace;
    const char *output;
    bool overwrite, resume;
    int64_t alignment; /* bytes */
    const char *hint;
    double checkpoint;
    double time_limit;
    const char *png;
    const char *palette;
    int progress;
    const char *stats;
    bool quiet, verbose;
} render_settings_t;

extern const hm_option_t render_options[];

/** The settings resolved: plain values, the same on every rank except kernel and threads. */
typedef struct render_plan_t {
    hm_grid_t grid;
    hm_formula_t formula;
    hm_mirror_t mirror; /**< rows that are computed once and written twice */
    uint32_t channels;
    const hm_kernel_t *kernel;
    const hm_strategy_t *strategy;
    int threads;
    int64_t band_rows;
} render_plan_t;

/** Resolves the settings on this rank. Not collective. Errors: HM_EUSAGE, HM_EMISSING. */
hm_status_t render_resolve(const render_settings_t *settings, const hm_values_t *values,
                           const hm_cluster_t *cluster, render_plan_t *plan, hm_error_t *err);

/** Rows in a band for so many ranks: as asked for, or as many as suit. HM_EUSAGE. */
hm_status_t render_band_rows(const render_settings_t *settings, const render_plan_t *plan,
                             int ranks, int64_t *rows, hm_error_t *err);

/** Cuts the rows that are to be computed, `good[height]` being done already (NULL: none). A row
 * whose twin is not done either stands for both. As hm_bands_make(). */
hm_status_t render_bands(const render_plan_t *plan, const uint8_t *good, int64_t band_rows,
                         hm_bands_t *bands, hm_error_t *err);

/** The way of the bands to the file that `io` stands for; `take_turns`: ranks outnumber the
 * processors. */
hm_delivery_t render_delivery(const render_settings_t *settings, bool take_turns);

/** Opens the output for writing with the hints of the settings. As hm_dataset_open(). */
hm_status_t render_open(const render_settings_t *settings, MPI_Comm comm, hm_dataset_t **dataset,
                        hm_error_t *err);

/** HM_EUSAGE where `text` is no list of hints. */
hm_status_t render_check_hints(const char *text, hm_error_t *err);

/** Totals of what a rank delivered (first three) or computed (last two); twins included. */
typedef struct render_totals_t {
    uint64_t sum, inside;
    int64_t rows_delivered;
    int64_t rows_computed;
    uint64_t work;            /**< updates really spent */
    uint64_t messages, bytes; /**< sent by the strategy; filled when summed over the ranks */
} render_totals_t;

/** What a file to go on with holds already. */
typedef struct render_before_t {
    bool resumed;  /**< the file was there */
    bool complete; /**< nothing is left to do */
    bool torn;     /**< some rank found rows that are marked done and are not true */
    uint8_t *good; /**< [height] 1 where the row is done and true; NULL unless resumed; owned */
    hm_verified_t mine;     /**< what this rank's share of the rows came to */
    int64_t first, rows;    /**< this rank's share */
    hm_dataset_info_t info; /**< rank 0 only */
} render_before_t;

/**
 * Makes the file, or goes on with the one that is there when `resume` says so: rank 0 compares its
 * settings, all ranks verify its rows, each a share. Collective over the cluster; the status is
 * common and reported. Free with render_before_free().
 */
hm_status_t render_prepare(const hm_context_t *context, const char *path,
                           const hm_dataset_plan_t *plan, bool resume, render_before_t *before);
void render_before_free(render_before_t *before);

/** Takes back the done marks of the rows that are not true. Rank 0 alone. */
hm_status_t render_unmark_torn(const render_before_t *before, int64_t height, hm_dataset_t *dataset,
                               hm_error_t *err);

/** The job's context: joins the kernel, the bands and the file. One a rank. */
typedef struct render_job_t {
    const render_plan_t *plan;
    const hm_cluster_t *cluster;
    const hm_bands_t *bands;
    hm_dataset_t *dataset;
    hm_tally_t *tally; /**< NULL: nobody is told, and MPI is not called */
    double checkpoint; /**< seconds between forced flushes, 0: never */
    double flushed;    /**< hm_clock_now() of the last one */
    double *re;        /**< [width] */
    bool alone;        /**< one thread does the work of all that the plan has, piece by piece */
    render_totals_t totals;
} render_job_t;

/** Makes the context; free with render_job_free(). Not collective. HM_EMISSING when out of memory.
 */
hm_status_t render_job_make(const render_plan_t *plan, const hm_cluster_t *cluster,
                            const hm_bands_t *bands, render_job_t *job, hm_error_t *err);
void render_job_free(render_job_t *job);

/** Bytes of a band's buffer, which has room for the band's twin where rows have any. */
size_t render_band_bytes(const render_plan_t *plan, int64_t band_rows);

/** The callbacks of hm_job_t. */
hm_status_t render_compute(void *context, int64_t band, void *buffer, const hm_progress_t *progress,
                           hm_error_t *err);
hm_status_t render_deliver(void *context, int64_t band, const void *buffer,
                           const hm_progress_t *progress, hm_error_t *err);
hm_status_t render_deliver_all(void *context, int count, const int64_t *bands,
                               const void *const *buffers, hm_error_t *err);
hm_status_t render_probe(void *context, int64_t first, int64_t count, double *cost,
                         hm_error_t *err);

/** How many points render_probe() computes for a band of so many rows. */
int64_t render_probe_points(const render_plan_t *plan, int64_t band_rows);

/** What the report says of a run; gathered on rank 0. */
typedef struct render_report_t {
    const char *output;
    const char *strategy;
    double seconds;   /**< wall, from opening the file to closing it */
    double startup;   /**< wall, before that */
    uint64_t updates; /**< textbook updates of the rows computed in this run */
    hm_dataset_result_t result;
    int64_t rows_done;              /**< of grid.height */
    int64_t rows_computed;          /**< in this run, all ranks */
    double predicted;               /**< strategy predict: the imbalance it foresaw; 0: none */
    uint64_t messages, bytes;       /**< sent by strategies' code, all ranks */
    const hm_rank_account_t *ranks; /**< [cluster->size] */
} render_report_t;

/** Prints the summary block on standard output; rank 0. */
void render_report_print(const hm_cluster_t *cluster, const render_plan_t *plan,
                         const render_report_t *report);

/** Writes the run's figures as JSON; rank 0. HM_ECREATE, HM_EIO. */
hm_status_t render_report_stats(const char *path, const hm_cluster_t *cluster,
                                const render_plan_t *plan, const hm_values_t *values,
                                const render_report_t *report, hm_error_t *err);

#endif
