/** @file figures.h From what was found to the figures of a report. Inside src/analysis only. */
#ifndef HM_ANALYSIS_FIGURES_H
#define HM_ANALYSIS_FIGURES_H

#include "accounts.h"
#include "components.h"
#include "hm_analysis.h"
#include "scan.h"
#include "symmetry.h"

/** All that was found, on rank 0. */
typedef struct hm_findings_t {
    hm_scan_t scan;
    hm_accounts_t accounts;
    hm_symmetry_t symmetry;
    const hm_period_sums_t *periods; /**< NULL: the file has no such channel */
    hm_rank_account_t *ranks;        /**< [rank_count], of the last session */
    int rank_count;
} hm_findings_t;

/** Adds all figures; the same findings give the same bits. HM_EMISSING. */
hm_status_t hm_figures_make(const hm_dataset_info_t *info, const hm_findings_t *found,
                            hm_report_t *report, hm_error_t *err);

/** What the columns of a section's figures are called; NULL: the section has no such column. */
typedef struct hm_section_t {
    const char *name, *title;
    const char *key, *from, *to, *count, *value, *error;
} hm_section_t;

/** The sections in the order of a report, ended by one whose name is NULL. */
extern const hm_section_t hm_sections[];

#endif
