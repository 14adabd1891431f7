/* The figures of one run: the picture with who computed it, and when, and what it cost. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hm_canvas.h"
#include "hm_html.h"
#include "report_run.h"

/* Pixels that a picture in a page may be wide or high. */
enum { PICTURE = 1100 };

/* Colours of the states of hm_state_t, the same as in studies; the shade tells neighbouring bands
 * apart where no trace tells what was done between them. */
static const int state_colour[HM_STATE_COUNT] = {0, HM_CHART_PALE, 4, 3};

static const hm_key_t state_key[HM_STATE_COUNT] = {
    {"computing", 0}, {"writing", 4}, {"talking", 3}, {"waiting", HM_CHART_PALE}};
static const hm_key_t band_key[] = {{"computing", 0}, {"the next band", 5}};

/* Rows of a table over structures. */
typedef struct rows_t {
    const void **row;
    int count;
} rows_t;

static hm_status_t rows_make(const void *first, size_t size, int count, rows_t *rows,
                             hm_error_t *err) {
    const void **row = malloc(((size_t)count + 1) * sizeof *row);
    if (!row) {
        return hm_error_set(err, HM_EMISSING, "out of memory for tables");
    }
    for (int i = 0; i < count; ++i) {
        row[i] = (const char *)first + (size_t)i * size;
    }
    *rows = (rows_t){row, count};
    return HM_OK;
}

/* --- the picture -------------------------------------------------------------------------------
 */

/* What each piece of rows cost, as a shape as high as the picture, its rows at the picture's. */
static void print_profile(const run_t *run, FILE *out) {
    double most = 0;
    for (int i = 0; i < run->pieces; ++i) {
        most = fmax(most, run->piece[i].seconds / (double)run->piece[i].rows);
    }
    double height = (double)run->info.grid.height;
    fprintf(out,
            "<svg viewBox=\"0 0 100 1000\" preserveAspectRatio=\"none\" role=\"img\" "
            "aria-label=\"Seconds a row, beside the picture\">"
            "<rect width=\"100\" height=\"1000\" fill=\"#f4f6f9\"/><path fill=\"%s\" d=\"M0 0",
            hm_chart_colour(1));
    for (int i = 0; i < run->pieces; ++i) {
        const run_piece_t *p = &run->piece[i];
        double x = most > 0 ? 100 * p->seconds / (double)p->rows / most : 0;
        fprintf(out, "H%.2fV%.2f", x, 1000 * (double)(p->first + p->rows) / height);
    }
    fputs("H0Z\"/></svg>", out);
}

/* How the page's picture is drawn. Of a large file only some rows are looked at, at least one for
 * each row of pixels, so that drawing takes about a second however large it is. */
static hm_look_t picture_look(const hm_grid_t *grid) {
    enum { MOST_POINTS = 1 << 27 };
    const int64_t most = grid->width > grid->height ? grid->width : grid->height;
    const int64_t shrink = (most + PICTURE - 1) / PICTURE;
    const int64_t pixel_rows = (grid->height + shrink - 1) / shrink;
    const int64_t sample = MOST_POINTS / grid->width / pixel_rows;
    return (hm_look_t){.ranks = true, .shrink = shrink, .sample = sample > 1 ? sample : 1};
}

static hm_status_t draw_picture(report_page_t *page, const run_t *run, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_look_t look = picture_look(&run->info.grid);
    rows_t rows = {NULL, 0};
    FILE *out = page->html;
    char *path = NULL;
    ++page->figures;
    HM_TRY(rows_make(run->coarse, sizeof *run->coarse, run->coarse_pieces, &rows, err));
    report_table_t table = {report_piece_columns, report_piece_count, rows.row, rows.count};
    size_t size = strlen(page->folder) + 64;
    path = malloc(size);
    if (!path) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for the picture"));
    }
    snprintf(path, size, "%s/run-picture-%d.png", page->folder, page->figures);
    HM_TRY(hm_picture_write(run->path, path, &look, err));
    if (out) {
        fputs("<figure class=\"wide\">\n<figcaption>The picture, who computed it, and what its "
              "rows cost<small>On the left a colour for each rank, on the right seconds a row: "
              "longer is dearer</small></figcaption>\n<div class=\"shape\" "
              "style=\"grid-template-columns:7fr 1fr\"><img alt=\"The data set, with a strip of "
              "the ranks that computed its rows\" src=\"",
              out);
        HM_TRY(hm_html_data(out, path, "image/png", err));
        fputs("\">\n<div class=\"fill\">", out);
        print_profile(run, out);
        fputs("</div></div>\n", out);
        report_figure_end(page, &table);
    }
cleanup:
    free(path);
    free(rows.row);
    return status;
}

/* --- when --------------------------------------------------------------------------------------
 */

/* Boxes and the names of their lanes. */
typedef struct gantt_t {
    hm_box_t *box;
    int boxes, room;
    hm_tick_t tick[RUN_LANES];
    char name[RUN_LANES][16];
    int lanes;
    double end;
} gantt_t;

static hm_status_t add_box(gantt_t *g, int lane, double from, double to, int colour,
                           hm_error_t *err) {
    hm_box_t *last = g->boxes > 0 ? &g->box[g->boxes - 1] : NULL;
    if (last && last->y0 == lane - 0.4 && last->colour == colour && last->x1 == from) {
        last->x1 = to;
        return HM_OK;
    }
    if (g->boxes == g->room) {
        int room = g->room ? 2 * g->room : 1024;
        hm_box_t *box = realloc(g->box, (size_t)room * sizeof *box);
        if (!box) {
            return hm_error_set(err, HM_EMISSING, "out of memory for the ranks' times");
        }
        g->box = box;
        g->room = room;
    }
    g->box[g->boxes++] = (hm_box_t){from, to, lane - 0.4, lane + 0.4, colour};
    return HM_OK;
}

static void name_lane(gantt_t *g, int lane, int64_t rank) {
    snprintf(g->name[lane], sizeof g->name[lane], "%lld", (long long)rank);
    g->tick[lane] = (hm_tick_t){lane, g->name[lane]};
}

static hm_status_t from_trace(const run_t *run, gantt_t *g, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hm_timeline_t *t = &run->timeline;
    const double step = t->seconds / t->steps;
    g->lanes = t->lanes;
    g->end = t->seconds;
    for (int lane = 0; lane < t->lanes; ++lane) {
        name_lane(g, lane, t->lane_rank[lane]);
        for (int i = 0; i < t->steps; ++i) {
            hm_state_t state = hm_timeline_state(t, lane, i);
            if (state < HM_STATE_COUNT) {
                HM_TRY(add_box(g, lane, i * step, (i + 1) * step, state_colour[state], err));
            }
        }
    }
cleanup:
    return status;
}

/* Without a trace: each rank's bands end to end in the order of rows. */
static hm_status_t from_rows(const run_t *run, gantt_t *g, hm_error_t *err) {
    hm_status_t status = HM_OK;
    double at[RUN_LANES] = {0};
    int shade[RUN_LANES] = {0};
    int64_t ranks = run->ranks;
    for (int64_t i = 0; i < run->bands; ++i) {
        ranks = run->band[i].rank >= ranks ? (int64_t)run->band[i].rank + 1 : ranks;
    }
    g->lanes = ranks < RUN_LANES ? (int)ranks : RUN_LANES;
    for (int lane = 0; lane < g->lanes; ++lane) {
        const int64_t rank = lane * ranks / g->lanes;
        name_lane(g, lane, rank);
        for (int64_t i = 0; i < run->bands; ++i) {
            const run_band_t *band = &run->band[i];
            if (band->rank == rank) {
                HM_TRY(add_box(g, lane, at[lane], at[lane] + band->seconds,
                               band_key[shade[lane]].colour, err));
                at[lane] += band->seconds;
                shade[lane] ^= 1;
            }
        }
        g->end = fmax(g->end, at[lane]);
    }
cleanup:
    return status;
}

/* Lanes below each other, time to the right. Borrows from `g`. */
static hm_chart_t gantt_chart(const gantt_t *g, const char *time, const hm_key_t *key, int keys) {
    const int lane = g->lanes < 8 ? 34 : g->lanes < 24 ? 20 : 14;
    return (hm_chart_t){.x_label = time,
                        .y_label = "rank",
                        .x_high = g->end,
                        .y_low = -0.6,
                        .y_high = g->lanes - 0.4,
                        .y_down = true,
                        .y_tick = g->tick,
                        .y_ticks = g->lanes,
                        .box = g->box,
                        .boxes = g->boxes,
                        .key = key,
                        .keys = keys,
                        .height = 110 + lane * g->lanes};
}

static hm_status_t draw_when(report_page_t *page, const run_t *run, const report_table_t *table,
                             hm_error_t *err) {
    hm_status_t status = HM_OK;
    char note[REPORT_CELL];
    gantt_t *g = calloc(1, sizeof *g);
    if (!g) {
        return hm_error_set(err, HM_EMISSING, "out of memory for the ranks' times");
    }
    HM_TRY(run->traced ? from_trace(run, g, err) : from_rows(run, g, err));
    if (g->lanes == 0 || !(g->end > 0)) {
        goto cleanup;
    }
    hm_chart_t chart =
        run->traced ? gantt_chart(g, "seconds since the work began", state_key, HM_STATE_COUNT)
                    : gantt_chart(g, "seconds of computing, in the order of rows", band_key, 2);
    chart.width = 640;
    int64_t ranks = run->traced ? run->timeline.ranks : run->ranks;
    snprintf(note, sizeof note, "%s%s",
             run->traced ? "From the trace" : "No trace was given: what a rank waited is not shown",
             ranks > g->lanes ? "; some of the ranks, evenly chosen" : "");
    HM_TRY(report_figure(page, &chart, "run-time", "What each rank did when", note, table, err));
cleanup:
    free(g->box);
    free(g);
    return status;
}

/* --- where the time went -----------------------------------------------------------------------
 */

static hm_status_t draw_ranks(report_page_t *page, const run_t *run, const report_table_t *table,
                              hm_error_t *err) {
    hm_status_t status = HM_OK;
    gantt_t *g = calloc(1, sizeof *g);
    if (!g) {
        return hm_error_set(err, HM_EMISSING, "out of memory for the ranks' times");
    }
    g->lanes = run->ranks < RUN_LANES ? run->ranks : RUN_LANES;
    for (int lane = 0; lane < g->lanes; ++lane) {
        const int rank = (int)((int64_t)lane * run->ranks / g->lanes);
        const hm_rank_account_t *a = &run->rank[rank].account;
        const double spent[HM_STATE_COUNT] = {a->busy, a->writing, a->talking, a->waiting};
        double from = 0;
        name_lane(g, lane, rank);
        for (int k = 0; k < HM_STATE_COUNT; ++k) {
            double to = from + (isfinite(spent[k]) && spent[k] > 0 ? spent[k] : 0);
            if (to > from) {
                HM_TRY(add_box(g, lane, from, to, state_key[k].colour, err));
            }
            from = to;
        }
        g->end = fmax(g->end, from);
    }
    if (g->lanes == 0 || !(g->end > 0)) {
        goto cleanup;
    }
    hm_chart_t chart = gantt_chart(g, "seconds", state_key, HM_STATE_COUNT);
    HM_TRY(report_figure(page, &chart, "run-ranks", "Where each rank's time went",
                         "The last session", table, err));
cleanup:
    free(g->box);
    free(g);
    return status;
}

static hm_status_t draw_rows(report_page_t *page, const run_t *run, hm_error_t *err) {
    hm_status_t status = HM_OK;
    double x[RUN_PIECES];
    double mean[RUN_PIECES];
    double dearest[RUN_PIECES];
    rows_t rows = {NULL, 0};
    HM_TRY(rows_make(run->coarse, sizeof *run->coarse, run->coarse_pieces, &rows, err));
    for (int i = 0; i < run->pieces; ++i) {
        const run_piece_t *p = &run->piece[i];
        x[i] = (double)p->first + (double)p->rows / 2;
        mean[i] = p->done > 0 ? 1e3 * p->seconds / (double)p->done : NAN;
        dearest[i] = p->done > 0 ? 1e3 * p->dearest : NAN;
    }
    const hm_curve_t curves[] = {{.title = "dearest of some rows",
                                  .colour = 4,
                                  .mark = HM_MARK_LINE,
                                  .count = run->pieces,
                                  .x = x,
                                  .y = dearest},
                                 {.title = "their mean",
                                  .colour = 0,
                                  .mark = HM_MARK_LINE,
                                  .count = run->pieces,
                                  .x = x,
                                  .y = mean}};
    bool one = run->info.grid.height <= RUN_PIECES;
    hm_chart_t chart = {.x_label = "row",
                        .y_label = "milliseconds",
                        .x_high = (double)run->info.grid.height,
                        .curve = one ? curves + 1 : curves,
                        .curves = one ? 1 : 2};
    report_table_t table = {report_piece_columns, report_piece_count, rows.row, rows.count};
    HM_TRY(report_figure(page, &chart, "run-rows", "What a row costs",
                         "A band's time, shared out to its rows by their iterations", &table, err));
cleanup:
    free(rows.row);
    return status;
}

hm_status_t report_run_charts(report_page_t *page, const run_t *run, hm_error_t *err) {
    enum { MOST_RANKS_SHOWN = 512 };
    hm_status_t status = HM_OK;
    rows_t rows = {NULL, 0};
    int shown = run->ranks < MOST_RANKS_SHOWN ? run->ranks : MOST_RANKS_SHOWN;
    HM_TRY(rows_make(run->rank, sizeof *run->rank, shown, &rows, err));
    report_table_t table = {report_rank_columns, report_rank_count, rows.row, rows.count};
    HM_TRY(draw_picture(page, run, err));
    HM_TRY(draw_when(page, run, &table, err));
    HM_TRY(draw_ranks(page, run, &table, err));
    HM_TRY(draw_rows(page, run, err));
cleanup:
    free(rows.row);
    return status;
}
