/* Rows of a study's CSV file to runs, each number checked. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hm_text.h"
#include "study.h"

static const char *const origin_names[HM_ORIGIN_COUNT] = {
    "version",    "revision", "compiler",  "mpi", "hdf5",   "isa",
    "processors", "host",     "scheduler", "job", "started"};

static const char *const figure_names[HM_FIGURE_COUNT] = {
    "imbalance",     "imbalance_iterations", "efficiency", "io_share",
    "talking_share", "waiting_share",        "startup",    "giter_per_second"};

const char *hm_origin_name(hm_origin_column_t column) {
    return origin_names[column];
}

/* A file and the row of it that is read, for messages. */
typedef struct place_t {
    const hm_csv_t *csv;
    const char *path;
    int64_t row;
} place_t;

static hm_status_t refuse(const place_t *at, const char *column, const char *what, const char *text,
                          hm_error_t *err) {
    char brief[HM_TEXT_BRIEF];
    return hm_error_set(err, HM_EDATA, "%s, line %lld, column %s: %s: '%s'", at->path,
                        (long long)at->csv->line[1 + at->row], column, what,
                        hm_text_brief(text, brief));
}

/* The text of a column that must be there. */
static hm_status_t need(const place_t *at, const char *column, const char **text, hm_error_t *err) {
    int index = hm_csv_column(at->csv, column);
    if (index < 0) {
        return hm_error_set(err, HM_EDATA,
                            "%s, line %lld: no column '%s'; a study's file is what jobs/strong.* "
                            "and jobs/weak.* write",
                            at->path, (long long)at->csv->line[0], column);
    }
    *text = hm_csv_text(at->csv, at->row, index);
    return HM_OK;
}

/* The text of one that need not be. */
static const char *maybe(const place_t *at, const char *column) {
    int index = hm_csv_column(at->csv, column);
    return index < 0 ? "" : hm_csv_text(at->csv, at->row, index);
}

static hm_status_t whole(const place_t *at, const char *column, int64_t low, int64_t high,
                         int64_t *value, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const char *text = NULL;
    HM_TRY(need(at, column, &text, err));
    if (hm_text_int(text, low, high, value, NULL) != HM_OK) {
        char what[80];
        snprintf(what, sizeof what, "not a whole number from %lld to %lld", (long long)low,
                 (long long)high);
        HM_TRY(refuse(at, column, what, text, err));
    }
cleanup:
    return status;
}

static hm_status_t count(const place_t *at, const char *column, int low, int high, int *value,
                         hm_error_t *err) {
    int64_t number = 0;
    hm_status_t status = whole(at, column, low, high, &number, err);
    if (status == HM_OK) {
        *value = (int)number;
    }
    return status;
}

/* One of two words: which. */
static hm_status_t either(const place_t *at, const char *column, const char *no, const char *yes,
                          bool *which, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const char *text = NULL;
    HM_TRY(need(at, column, &text, err));
    if (strcmp(text, yes) != 0 && strcmp(text, no) != 0) {
        char what[80];
        snprintf(what, sizeof what, "neither %s nor %s", no, yes);
        HM_TRY(refuse(at, column, what, text, err));
    }
    *which = strcmp(text, yes) == 0;
cleanup:
    return status;
}

static hm_status_t read_strategy(const place_t *at, const char **strategy, hm_error_t *err) {
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    hm_status_t status = HM_OK;
    HM_TRY(need(at, "strategy", strategy, err));
    size_t length = strlen(*strategy);
    if (length == 0 || length >= HM_STUDY_NAME || strspn(*strategy, letters) != length) {
        HM_TRY(refuse(at, "strategy", "no name of a strategy", *strategy, err));
    }
cleanup:
    return status;
}

static hm_status_t read_crc(const place_t *at, uint32_t *crc, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const char *text = NULL;
    HM_TRY(need(at, "crc32", &text, err));
    if (strlen(text) != 8 || strspn(text, "0123456789abcdef") != 8) {
        HM_TRY(refuse(at, "crc32", "not eight hexadecimal digits", text, err));
    }
    *crc = (uint32_t)strtoul(text, NULL, 16);
cleanup:
    return status;
}

/* What the run took; a wrong one has no time, whatever the row says. */
static hm_status_t read_times(const place_t *at, hm_run_t *run, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const char *text = NULL;
    HM_TRY(need(at, "seconds", &text, err));
    for (int f = 0; f < HM_FIGURE_COUNT; ++f) {
        run->figure[f] = NAN;
    }
    if (run->wrong) {
        goto cleanup;
    }
    double seconds = 0;
    if (hm_text_real(text, &seconds, NULL) != HM_OK || !(seconds > 0) || seconds > 1e12) {
        HM_TRY(refuse(at, "seconds", "not a time of a run", text, err));
    }
    run->seconds = seconds;
    for (int f = 0; f < HM_FIGURE_COUNT; ++f) {
        const char *figure = maybe(at, figure_names[f]);
        double value = 0;
        if (figure[0] == '\0') {
            continue;
        }
        if (hm_text_real(figure, &value, NULL) != HM_OK || value < 0 || value > 1e12) {
            HM_TRY(refuse(at, figure_names[f], "not a figure of a run", figure, err));
        }
        run->figure[f] = value;
    }
cleanup:
    return status;
}

static hm_status_t read_run(const place_t *at, hm_run_t *run, hm_error_t *err) {
    hm_status_t status = HM_OK;
    int64_t sum = 0;
    int64_t inside = 0;
    HM_TRY(either(at, "study", "strong", "weak", &run->weak, err));
    HM_TRY(either(at, "status", "ok", "wrong", &run->wrong, err));
    HM_TRY(count(at, "nodes", 1, 10000000, &run->nodes, err));
    HM_TRY(count(at, "ranks_per_node", 1, 1000000, &run->ranks_per_node, err));
    HM_TRY(count(at, "threads", 1, 65536, &run->threads, err));
    HM_TRY(count(at, "repetition", 0, 1000000, &run->repetition, err));
    HM_TRY(whole(at, "ranks", 1, INT32_MAX, &run->ranks, err));
    HM_TRY(whole(at, "width", 1, INT32_MAX, &run->width, err));
    HM_TRY(whole(at, "height", 1, INT32_MAX, &run->height, err));
    HM_TRY(whole(at, "iterations", 0, INT64_MAX, &sum, err));
    HM_TRY(whole(at, "inside", 0, INT64_MAX, &inside, err));
    HM_TRY(read_strategy(at, &run->strategy, err));
    HM_TRY(read_crc(at, &run->crc32, err));
    HM_TRY(read_times(at, run, err));
    if (maybe(at, "band")[0] != '\0') {
        HM_TRY(whole(at, "band", 1, INT32_MAX, &run->band, err));
    }
    if (maybe(at, "processors")[0] != '\0') {
        HM_TRY(count(at, "processors", 1, 1000000, &run->processors, err));
    }
    /* A point that escapes with count n took n + 1 updates, one inside as many as the limit. */
    run->iterations = (double)sum + (double)run->width * (double)run->height - (double)inside;
    run->arguments = maybe(at, "arguments");
    for (int o = 0; o < HM_ORIGIN_COUNT; ++o) {
        run->origin[o] = maybe(at, origin_names[o]);
    }
cleanup:
    return status;
}

hm_status_t hm_runs_read(const hm_csv_t *csv, const char *path, int file, hm_run_t **run,
                         int64_t *runs, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_run_t *larger = realloc(*run, (size_t)(*runs + csv->rows + 1) * sizeof **run);
    if (!larger) {
        return hm_error_set(err, HM_EMISSING, "out of memory for %lld runs", (long long)csv->rows);
    }
    *run = larger;
    if (csv->rows == 0) {
        HM_TRY(hm_error_set(err, HM_EDATA, "%s, line %lld: no run below the names of columns", path,
                            (long long)csv->line[0]));
    }
    for (int64_t row = 0; row < csv->rows; ++row) {
        place_t at = {csv, path, row};
        hm_run_t *next = &(*run)[*runs + row];
        *next = (hm_run_t){.file = file, .row = row};
        HM_TRY(read_run(&at, next, err));
    }
    *runs += csv->rows;
cleanup:
    return status;
}

static int compare(int64_t a, int64_t b) {
    return (a > b) - (a < b);
}

static int study_order(const hm_run_t *a, const hm_run_t *b) {
    int order = compare(a->file, b->file);
    order = order ? order : compare(a->weak, b->weak);
    return order ? order : strcmp(a->arguments, b->arguments);
}

static int point_order(const hm_run_t *a, const hm_run_t *b) {
    int order = strcmp(a->strategy, b->strategy);
    order = order ? order : compare(a->threads, b->threads);
    order = order ? order : compare(a->ranks * a->threads, b->ranks * b->threads);
    order = order ? order : compare(a->nodes, b->nodes);
    order = order ? order : compare(a->ranks_per_node, b->ranks_per_node);
    order = order ? order : compare(a->width, b->width);
    return order ? order : compare(a->height, b->height);
}

int hm_run_order(const void *a, const void *b) {
    const hm_run_t *x = a;
    const hm_run_t *y = b;
    int order = study_order(x, y);
    order = order ? order : point_order(x, y);
    order = order ? order : compare(x->repetition, y->repetition);
    return order ? order : compare(x->row, y->row);
}

bool hm_run_same_study(const hm_run_t *a, const hm_run_t *b) {
    return study_order(a, b) == 0;
}

bool hm_run_same_point(const hm_run_t *a, const hm_run_t *b) {
    return study_order(a, b) == 0 && point_order(a, b) == 0;
}

/* Runs that must have the same checksum beside each other, in the order of the file. */
static int grid_order(const void *a, const void *b) {
    const hm_run_t *x = a;
    const hm_run_t *y = b;
    int order = study_order(x, y);
    order = order ? order : compare(x->width, y->width);
    order = order ? order : compare(x->height, y->height);
    return order ? order : compare(x->row, y->row);
}

void hm_runs_check(hm_run_t *run, int64_t runs) {
    qsort(run, (size_t)runs, sizeof *run, grid_order);
    const hm_run_t *first = NULL; /* right one of this grid */
    for (int64_t i = 0; i < runs; ++i) {
        if (first && (!hm_run_same_study(first, &run[i]) || first->width != run[i].width ||
                      first->height != run[i].height)) {
            first = NULL;
        }
        if (!first && !run[i].wrong) {
            first = &run[i];
        }
        if (first && run[i].crc32 != first->crc32) {
            run[i].wrong = true;
            run[i].seconds = 0;
        }
    }
}
