/* Tables, as text and as HTML, and figures with their tables. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hm_html.h"
#include "report.h"

/* Columns a table may have. */
enum { MOST_COLUMNS = 24 };

void report_number(double value, char text[REPORT_CELL]) {
    if (isnan(value)) {
        snprintf(text, REPORT_CELL, "-");
    } else if (value == 0 || (fabs(value) >= 1e-3 && fabs(value) < 1e5)) {
        int digits = fabs(value) >= 1000 ? 0 : fabs(value) >= 100 ? 1 : fabs(value) >= 10 ? 2 : 3;
        snprintf(text, REPORT_CELL, "%.*f", digits, value);
    } else {
        snprintf(text, REPORT_CELL, "%.3g", value);
    }
}

/* Characters, not bytes: what continues one does not count. */
static int width_of(const char *text) {
    int width = 0;
    for (; *text; ++text) {
        width += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return width;
}

static void cell_of(const report_column_t *column, const void *row, char text[REPORT_CELL]) {
    if (column->cell) {
        column->cell(row, text);
    } else {
        double value;
        memcpy(&value, (const char *)row + column->number, sizeof value);
        report_number(column->factor * value, text);
    }
}

void report_table_print(const report_table_t *table, FILE *out) {
    char text[REPORT_CELL];
    int width[MOST_COLUMNS] = {0};
    int columns = table->columns < MOST_COLUMNS ? table->columns : MOST_COLUMNS;
    for (int c = 0; c < columns; ++c) {
        width[c] = width_of(table->column[c].name);
        for (int r = 0; r < table->rows; ++r) {
            cell_of(&table->column[c], table->row[r], text);
            width[c] = width_of(text) > width[c] ? width_of(text) : width[c];
        }
    }
    for (int r = -1; r < table->rows; ++r) {
        for (int c = 0; c < columns; ++c) {
            const report_column_t *column = &table->column[c];
            if (r < 0) {
                snprintf(text, sizeof text, "%s", column->name);
            } else {
                cell_of(column, table->row[r], text);
            }
            bool last = c + 1 == columns;
            int blanks = width[c] - width_of(text);
            fprintf(out, "%*s%s%*s%s", column->left ? 0 : blanks, "", text,
                    column->left && !last ? blanks : 0, "", last ? "\n" : "  ");
        }
    }
}

void report_table_html(const report_table_t *table, FILE *out) {
    char text[REPORT_CELL];
    fputs("<div class=\"scroll\"><table>\n<thead><tr>", out);
    for (int c = 0; c < table->columns; ++c) {
        fprintf(out, "<th scope=\"col\"%s>", table->column[c].left ? " class=\"l\"" : "");
        hm_html_text(out, table->column[c].name);
        fputs("</th>", out);
    }
    fputs("</tr></thead>\n<tbody>\n", out);
    for (int r = 0; r < table->rows; ++r) {
        fputs("<tr>", out);
        for (int c = 0; c < table->columns; ++c) {
            cell_of(&table->column[c], table->row[r], text);
            fputs(table->column[c].left ? "<td class=\"l\">" : "<td>", out);
            hm_html_text(out, text);
            fputs("</td>", out);
        }
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

void report_figure_end(const report_page_t *page, const report_table_t *table) {
    fputs("<details><summary>The figures as a table</summary>\n", page->html);
    report_table_html(table, page->html);
    fputs("</details></figure>\n", page->html);
}

hm_status_t report_figure(report_page_t *page, const hm_chart_t *chart, const char *name,
                          const char *caption, const char *note, const report_table_t *table,
                          hm_error_t *err) {
    hm_status_t status = HM_OK;
    char file[64];
    char *path = NULL;
    ++page->figures;
    snprintf(file, sizeof file, "%s-%d", name, page->figures);
    if (chart && page->charts) {
        HM_TRY(hm_chart_draw(chart, page->folder, file, err));
    }
    if (!page->html) {
        goto cleanup;
    }
    fprintf(page->html, "<figure%s>\n<figcaption>",
            chart && chart->width > 500 ? " class=\"wide\"" : "");
    hm_html_text(page->html, caption);
    if (note) {
        fputs("<small>", page->html);
        hm_html_text(page->html, note);
        fputs("</small>", page->html);
    }
    fputs("</figcaption>\n", page->html);
    if (chart && page->charts) {
        size_t size = strlen(page->folder) + strlen(file) + 8;
        path = malloc(size);
        if (!path) {
            HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for a figure"));
        }
        snprintf(path, size, "%s/%s.svg", page->folder, file);
        HM_TRY(hm_html_svg(page->html, path, file, caption, err));
    }
    report_figure_end(page, table);
cleanup:
    free(path);
    return status;
}
