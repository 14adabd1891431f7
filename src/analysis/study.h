/* The runs of a study's CSV files: what study_read.c hands to study.c. */
#ifndef HM_ANALYSIS_STUDY_H
#define HM_ANALYSIS_STUDY_H

#include "hm_study.h"

/* A row. Texts point into the file's memory. */
typedef struct hm_run_t {
    int file;
    int64_t row; /* in the file */
    bool weak, wrong;
    const char *arguments;
    int nodes, ranks_per_node, threads, repetition;
    int processors; /* of a node, 0: not known */
    const char *strategy;
    int64_t ranks, width, height, band;
    double iterations; /* textbook updates */
    uint32_t crc32;
    double seconds; /* 0 when wrong */
    double figure[HM_FIGURE_COUNT];
    const char *origin[HM_ORIGIN_COUNT];
} hm_run_t;

/** The rows of `csv`, the file number `file` called `path`, appended to run[*runs]; *run is
 * reallocated. Errors as of hm_studies_read(). */
hm_status_t hm_runs_read(const hm_csv_t *csv, const char *path, int file, hm_run_t **run,
                         int64_t *runs, hm_error_t *err);

/** In the order of studies, points, repetitions; for qsort(). */
int hm_run_order(const void *a, const void *b);

/** Do two runs belong to the same study; to the same point of it? */
bool hm_run_same_study(const hm_run_t *a, const hm_run_t *b);
bool hm_run_same_point(const hm_run_t *a, const hm_run_t *b);

/** Makes wrong what has another checksum than the first run of the same study and grid. Reorders.
 */
void hm_runs_check(hm_run_t *run, int64_t runs);

#endif
