/* The parts of the report command: tables as text and HTML, figures, the page they stand in. */
#ifndef HM_REPORT_H
#define HM_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "hm_chart.h"
#include "hm_error.h"
#include "hm_log.h"
#include "hm_study.h"

/** Longest text of a cell. */
enum { REPORT_CELL = 160 };

/** A column: what it is called, and what stands in it for a row. */
typedef struct report_column_t {
    const char *name;
    void (*cell)(const void *row, char text[REPORT_CELL]); /**< NULL: it is a number */
    bool left;                                             /**< adjusted to the left */
    size_t number;                                         /**< where in the row it is, a double */
    double factor;                                         /**< what it is multiplied with */
} report_column_t;

/** A column of numbers: `factor` x a row's `member`, a double of the structure `type`. */
#define REPORT_NUMBER(title, type, member, by) \
    { .name = (title), .number = offsetof(type, member), .factor = (by) }

typedef struct report_table_t {
    const report_column_t *column; /**< [columns] */
    int columns;
    const void *const *row; /**< [rows] what the columns' functions get */
    int rows;
} report_table_t;

/** A table as lines of text, as HTML. */
void report_table_print(const report_table_t *table, FILE *out);
void report_table_html(const report_table_t *table, FILE *out);

/** Names of all figures; a number follows. */
#define REPORT_FIGURES                                                                       \
    "strong-time", "strong-speedup", "strong-efficiency", "strong-balance", "strong-shares", \
        "weak-time", "weak-speedup", "weak-efficiency", "weak-balance", "weak-shares",       \
        "run-picture", "run-time", "run-ranks", "run-rows"

/** The page under way. */
typedef struct report_page_t {
    FILE *html;         /**< NULL: only figures are wanted */
    const char *folder; /**< where figures are made; NULL: neither page nor figures are wanted */
    bool charts;        /**< is there a gnuplot: else tables only */
    int figures;        /**< so far */
} report_page_t;

/**
 * A figure and, folded below it, its table. `chart` NULL: only the table. `name` is the file's
 * name, made unique by a number. Errors as of hm_chart_draw() and hm_html_svg().
 */
hm_status_t report_figure(report_page_t *page, const hm_chart_t *chart, const char *name,
                          const char *caption, const char *note, const report_table_t *table,
                          hm_error_t *err);

/** The rest of a figure that was begun by other means: table and end. */
void report_figure_end(const report_page_t *page, const report_table_t *table);

/** A number in few digits, "-" where there is none (NAN). */
void report_number(double value, char text[REPORT_CELL]);

/** A study as text on `out`; as a section of the page. */
hm_status_t report_study_print(const hm_study_t *study, FILE *out, hm_error_t *err);
hm_status_t report_study_html(report_page_t *page, const hm_study_t *study, hm_error_t *err);

/** The figures of a study. Errors as of report_figure(). */
hm_status_t report_study_charts(report_page_t *page, const hm_study_t *study, hm_error_t *err);

/** "strategy", or "strategy, N thr." */
void report_series_name(const char *strategy, int threads, char text[REPORT_CELL]);

/** Columns over hm_point_t: the first `report_key_columns` say which point it is. */
extern const report_column_t report_time_columns[], report_speedup_columns[],
    report_share_columns[], report_balance_columns[];
extern const int report_time_count, report_speedup_count, report_share_count, report_balance_count;

/** The page of one run: a data set file, and its trace or NULL. Prints a summary on `out`. */
hm_status_t report_run(report_page_t *page, const char *path, const char *trace, FILE *out,
                       hm_error_t *err);

#endif
