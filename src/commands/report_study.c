/* A study's tables, fits and cautions, as text and as a section of the page. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hm_html.h"
#include "report.h"

/* Longest of what is said of a fit or a study. */
enum { SENTENCES = 1024 };

/* A fit, and whose it is. */
typedef struct fit_row_t {
    const hm_series_t *series;
    const hm_fit_t *fit;
} fit_row_t;

#define FIT(name) static void name(const void *row, char text[REPORT_CELL])

FIT(cell_series) {
    const fit_row_t *f = row;
    report_series_name(f->series->strategy, f->series->threads, text);
}

FIT(cell_law) {
    snprintf(text, REPORT_CELL, "%s", hm_law_name(((const fit_row_t *)row)->fit->law));
}

static void parameter_cell(const hm_fit_t *fit, int k, char text[REPORT_CELL]) {
    if (k >= fit->parameters) {
        text[0] = '\0';
        return;
    }
    int n =
        snprintf(text, REPORT_CELL, "%s %.4g", hm_law_parameter(fit->law, k), fit->parameter[k]);
    if (!isnan(fit->error[k])) {
        snprintf(text + n, REPORT_CELL - (size_t)n, " \302\261 %.2g", fit->error[k]);
    }
}

FIT(cell_first) {
    parameter_cell(((const fit_row_t *)row)->fit, 0, text);
}

FIT(cell_second) {
    parameter_cell(((const fit_row_t *)row)->fit, 1, text);
}

FIT(cell_residual) {
    snprintf(text, REPORT_CELL, "%.2f %%", 100 * ((const fit_row_t *)row)->fit->rms);
}

FIT(cell_worst) {
    const hm_fit_t *fit = ((const fit_row_t *)row)->fit;
    const double percent = fabs(fit->worst) < 5e-5 ? 0.0 : 100 * fit->worst; /* no -0.00 */
    snprintf(text, REPORT_CELL, "%+.2f %% at %g", percent, fit->worst_cores);
}

/* The largest speed-up that the law promises; nothing where the fit says nothing. */
FIT(cell_limit) {
    const hm_fit_t *fit = ((const fit_row_t *)row)->fit;
    char doubts[SENTENCES];
    double cores = 0;
    double speedup = 0;
    hm_fit_limit(fit, &cores, &speedup);
    if (hm_fit_doubts(fit, doubts, sizeof doubts)) {
        snprintf(text, REPORT_CELL, "-");
    } else if (isinf(speedup)) {
        snprintf(text, REPORT_CELL, "none");
    } else if (isinf(cores)) {
        snprintf(text, REPORT_CELL, "%.4g", speedup);
    } else {
        snprintf(text, REPORT_CELL, "%.4g on %.4g cores", speedup, cores);
    }
}

FIT(cell_points) {
    snprintf(text, REPORT_CELL, "%d", ((const fit_row_t *)row)->fit->points);
}

static const report_column_t fit_columns[] = {
    {.name = "series", .cell = cell_series, .left = true},
    {.name = "law", .cell = cell_law, .left = true},
    {.name = "parameter", .cell = cell_first, .left = true},
    {.name = "second parameter", .cell = cell_second, .left = true},
    {.name = "points", .cell = cell_points},
    {.name = "residual (rms)", .cell = cell_residual},
    {.name = "largest residual", .cell = cell_worst},
    {.name = "most speed-up", .cell = cell_limit}};

/* All points, all fits: rows for tables. */
typedef struct rows_t {
    const void **point; /* [study->points] */
    fit_row_t *fit;     /* [fits] */
    const void **fit_row;
    int fits;
} rows_t;

static void rows_free(rows_t *rows) {
    free(rows->point);
    free(rows->fit);
    free(rows->fit_row);
}

static hm_status_t rows_make(const hm_study_t *study, rows_t *rows, hm_error_t *err) {
    size_t fits = (size_t)study->series_count * HM_LAW_COUNT + 1;
    rows_t r = {.point = malloc(((size_t)study->points + 1) * sizeof *r.point),
                .fit = malloc(fits * sizeof *r.fit),
                .fit_row = malloc(fits * sizeof *r.fit_row)};
    if (!r.point || !r.fit || !r.fit_row) {
        rows_free(&r);
        return hm_error_set(err, HM_EMISSING, "out of memory for tables");
    }
    for (int i = 0; i < study->points; ++i) {
        r.point[i] = &study->point[i];
    }
    for (int i = 0; i < study->series_count; ++i) {
        for (int law = 0; law < HM_LAW_COUNT; ++law) {
            if (study->series[i].fitted[law]) {
                r.fit[r.fits] = (fit_row_t){&study->series[i], &study->series[i].fit[law]};
                r.fit_row[r.fits] = &r.fit[r.fits];
                ++r.fits;
            }
        }
    }
    *rows = r;
    return HM_OK;
}

#define TABLE_OF_POINTS(study, rows, columns)                                              \
    ((report_table_t){report_##columns##_columns, report_##columns##_count, (rows)->point, \
                      (study)->points})

static report_table_t fit_table(const rows_t *rows) {
    return (report_table_t){fit_columns, sizeof fit_columns / sizeof *fit_columns, rows->fit_row,
                            rows->fits};
}

static const char *kind(const hm_study_t *study) {
    return study->weak ? "Weak scaling" : "Strong scaling";
}

/* What a reader needs to know of the kind of study. */
static const char *explain(const hm_study_t *study) {
    return study->weak
               ? "The work grows with the workers: the view is sampled so that each has as many "
                 "iterations to do. Perfect is a time that stays the same; the speed-up is scaled: "
                 "iterations a second against those of the reference."
               : "The same work on more and more workers. Perfect is a speed-up as large as the "
                 "number of cores; the serial part after Karp and Flatt stays the same where a "
                 "serial part is what is in the way, and grows where talking and waiting are.";
}

/* Each doubt once, with the fits that it is about: many series share them. */
static void print_doubts(const rows_t *rows, FILE *out, bool html) {
    char doubts[SENTENCES];
    char other[SENTENCES];
    char name[REPORT_CELL];
    for (int i = 0; i < rows->fits; ++i) {
        const hm_law_t law = rows->fit[i].fit->law;
        hm_fit_doubts(rows->fit[i].fit, doubts, sizeof doubts);
        bool said = doubts[0] == '\0';
        for (int j = 0; j < i && !said; ++j) {
            hm_fit_doubts(rows->fit[j].fit, other, sizeof other);
            said = rows->fit[j].fit->law == law && strcmp(doubts, other) == 0;
        }
        if (said) {
            continue;
        }
        fprintf(out, html ? "<p><b>%s</b> (" : "warning: fit of %s (", hm_law_name(law));
        const char *separator = "";
        for (int j = i; j < rows->fits; ++j) {
            hm_fit_doubts(rows->fit[j].fit, other, sizeof other);
            if (rows->fit[j].fit->law == law && strcmp(doubts, other) == 0) {
                cell_series(&rows->fit[j], name);
                fprintf(out, "%s%s", separator, name); /* letters, digits, - and _ */
                separator = "; ";
            }
        }
        fprintf(out, "): ");
        if (html) {
            hm_html_text(out, doubts);
            fputs("</p>\n", out);
        } else {
            fprintf(out, "%s\n", doubts);
        }
    }
}

hm_status_t report_study_print(const hm_study_t *study, FILE *out, hm_error_t *err) {
    rows_t rows;
    char text[SENTENCES];
    hm_status_t status = rows_make(study, &rows, err);
    if (status != HM_OK) {
        return status;
    }
    const report_table_t tables[] = {TABLE_OF_POINTS(study, &rows, time),
                                     TABLE_OF_POINTS(study, &rows, speedup),
                                     TABLE_OF_POINTS(study, &rows, share),
                                     TABLE_OF_POINTS(study, &rows, balance), fit_table(&rows)};
    fprintf(out, "%s, %s\n", kind(study), study->file);
    fprintf(out, "arguments %s\n", study->arguments);
    fprintf(out, "runs %d that count, %d to warm up, %d wrong\n", study->runs, study->warm_ups,
            study->wrong);
    for (int i = 0; hm_study_caution(study, i, text, sizeof text); ++i) {
        fprintf(out, "warning: %s\n", text);
    }
    for (size_t i = 0; i < sizeof tables / sizeof *tables; ++i) {
        if (tables[i].rows > 0) {
            fputc('\n', out);
            report_table_print(&tables[i], out);
        }
    }
    if (rows.fits > 0) {
        print_doubts(&rows, out, false);
    }
    fputc('\n', out);
    rows_free(&rows);
    return HM_OK;
}

/* --- as a section of the page ------------------------------------------------------------------
 */

static void tile(FILE *out, const char *value, const char *what) {
    fputs("<div class=\"tile\"><b>", out);
    hm_html_text(out, value);
    fputs("</b><span>", out);
    hm_html_text(out, what);
    fputs("</span></div>\n", out);
}

/* The best point among those that do not share processors: largest speed-up. */
static const hm_point_t *best_point(const hm_study_t *study) {
    const hm_point_t *best = NULL;
    for (int i = 0; i < study->points; ++i) {
        const hm_point_t *p = &study->point[i];
        if (!p->shared && p->speedup.count > 0 &&
            (!best || p->speedup.median > best->speedup.median)) {
            best = p;
        }
    }
    return best;
}

static void print_tiles(FILE *out, const hm_study_t *study) {
    char text[REPORT_CELL];
    char what[REPORT_CELL];
    char name[REPORT_CELL];
    const hm_point_t *best = best_point(study);
    fputs("<div class=\"tiles\">\n", out);
    if (best) {
        report_number(best->speedup.median, text);
        report_series_name(best->strategy, best->threads, name);
        snprintf(what, sizeof what, "%slargest speed-up: %.60s on %lld core%s",
                 study->weak ? "scaled, " : "", name, (long long)best->cores,
                 best->cores == 1 ? "" : "s");
        tile(out, text, what);
        snprintf(text, sizeof text, "%.1f %%", 100 * best->efficiency.median);
        tile(out, text, "efficiency there");
        report_number(best->seconds.median, text);
        tile(out, text, "seconds there");
        report_number(best->figure[HM_FIGURE_RATE], text);
        tile(out, text, "Giter/s there");
    }
    snprintf(text, sizeof text, "%d", study->points);
    tile(out, text, "points");
    snprintf(text, sizeof text, "%d", study->runs);
    snprintf(what, sizeof what, "runs with the right checksum, %d to warm up apart",
             study->warm_ups);
    tile(out, text, what);
    fputs("</div>\n", out);
}

static void print_origins(FILE *out, const hm_study_t *study) {
    fputs("<h3>Where these figures come from</h3>\n<dl>\n<dt>file</dt><dd class=\"code\">", out);
    hm_html_text(out, study->file);
    fputs("</dd>\n<dt>arguments</dt><dd class=\"code\">", out);
    hm_html_text(out, study->arguments);
    fputs("</dd>\n", out);
    for (int o = 0; o < HM_ORIGIN_COUNT; ++o) {
        const hm_origins_t *origins = &study->origin[o];
        if (origins->count == 0) {
            continue;
        }
        fprintf(out, "<dt>%s</dt><dd>", hm_origin_name((hm_origin_column_t)o));
        int shown = o == HM_ORIGIN_STARTED && origins->count > 1 ? 1 : origins->count;
        for (int i = 0; i < shown; ++i) {
            fputs(i ? "<br>" : "", out);
            hm_html_text(out, origins->text[i]);
        }
        fputs(origins->more || shown < origins->count ? " and others" : "", out);
        fputs("</dd>\n", out);
    }
    fputs("</dl>\n", out);
}

static void print_cautions(FILE *out, const hm_study_t *study) {
    char text[SENTENCES];
    if (!hm_study_caution(study, 0, text, sizeof text)) {
        return;
    }
    fputs("<div class=\"warn\">\n", out);
    for (int i = 0; hm_study_caution(study, i, text, sizeof text); ++i) {
        fputs("<p>", out);
        hm_html_text(out, text);
        fputs("</p>\n", out);
    }
    fputs("</div>\n", out);
}

static void print_fits(FILE *out, const rows_t *rows) {
    if (rows->fits == 0) {
        return;
    }
    report_table_t fits = fit_table(rows);
    char doubts[SENTENCES];
    bool any = false;
    bool telling = false;
    for (int i = 0; i < rows->fits; ++i) {
        telling = !hm_fit_doubts(rows->fit[i].fit, doubts, sizeof doubts) || telling;
        any = any || doubts[0] != '\0';
    }
    fputs("<h3>Laws of scaling, fitted</h3>\n<p class=\"soft\">Least squares of relative residuals "
          "over the points that do not share processors; \302\261 is one standard error.</p>\n",
          out);
    fputs(telling ? "" : "<details><summary>Fits that say nothing</summary>\n", out);
    report_table_html(&fits, out);
    fputs(telling ? "" : "</details>\n", out);
    if (any) {
        fputs("<div class=\"warn\">\n", out);
        print_doubts(rows, out, true);
        fputs("</div>\n", out);
    }
}

hm_status_t report_study_html(report_page_t *page, const hm_study_t *study, hm_error_t *err) {
    FILE *out = page->html;
    rows_t rows = {0};
    hm_status_t status = HM_OK;
    HM_TRY(rows_make(study, &rows, err));
    if (out) {
        fprintf(out, "<section>\n<h2>%s</h2>\n<p class=\"soft\">", kind(study));
        hm_html_text(out, explain(study));
        fputs("</p>\n", out);
        print_tiles(out, study);
        print_cautions(out, study);
        fputs("<div class=\"figures\">\n", out);
    }
    HM_TRY(report_study_charts(page, study, err));
    if (out) {
        fputs("</div>\n", out);
        print_fits(out, &rows);
        print_origins(out, study);
        fputs("</section>\n", out);
    }
cleanup:
    rows_free(&rows);
    return status;
}
