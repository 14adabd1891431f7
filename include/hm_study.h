/**
 * @file hm_study.h
 * Scaling studies: the CSV files that jobs/lib/study.sh writes, one row a run, joined to points
 * with medians and intervals, and what laws of scaling make of them.
 *
 * A *study* is the rows of one file with the same kind and the same arguments. A *point* is a
 * combination of nodes, ranks a node, threads and strategy; its runs are the repetitions, of which
 * number 0 is the warm-up and counts for nothing. A *series* is the points of one strategy and
 * number of threads a rank, and the reference point.
 *
 * Speed-ups are taken within repetitions: of the reference and of the point in the same repetition,
 * which lie near in time; their median is quoted. The reference is the strategy's point on the
 * fewest cores, and its speed-up is by definition their number. In weak studies the speed-up is
 * scaled: the iterations a second against those of the reference.
 */
#ifndef HM_STUDY_H
#define HM_STUDY_H

#include <stdbool.h>
#include <stdint.h>

#include "hm_csv.h"
#include "hm_error.h"
#include "hm_fit.h"
#include "hm_sample.h"

/** Room for a strategy's name. */
enum { HM_STUDY_NAME = 32 };

/** What is measured of each run besides its time: medians over a point's runs, NAN: not known. */
typedef enum hm_figure_t {
    HM_FIGURE_IMBALANCE,            /**< most over mean of the ranks' busy seconds */
    HM_FIGURE_IMBALANCE_ITERATIONS, /**< the same of their iterations */
    HM_FIGURE_BUSY,                 /**< shares of the ranks' time: computing, */
    HM_FIGURE_WRITING,
    HM_FIGURE_TALKING,
    HM_FIGURE_WAITING,
    HM_FIGURE_STARTUP, /**< seconds before the work */
    HM_FIGURE_RATE,    /**< 1e9 textbook iterations a second */
    HM_FIGURE_COUNT
} hm_figure_t;

typedef struct hm_point_t {
    int nodes, ranks_per_node, threads;
    char strategy[HM_STUDY_NAME];
    int64_t ranks;
    int64_t workers; /**< ranks x threads */
    int64_t cores;   /**< that they can use: fewer where they share processors */
    bool shared;     /**< cores < workers: no law of scaling is asked of such a point */
    int64_t width, height;
    int64_t band;             /**< rows in a band; 0: not known */
    uint32_t crc32;           /**< of the right runs */
    double iterations;        /**< textbook updates of a run */
    int runs;                 /**< that count */
    int wrong;                /**< with a wrong checksum: without times */
    hm_interval_t seconds;    /**< count 0: no run that counts */
    hm_interval_t speedup;    /**< count 0: no reference in the same repetitions */
    hm_interval_t efficiency; /**< speed-up over cores */
    double karp_flatt;        /**< NAN: one core, shared, or a weak study */
    double figure[HM_FIGURE_COUNT];
    double predicted_seconds;   /**< NAN: no prediction */
    double predicted_imbalance; /**< by iterations; NAN: no prediction */
} hm_point_t;

/** Points of one strategy and number of threads. */
typedef struct hm_series_t {
    char strategy[HM_STUDY_NAME];
    int threads;
    int *point; /**< [count] indices, the reference first, then by workers; owned */
    int count;
    bool fitted[HM_LAW_COUNT]; /**< is there a fit? Gustafson's for weak studies, the others for
                                  strong ones */
    hm_fit_t fit[HM_LAW_COUNT];
} hm_series_t;

/** What rows may say of where they come from. */
typedef enum hm_origin_column_t {
    HM_ORIGIN_VERSION,
    HM_ORIGIN_REVISION,
    HM_ORIGIN_COMPILER,
    HM_ORIGIN_MPI,
    HM_ORIGIN_HDF5,
    HM_ORIGIN_ISA,
    HM_ORIGIN_PROCESSORS,
    HM_ORIGIN_HOST,
    HM_ORIGIN_SCHEDULER,
    HM_ORIGIN_JOB,
    HM_ORIGIN_STARTED,
    HM_ORIGIN_COUNT
} hm_origin_column_t;

/** The column's name. */
const char *hm_origin_name(hm_origin_column_t column);

/** Different texts of one such column that are kept; more are counted. */
enum { HM_ORIGIN_MOST = 8 };

typedef struct hm_origins_t {
    const char *text[HM_ORIGIN_MOST]; /**< in the order of the file */
    int count;                        /**< kept */
    bool more;                        /**< there are others */
} hm_origins_t;

typedef struct hm_study_t {
    const char *file, *arguments;
    bool weak;
    hm_point_t *point; /**< [points] by strategy, threads, workers, nodes; owned */
    int points;
    hm_series_t *series; /**< [series_count] owned */
    int series_count;
    int runs, wrong, warm_ups;
    hm_origins_t origin[HM_ORIGIN_COUNT];
} hm_study_t;

/** Studies read. Made by hm_studies_read(), freed by hm_studies_free(). */
typedef struct hm_studies_t {
    hm_csv_t *csv; /**< [files] owned: texts point into them */
    int files;
    hm_study_t *study; /**< [count] owned */
    int count;
} hm_studies_t;

/**
 * Reads files. A run whose status is `wrong`, or whose checksum is not that of the first run of the
 * same study and grid, has no time. Errors as of hm_csv_read(), and HM_EDATA for a missing column,
 * a text that is no number or out of range, with file, line and column; for files without a row.
 * `paths` must live as long as the studies.
 */
hm_status_t hm_studies_read(const char *const *paths, int count, hm_studies_t *studies,
                            hm_error_t *err);
void hm_studies_free(hm_studies_t *studies);

/** What the rows of a data set cost, in a file that holds a study's view on some grid. */
typedef struct hm_row_costs_t {
    int64_t width, height;
    uint32_t crc32;       /**< of the image */
    int64_t rows;         /**< that are computed, at most height: others mirror them */
    const uint64_t *work; /**< [rows] updates spent on them */
} hm_row_costs_t;

/**
 * Predicts each point by simulating its strategy (hm_simulate.h) over the rows' costs, scaled to
 * the point's grid where that is another one. What an update takes, and what writing a band takes,
 * are calibrated by the median of the study's own points on one core; messages are taken to be as
 * fast as they usually are. Threads share out a band's rows as in a run (hm_simulate_threads()).
 * Points that share processors get a prediction of their imbalance only. *known is false, and
 * nothing is predicted, when no point of the study is the costs' image, or none was measured on one
 * core. HM_EMISSING: out of memory.
 */
hm_status_t hm_study_predict(hm_study_t *study, const hm_row_costs_t *costs, bool *known,
                             hm_error_t *err);

/**
 * What a reader of the study should know before believing it, one sentence a call: `index` from 0;
 * false when there are no more. Mixed revisions or machines, wrong runs, few repetitions, wide
 * intervals, points that share processors, a reference on more than one core.
 */
bool hm_study_caution(const hm_study_t *study, int index, char *text, size_t size);

#endif
