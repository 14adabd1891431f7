/* The figures of a study. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hm_strategy.h"
#include "report.h"

/* Points of a law's curve; ticks of an axis. */
enum { CURVE = 65, MOST_TICKS = 32 };

/* What all charts of a study share. */
typedef struct drawing_t {
    report_page_t *page;
    const hm_study_t *study;
    const void **row;           /* [points] the study's points as rows of tables */
    double *number;             /* what curves point into */
    int numbers;                /* used */
    hm_curve_t *curve;          /* [room_curves] */
    int curves;                 /* used */
    char (*title)[REPORT_CELL]; /* [room_curves] */
    hm_tick_t tick[MOST_TICKS];
    char tick_name[MOST_TICKS][16];
    int ticks;
    double least, most; /* workers */
    double most_cores;  /* of points that do not share */
} drawing_t;

/* A strategy has the same colour in every figure. */
static int colour_of(const char *strategy) {
    int i = 0;
    for (; hm_strategies[i]->name; ++i) {
        if (strcmp(hm_strategies[i]->name, strategy) == 0) {
            return i;
        }
    }
    return i;
}

static void drawing_free(drawing_t *d) {
    free(d->row);
    free(d->number);
    free(d->curve);
    free(d->title);
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The numbers of workers there are as ticks, thinned out where there are many. */
static void make_ticks(drawing_t *d, double *workers) {
    const hm_study_t *study = d->study;
    for (int i = 0; i < study->points; ++i) {
        workers[i] = (double)study->point[i].workers;
    }
    qsort(workers, (size_t)study->points, sizeof *workers, by_size);
    d->least = workers[0];
    d->most = workers[study->points - 1];
    for (int i = 0; i < study->points && d->ticks < MOST_TICKS; ++i) {
        double apart = pow(d->most / d->least, 1.0 / 14);
        if (d->ticks == 0 || workers[i] > 1.05 * apart * d->tick[d->ticks - 1].at ||
            (apart == 1 && workers[i] > d->tick[d->ticks - 1].at)) {
            snprintf(d->tick_name[d->ticks], sizeof *d->tick_name, "%.0f", workers[i]);
            d->tick[d->ticks] = (hm_tick_t){workers[i], d->tick_name[d->ticks]};
            ++d->ticks;
        }
    }
}

static hm_status_t drawing_make(report_page_t *page, const hm_study_t *study, drawing_t *drawing,
                                hm_error_t *err) {
    const size_t points = (size_t)study->points + 1;
    const size_t series = (size_t)study->series_count;
    const size_t curves = 4 * series + 2;
    /* Four columns a curve of measured points; two columns a law's. A series holds the reference
     * besides its own points. */
    drawing_t d = {.page = page,
                   .study = study,
                   .row = malloc(points * sizeof *d.row),
                   .number =
                       malloc(((points + series) * 16 + 2 * CURVE * curves) * sizeof *d.number),
                   .curve = malloc(curves * sizeof *d.curve),
                   .title = malloc(curves * sizeof *d.title)};
    if (!d.row || !d.number || !d.curve || !d.title) {
        drawing_free(&d);
        return hm_error_set(err, HM_EMISSING, "out of memory for figures");
    }
    for (int i = 0; i < study->points; ++i) {
        const hm_point_t *p = &study->point[i];
        d.row[i] = p;
        d.most_cores =
            !p->shared && (double)p->cores > d.most_cores ? (double)p->cores : d.most_cores;
    }
    make_ticks(&d, d.number);
    for (int i = 0; i < d.ticks; ++i) {
        d.tick[i].name = NULL; /* set when the drawing has come to rest */
    }
    *drawing = d;
    for (int i = 0; i < d.ticks; ++i) {
        drawing->tick[i].name = drawing->tick_name[i];
    }
    return HM_OK;
}

static double *take(drawing_t *d, int count) {
    double *numbers = d->number + d->numbers;
    d->numbers += count;
    return numbers;
}

static hm_curve_t *add_curve(drawing_t *d, hm_mark_t mark, int colour, const char *title) {
    hm_curve_t *curve = &d->curve[d->curves];
    *curve = (hm_curve_t){.mark = mark, .colour = colour};
    if (title) {
        snprintf(d->title[d->curves], REPORT_CELL, "%s", title);
        curve->title = d->title[d->curves];
    }
    ++d->curves;
    return curve;
}

typedef hm_interval_t (*value_t)(const hm_point_t *point);

static hm_interval_t seconds_of(const hm_point_t *point) {
    return point->seconds;
}

static hm_interval_t speedup_of(const hm_point_t *point) {
    return point->speedup;
}

static hm_interval_t efficiency_of(const hm_point_t *point) {
    return point->efficiency;
}

static hm_interval_t imbalance_of(const hm_point_t *point) {
    double value = point->figure[HM_FIGURE_IMBALANCE_ITERATIONS];
    return (hm_interval_t){value, value, value, 0, isnan(value) ? 0 : 1};
}

static hm_interval_t predicted_seconds_of(const hm_point_t *point) {
    double value = point->predicted_seconds;
    return (hm_interval_t){value, value, value, 0, isnan(value) ? 0 : 1};
}

static hm_interval_t predicted_imbalance_of(const hm_point_t *point) {
    double value = point->predicted_imbalance;
    return (hm_interval_t){value, value, value, 0, isnan(value) ? 0 : 1};
}

/* Series stand beside each other where they would hide each other: a little to the side. */
static double aside(const drawing_t *d, double workers, int series) {
    int count = d->study->series_count;
    return count > 1 ? workers * pow(2, 0.6 * (series / (double)(count - 1) - 0.5)) : workers;
}

/* Those points of a series that share processors, or those that do not. */
static void add_measured(drawing_t *d, int series, value_t value, bool shared, hm_mark_t mark,
                         bool titled) {
    const hm_series_t *s = &d->study->series[series];
    char name[REPORT_CELL];
    double *x = take(d, 4 * s->count);
    double *y = x + s->count;
    double *low = y + s->count;
    double *high = low + s->count;
    int n = 0;
    for (int i = 0; i < s->count; ++i) {
        const hm_point_t *p = &d->study->point[s->point[i]];
        hm_interval_t v = value(p);
        /* The reference is drawn with the threads that it has. */
        if (v.count > 0 && p->shared == shared && p->threads == s->threads) {
            x[n] = aside(d, (double)p->workers, series);
            y[n] = v.median;
            low[n] = v.low;
            high[n] = v.high;
            ++n;
        }
    }
    if (n > 0) {
        report_series_name(s->strategy, s->threads, name);
        hm_curve_t *c = add_curve(d, mark, colour_of(s->strategy) + (s->threads > 1 ? 3 : 0),
                                  titled ? name : NULL);
        c->count = n;
        c->x = x;
        c->y = y;
        c->low = low;
        c->high = high;
    }
}

static void add_all_measured(drawing_t *d, value_t value) {
    for (int i = 0; i < d->study->series_count; ++i) {
        int before = d->curves;
        add_measured(d, i, value, false, HM_MARK_POINTS, true);
        add_measured(d, i, value, true, HM_MARK_HOLLOW, d->curves == before);
    }
}

static void add_all_predicted(drawing_t *d, value_t value) {
    for (int i = 0; i < d->study->series_count; ++i) {
        add_measured(d, i, value, false, HM_MARK_CROSS, false);
        add_measured(d, i, value, true, HM_MARK_CROSS, false);
    }
}

/* From one worker to `most`, evenly on a logarithmic axis. */
static double *law_x(drawing_t *d, double most) {
    double *x = take(d, 2 * CURVE);
    for (int i = 0; i < CURVE; ++i) {
        x[i] = pow(most, i / (double)(CURVE - 1));
    }
    return x;
}

static void add_line(drawing_t *d, const double *x, int count, hm_mark_t mark, int colour,
                     const char *title) {
    hm_curve_t *c = add_curve(d, mark, colour, title);
    c->count = count;
    c->x = x;
    c->y = x + CURVE;
}

static void add_ideal(drawing_t *d, bool efficiency) {
    double *x = law_x(d, d->most_cores > 1 ? d->most_cores : d->most);
    for (int i = 0; i < CURVE; ++i) {
        x[CURVE + i] = efficiency ? 1 : x[i];
    }
    add_line(d, x, CURVE, HM_MARK_LINE, HM_CHART_GREY, "ideal");
}

/* The laws that say something: the one with two parameters before that with one. */
static void add_laws(drawing_t *d, bool efficiency) {
    static const hm_law_t laws[] = {HM_LAW_USL, HM_LAW_AMDAHL, HM_LAW_GUSTAFSON};
    char text[512];
    for (int i = 0; i < d->study->series_count; ++i) {
        const hm_series_t *s = &d->study->series[i];
        for (size_t k = 0; k < sizeof laws / sizeof *laws; ++k) {
            const hm_fit_t *fit = &s->fit[laws[k]];
            if (!s->fitted[laws[k]] || hm_fit_doubts(fit, text, sizeof text)) {
                continue;
            }
            double *x = law_x(d, fit->most_cores);
            for (int j = 0; j < CURVE; ++j) {
                x[CURVE + j] = hm_fit_speedup(fit, x[j]) / (efficiency ? x[j] : 1);
            }
            add_line(d, x, CURVE, HM_MARK_DASHED, colour_of(s->strategy), NULL);
            break;
        }
    }
}

static void start_over(drawing_t *d) {
    d->curves = 0;
    d->numbers = 0;
}

static hm_chart_t chart_of(const drawing_t *d, const char *y_label) {
    return (hm_chart_t){.x_label = "workers (ranks x threads)",
                        .y_label = y_label,
                        .log_x = true,
                        .x_low = d->least / 1.3,
                        .x_high = d->most * 1.3,
                        .x_tick = d->tick,
                        .x_ticks = d->ticks,
                        .curve = d->curve,
                        .curves = d->curves};
}

#define TABLE(d, columns)                                                             \
    ((report_table_t){report_##columns##_columns, report_##columns##_count, (d)->row, \
                      (d)->study->points})

/* What hollow points, dashed lines and crosses are, where there are any. */
static const char *legend(const drawing_t *d, const char *first, char note[REPORT_CELL]) {
    bool shared = false;
    bool dashed = false;
    bool cross = false;
    for (int i = 0; i < d->curves; ++i) {
        shared = shared || d->curve[i].mark == HM_MARK_HOLLOW;
        dashed = dashed || d->curve[i].mark == HM_MARK_DASHED;
        cross = cross || d->curve[i].mark == HM_MARK_CROSS;
    }
    snprintf(note, REPORT_CELL, "%s%s%s%s", first,
             shared ? "; hollow: more workers than processors" : "",
             dashed ? "; dashed: fitted law" : "",
             cross ? "; crosses: predicted, a processor for each" : "");
    return note;
}

static bool any_prediction(const hm_study_t *study) {
    for (int i = 0; i < study->points; ++i) {
        if (!isnan(study->point[i].predicted_seconds) ||
            !isnan(study->point[i].predicted_imbalance)) {
            return true;
        }
    }
    return false;
}

static hm_status_t draw_time(drawing_t *d, hm_error_t *err) {
    char note[REPORT_CELL];
    start_over(d);
    add_all_measured(d, seconds_of);
    add_all_predicted(d, predicted_seconds_of);
    hm_chart_t chart = chart_of(d, "seconds");
    chart.log_y = !d->study->weak && d->most_cores > 8 ? 10 : 0;
    report_table_t table = TABLE(d, time);
    return report_figure(d->page, &chart, d->study->weak ? "weak-time" : "strong-time",
                         "Time of a run", legend(d, "Medians with their intervals", note), &table,
                         err);
}

static hm_status_t draw_speedup(drawing_t *d, hm_error_t *err) {
    char note[REPORT_CELL];
    start_over(d);
    add_ideal(d, false);
    add_laws(d, false);
    add_all_measured(d, speedup_of);
    hm_chart_t chart = chart_of(d, d->study->weak ? "scaled speed-up" : "speed-up");
    chart.log_y = 2;
    chart.y_low = 1;
    chart.y_high = d->most_cores > 1 ? 1.15 * d->most_cores : 2;
    for (int i = 0; i < d->study->points; ++i) {
        const hm_interval_t *s = &d->study->point[i].speedup;
        chart.y_low = s->count > 0 ? fmin(chart.y_low, s->low) : chart.y_low;
        chart.y_high = s->count > 0 ? fmax(chart.y_high, 1.1 * s->high) : chart.y_high;
    }
    chart.y_low *= 0.9;
    report_table_t table = TABLE(d, speedup);
    return report_figure(d->page, &chart, d->study->weak ? "weak-speedup" : "strong-speedup",
                         d->study->weak ? "Scaled speed-up" : "Speed-up",
                         legend(d, "Medians of the repetitions' ratios", note), &table, err);
}

static hm_status_t draw_efficiency(drawing_t *d, hm_error_t *err) {
    char note[REPORT_CELL];
    start_over(d);
    add_ideal(d, true);
    add_laws(d, true);
    add_all_measured(d, efficiency_of);
    hm_chart_t chart = chart_of(d, "efficiency");
    double high = 1.1;
    for (int i = 0; i < d->study->points; ++i) {
        const hm_interval_t *e = &d->study->point[i].efficiency;
        high = e->count > 0 && e->high > high - 0.05 ? e->high + 0.05 : high;
    }
    chart.y_high = high;
    report_table_t table = TABLE(d, speedup);
    return report_figure(d->page, &chart, d->study->weak ? "weak-efficiency" : "strong-efficiency",
                         "Efficiency", legend(d, "Speed-up over the cores in use", note), &table,
                         err);
}

static hm_status_t draw_balance(drawing_t *d, hm_error_t *err) {
    char note[REPORT_CELL];
    start_over(d);
    add_all_measured(d, imbalance_of);
    add_all_predicted(d, predicted_imbalance_of);
    if (d->curves == 0) {
        return HM_OK;
    }
    hm_chart_t chart = chart_of(d, "most over mean");
    report_table_t table = TABLE(d, balance);
    return report_figure(d->page, &chart, d->study->weak ? "weak-balance" : "strong-balance",
                         "Load imbalance, by iterations",
                         legend(d, "1 is perfect; ranks wait for the one that has most", note),
                         &table, err);
}

/* Where the ranks' time goes: of each series, on the most workers that do not share processors. */
static hm_status_t draw_shares(drawing_t *d, hm_error_t *err) {
    static const hm_figure_t shares[] = {HM_FIGURE_BUSY, HM_FIGURE_WRITING, HM_FIGURE_TALKING,
                                         HM_FIGURE_WAITING};
    static const hm_key_t key[] = {
        {"computing", 0}, {"writing", 4}, {"talking", 3}, {"waiting", HM_CHART_PALE}};
    enum { SHARES = sizeof shares / sizeof *shares };
    const int most = d->study->series_count;
    hm_status_t status = HM_OK;
    hm_box_t *box = malloc((size_t)most * SHARES * sizeof *box);
    hm_tick_t *tick = malloc((size_t)most * sizeof *tick);
    char(*name)[REPORT_CELL] = malloc((size_t)most * sizeof *name);
    const void **row = malloc((size_t)most * sizeof *row);
    int lanes = 0;
    if (!box || !tick || !name || !row) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for figures"));
    }
    for (int i = 0; i < most; ++i) {
        const hm_series_t *s = &d->study->series[i];
        const hm_point_t *widest = NULL;
        for (int k = 0; k < s->count; ++k) {
            const hm_point_t *p = &d->study->point[s->point[k]];
            bool known = p->threads == s->threads && !isnan(p->figure[HM_FIGURE_BUSY]);
            widest = known && !p->shared && (!widest || p->cores >= widest->cores) ? p : widest;
        }
        if (!widest) {
            continue;
        }
        double from = 0;
        for (int k = 0; k < SHARES; ++k) {
            double share = widest->figure[shares[k]];
            double to = from + (isnan(share) ? 0 : 100 * share);
            box[lanes * SHARES + k] =
                (hm_box_t){from, to, lanes - 0.38, lanes + 0.38, key[k].colour};
            from = to;
        }
        snprintf(name[lanes], sizeof *name, "%s %dx%d", s->strategy, (int)widest->ranks,
                 widest->threads);
        tick[lanes] = (hm_tick_t){lanes, name[lanes]};
        row[lanes] = widest;
        ++lanes;
    }
    if (lanes > 0) {
        hm_chart_t chart = {.x_label = "% of the time of all ranks",
                            .y_label = "",
                            .x_high = 100,
                            .y_low = -0.6,
                            .y_high = lanes - 0.4,
                            .y_down = true,
                            .y_tick = tick,
                            .y_ticks = lanes,
                            .box = box,
                            .boxes = lanes * SHARES,
                            .key = key,
                            .keys = SHARES,
                            .height = 110 + 26 * lanes};
        report_table_t table = {report_share_columns, report_share_count, row, lanes};
        HM_TRY(report_figure(d->page, &chart, d->study->weak ? "weak-shares" : "strong-shares",
                             "Where the time goes",
                             "Of each series on the most cores: ranks x threads", &table, err));
    }
cleanup:
    free(box);
    free(tick);
    free(name);
    free(row);
    return status;
}

hm_status_t report_study_charts(report_page_t *page, const hm_study_t *study, hm_error_t *err) {
    drawing_t d;
    hm_status_t status = drawing_make(page, study, &d, err);
    if (status != HM_OK) {
        return status;
    }
    HM_TRY(draw_speedup(&d, err));
    HM_TRY(draw_time(&d, err));
    HM_TRY(draw_efficiency(&d, err));
    HM_TRY(draw_shares(&d, err));
    if (study->points > 1 || any_prediction(study)) {
        HM_TRY(draw_balance(&d, err));
    }
cleanup:
    drawing_free(&d);
    return status;
}
