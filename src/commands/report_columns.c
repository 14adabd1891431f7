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

#define WHICH                                                                    \
    {.name = "strategy", .cell = cell_strategy, .left = true},                   \
        {.name = "nodes x ranks x threads", .cell = cell_where, .left = true}, { \
        .name = "cores", .cell = cell_cores                                      \
    }

const report_column_t report_time_columns[] = {
    WHICH,
    {.name = "grid", .cell = cell_grid},
    {.name = "Giter a worker", .cell = cell_per_core},
    {.name = "seconds", .cell = cell_seconds},
    {.name = "interval", .cell = cell_seconds_interval},
    {.name = "level", .cell = cell_level},
    REPORT_NUMBER("Giter/s", hm_point_t, figure[HM_FIGURE_RATE], 1),
    REPORT_NUMBER("start-up s", hm_point_t, figure[HM_FIGURE_STARTUP], 1),
    REPORT_NUMBER("predicted s", hm_point_t, predicted_seconds, 1),
    {.name = "off by", .cell = cell_prediction_error},
    {.name = "runs", .cell = cell_runs}};
const int report_time_count = sizeof report_time_columns / sizeof *report_time_columns;

const report_column_t report_speedup_columns[] = {
    WHICH,
    {.name = "speed-up", .cell = cell_speedup},
    {.name = "interval", .cell = cell_speedup_interval},
    {.name = "efficiency", .cell = cell_efficiency},
    REPORT_NUMBER("serial part (Karp-Flatt)", hm_point_t, karp_flatt, 1),
    {.name = "runs", .cell = cell_runs}};
const int report_speedup_count = sizeof report_speedup_columns / sizeof *report_speedup_columns;

const report_column_t report_share_columns[] = {
    WHICH, REPORT_NUMBER("computing %", hm_point_t, figure[HM_FIGURE_BUSY], 100),
    REPORT_NUMBER("writing %", hm_point_t, figure[HM_FIGURE_WRITING], 100),
    REPORT_NUMBER("talking %", hm_point_t, figure[HM_FIGURE_TALKING], 100),
    REPORT_NUMBER("waiting %", hm_point_t, figure[HM_FIGURE_WAITING], 100)};
const int report_share_count = sizeof report_share_columns / sizeof *report_share_columns;

const report_column_t report_balance_columns[] = {
    WHICH, REPORT_NUMBER("imbalance by time", hm_point_t, figure[HM_FIGURE_IMBALANCE], 1),
    REPORT_NUMBER("by iterations", hm_point_t, figure[HM_FIGURE_IMBALANCE_ITERATIONS], 1),
    REPORT_NUMBER("predicted", hm_point_t, predicted_imbalance, 1)};
const int report_balance_count = sizeof report_balance_columns / sizeof *report_balance_columns;
