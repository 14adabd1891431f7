/* What stands in the tables of a study. */
#include <math.h>
#include <string.h>

#include "report.h"

void report_series_name(const char *strategy, int threads, char text[REPORT_CELL]) {
    if (threads == 1) {
        snprintf(text, REPORT_CELL, "%s", strategy);
    } else {
        snprintf(text, REPORT_CELL, "%s, %d thr.", strategy, threads);
    }
}

#define POINT(name) static void name(const void *row, char text[REPORT_CELL])

POINT(cell_strategy) {
    snprintf(text, REPORT_CELL, "%s", ((const hm_point_t *)row)->strategy);
}

/* "4 x 32 x 1", nodes, ranks on each, threads in each; a star where processors are shared */
POINT(cell_where) {
    const hm_point_t *p = row;
    snprintf(text, REPORT_CELL, "%d x %d x %d%s", p->nodes, p->ranks_per_node, p->threads,
             p->shared ? "*" : "");
}

POINT(cell_cores) {
    snprintf(text, REPORT_CELL, "%lld", (long long)((const hm_point_t *)row)->cores);
}

POINT(cell_runs) {
    const hm_point_t *p = row;
    int n = snprintf(text, REPORT_CELL, "%d", p->runs);
    if (p->wrong > 0) {
        snprintf(text + n, REPORT_CELL - (size_t)n, " (+%d wrong)", p->wrong);
    }
}

POINT(cell_grid) {
    const hm_point_t *p = row;
    snprintf(text, REPORT_CELL, "%lld x %lld", (long long)p->width, (long long)p->height);
}

POINT(cell_per_core) {
    const hm_point_t *p = row;
    report_number(p->iterations / (double)p->workers * 1e-9, text);
}

static void interval_cell(const hm_interval_t *interval, double factor, char text[REPORT_CELL]) {
    char low[REPORT_CELL];
    char high[REPORT_CELL];
    if (interval->level > 0) {
        report_number(factor * interval->low, low);
        report_number(factor * interval->high, high);
        snprintf(text, REPORT_CELL, "%.40s..%.40s", low, high);
    } else {
        snprintf(text, REPORT_CELL, "-");
    }
}

static void median_cell(const hm_interval_t *interval, double factor, char text[REPORT_CELL]) {
    report_number(interval->count > 0 ? factor * interval->median : NAN, text);
}

POINT(cell_seconds) {
    median_cell(&((const hm_point_t *)row)->seconds, 1, text);
}

POINT(cell_seconds_interval) {
    interval_cell(&((const hm_point_t *)row)->seconds, 1, text);
}

POINT(cell_level) {
    const hm_point_t *p = row;
    if (p->seconds.level > 0) {
        snprintf(text, REPORT_CELL, "%.1f %%", 100 * p->seconds.level);
    } else {
        snprintf(text, REPORT_CELL, "-");
    }
}

POINT(cell_speedup) {
    median_cell(&((const hm_point_t *)row)->speedup, 1, text);
}

POINT(cell_speedup_interval) {
    interval_cell(&((const hm_point_t *)row)->speedup, 1, text);
}

POINT(cell_efficiency) {
    median_cell(&((const hm_point_t *)row)->efficiency, 1, text);
}

POINT(cell_karp_flatt) {
    report_number(((const hm_point_t *)row)->karp_flatt, text);
}

static void figure_cell(const void *row, hm_figure_t figure, double factor,
                        char text[REPORT_CELL]) {
    report_number(factor * ((const hm_point_t *)row)->figure[figure], text);
}

POINT(cell_imbalance) {
    figure_cell(row, HM_FIGURE_IMBALANCE, 1, text);
}

POINT(cell_imbalance_iterations) {
    figure_cell(row, HM_FIGURE_IMBALANCE_ITERATIONS, 1, text);
}

POINT(cell_busy) {
    figure_cell(row, HM_FIGURE_BUSY, 100, text);
}

POINT(cell_writing) {
    figure_cell(row, HM_FIGURE_WRITING, 100, text);
}

POINT(cell_talking) {
    figure_cell(row, HM_FIGURE_TALKING, 100, text);
}

POINT(cell_waiting) {
    figure_cell(row, HM_FIGURE_WAITING, 100, text);
}

POINT(cell_startup) {
    figure_cell(row, HM_FIGURE_STARTUP, 1, text);
}

POINT(cell_rate) {
    figure_cell(row, HM_FIGURE_RATE, 1, text);
}

POINT(cell_predicted_seconds) {
    report_number(((const hm_point_t *)row)->predicted_seconds, text);
}

POINT(cell_predicted_imbalance) {
    report_number(((const hm_point_t *)row)->predicted_imbalance, text);
}

/* What the prediction is off by, of the measured time. */
POINT(cell_prediction_error) {
    const hm_point_t *p = row;
    if (p->seconds.count > 0 && !isnan(p->predicted_seconds)) {
        snprintf(text, REPORT_CELL, "%+.1f %%",
                 100 * (p->predicted_seconds / p->seconds.median - 1));
    } else {
        snprintf(text, REPORT_CELL, "-");
    }
}

#define WHICH                                                                           \
    {"strategy", cell_strategy, true}, {"nodes x ranks x threads", cell_where, true}, { \
        "cores", cell_cores, false                                                      \
    }

const report_column_t report_time_columns[] = {WHICH,
                                               {"grid", cell_grid, false},
                                               {"Giter a worker", cell_per_core, false},
                                               {"seconds", cell_seconds, false},
                                               {"interval", cell_seconds_interval, false},
                                               {"level", cell_level, false},
                                               {"Giter/s", cell_rate, false},
                                               {"start-up s", cell_startup, false},
                                               {"predicted s", cell_predicted_seconds, false},
                                               {"off by", cell_prediction_error, false},
                                               {"runs", cell_runs, false}};
const int report_time_count = sizeof report_time_columns / sizeof *report_time_columns;

const report_column_t report_speedup_columns[] = {
    WHICH,
    {"speed-up", cell_speedup, false},
    {"interval", cell_speedup_interval, false},
    {"efficiency", cell_efficiency, false},
    {"serial part (Karp-Flatt)", cell_karp_flatt, false},
    {"runs", cell_runs, false}};
const int report_speedup_count = sizeof report_speedup_columns / sizeof *report_speedup_columns;

const report_column_t report_share_columns[] = {WHICH,
                                                {"computing %", cell_busy, false},
                                                {"writing %", cell_writing, false},
                                                {"talking %", cell_talking, false},
                                                {"waiting %", cell_waiting, false}};
const int report_share_count = sizeof report_share_columns / sizeof *report_share_columns;

const report_column_t report_balance_columns[] = {
    WHICH,
    {"imbalance by time", cell_imbalance, false},
    {"by iterations", cell_imbalance_iterations, false},
    {"predicted", cell_predicted_imbalance, false}};
const int report_balance_count = sizeof report_balance_columns / sizeof *report_balance_columns;
