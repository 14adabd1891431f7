/* What the page of one run is made of: report_run.c reads and prints it, report_run_charts.c draws.
 */
#ifndef HM_REPORT_RUN_H
#define HM_REPORT_RUN_H

#include "hm_dataset.h"
#include "hm_timeline.h"
#include "report.h"

/* Pieces that the rows are cut into for tables and profiles. */
enum { RUN_PIECES = 256, RUN_TABLE = 32, RUN_LANES = 48 };

/* Consecutive rows. */
typedef struct run_piece_t {
    int64_t first, rows;
    int64_t done;
    double iterations; /* updates really spent */
    double seconds;
    double dearest;            /* seconds of the dearest row */
    int32_t rank, other_ranks; /* who computed its first row that is done; others in it: 0 or 1 */
} run_piece_t;

/* A rank's row in tables. */
typedef struct run_rank_t {
    int rank;
    hm_rank_account_t account;
} run_rank_t;

/* Rows that a rank computed one after the other in the order of rows. */
typedef struct run_band_t {
    int32_t rank;
    double seconds;
} run_band_t;

typedef struct run_t {
    const char *path;
    hm_reader_t *reader;
    hm_dataset_info_t info;
    run_piece_t piece[RUN_PIECES]; /* fine, for profiles */
    int pieces;
    run_piece_t coarse[RUN_TABLE]; /* for tables */
    int coarse_pieces;
    run_band_t *band; /* [bands] runs of rows of one rank, in order of rows; owned */
    int64_t bands;
    run_rank_t *rank; /* [ranks] owned */
    int ranks;
    hm_session_t *session; /* [sessions] owned */
    int sessions;
    bool traced;
    hm_timeline_t timeline; /* when traced */
} run_t;

/** The figures. Errors as of report_figure(). */
hm_status_t report_run_charts(report_page_t *page, const run_t *run, hm_error_t *err);

/** Columns over run_piece_t, run_rank_t. */
extern const report_column_t report_piece_columns[], report_rank_columns[];
extern const int report_piece_count, report_rank_count;

#endif
