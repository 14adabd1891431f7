/**
 * @file hm_analysis.h
 * Statistics of a data set file, by all ranks together: each reads its part of the rows, a piece of
 * about 1 MiB or a row at a time, and reductions to rank 0 put the parts together. All sums are
 * whole numbers or exact, and what is computed from them is computed by rank 0 alone: so the
 * figures have the same bits on every number of ranks.
 *
 * A row whose data have not the CRC-32 that was written with them is refused. Rows that are not
 * done are left out and counted.
 */
#ifndef HM_ANALYSIS_H
#define HM_ANALYSIS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "hm_cluster.h"
#include "hm_dataset.h"
#include "hm_error.h"

/** Most rows that `top` may ask for. */
enum { HM_ANALYSIS_TOP = 1000 };

typedef struct hm_analysis_options_t {
    int top; /**< how many of the costliest rows, 0 to HM_ANALYSIS_TOP */
} hm_analysis_options_t;

/** The figures. Start with {0}; free with hm_report_free(). */
typedef struct hm_report_t {
    hm_dataset_info_t info;
    int64_t rows; /**< that were analysed */
    hm_finding_t *figure;
    int count, room;
    bool failed; /**< memory ran out while figures were added */
} hm_report_t;

/** How the reading went, on rank 0: of all ranks together. For people, not for comparing. */
typedef struct hm_analysis_speed_t {
    int64_t bytes;
    double reading; /**< seconds in reads, of the rank with most */
    double seconds; /**< reading and counting, of the slowest rank */
} hm_analysis_speed_t;

/**
 * Analyses a file. Collective; all ranks return the same status. `report` is filled in on rank 0;
 * on the others it gets `info` only.
 *
 * HM_EDATA: not a data set file, damaged, or its data are not those that were written: the message
 * says which row. HM_EIO, HM_EMISSING.
 */
hm_status_t hm_analysis_run(const hm_cluster_t *cluster, const char *path,
                            const hm_analysis_options_t *options, hm_report_t *report,
                            hm_analysis_speed_t *speed, hm_error_t *err);

typedef enum hm_format_t { HM_FORMAT_TEXT, HM_FORMAT_JSON, HM_FORMAT_CSV } hm_format_t;

/** Prints the figures; on rank 0. HM_EMISSING. */
hm_status_t hm_report_print(const hm_report_t *report, const char *path, hm_format_t format,
                            FILE *out, hm_error_t *err);

/** Adds a figure; texts are cut to their fields. */
void hm_report_add(hm_report_t *report, const hm_finding_t *figure);

/** The figure of a section and key, or NULL. */
const hm_finding_t *hm_report_find(const hm_report_t *report, const char *section, const char *key);

void hm_report_free(hm_report_t *report);

#endif
