/* The page of one run: what a data set file says of how it was made. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "hm_html.h"
#include "report_run.h"

/* Rows whose costs are read at a time. */
enum { READ_ROWS = 4096 };

static void run_free(run_t *run) {
    free(run->band);
    free(run->rank);
    free(run->session);
    if (run->traced) {
        hm_timeline_free(&run->timeline);
    }
    if (run->reader) {
        hm_reader_close(run->reader);
    }
}

/* Cuts the rows into at most `most` pieces as equal as can be. */
static int cut(run_piece_t *piece, int most, int64_t height) {
    int pieces = height < most ? (int)height : most;
    for (int i = 0; i < pieces; ++i) {
        int64_t first = height * i / pieces;
        piece[i] =
            (run_piece_t){.first = first, .rows = height * (i + 1) / pieces - first, .rank = -1};
    }
    return pieces;
}

static void add_row(run_piece_t *piece, int pieces, int64_t height, int64_t row, double work,
                    double seconds, int32_t rank) {
    int i = (int)(((row + 1) * pieces - 1) / height);
    run_piece_t *p = &piece[i];
    ++p->done;
    p->iterations += work;
    p->seconds += seconds;
    p->dearest = fmax(p->dearest, seconds);
    p->other_ranks = p->other_ranks || (p->rank >= 0 && p->rank != rank);
    p->rank = p->rank < 0 ? rank : p->rank;
}

/* Joins the row to the band before it when the same rank computed both. */
static hm_status_t add_band(run_t *run, int64_t *room, bool apart, int32_t rank, double seconds,
                            hm_error_t *err) {
    if (!apart && run->bands > 0 && run->band[run->bands - 1].rank == rank) {
        run->band[run->bands - 1].seconds += seconds;
        return HM_OK;
    }
    if (run->bands == *room) {
        int64_t larger = *room ? 2 * *room : 1024;
        run_band_t *band = realloc(run->band, (size_t)larger * sizeof *band);
        if (!band) {
            return hm_error_set(err, HM_EMISSING, "out of memory for the rows of '%s'", run->path);
        }
        run->band = band;
        *room = larger;
    }
    run->band[run->bands++] = (run_band_t){rank, seconds};
    return HM_OK;
}

static hm_status_t read_rows(run_t *run, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const int64_t height = run->info.grid.height;
    uint8_t *done = malloc(READ_ROWS);
    uint64_t *work = malloc(READ_ROWS * sizeof *work);
    double *seconds = malloc(READ_ROWS * sizeof *seconds);
    int32_t *rank = malloc(READ_ROWS * sizeof *rank);
    int64_t room = 0;
    bool apart = true; /* the row before is not done */
    if (!done || !work || !seconds || !rank) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for rows"));
    }
    run->pieces = cut(run->piece, RUN_PIECES, height);
    run->coarse_pieces = cut(run->coarse, RUN_TABLE, height);
    for (int64_t first = 0; first < height; first += READ_ROWS) {
        int64_t rows = height - first < READ_ROWS ? height - first : READ_ROWS;
        HM_TRY(hm_reader_done(run->reader, first, rows, done, err));
        HM_TRY(hm_reader_costs(run->reader, first, rows, work, seconds, rank, err));
        for (int64_t i = 0; i < rows; ++i) {
            double s = isfinite(seconds[i]) && seconds[i] > 0 ? seconds[i] : 0;
            if (done[i]) {
                add_row(run->piece, run->pieces, height, first + i, (double)work[i], s, rank[i]);
                add_row(run->coarse, run->coarse_pieces, height, first + i, (double)work[i], s,
                        rank[i]);
                HM_TRY(add_band(run, &room, apart, rank[i], s, err));
            }
            apart = !done[i];
        }
    }
cleanup:
    free(done);
    free(work);
    free(seconds);
    free(rank);
    return status;
}

static hm_status_t read_tables(run_t *run, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_rank_account_t *accounts = NULL;
    HM_TRY(hm_reader_ranks(run->reader, &accounts, &run->ranks, err));
    run->rank = malloc(((size_t)run->ranks + 1) * sizeof *run->rank);
    if (!run->rank) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for %d ranks", run->ranks));
    }
    for (int r = 0; r < run->ranks; ++r) {
        run->rank[r] = (run_rank_t){r, accounts[r]};
    }
    HM_TRY(hm_reader_history(run->reader, &run->session, &run->sessions, err));
cleanup:
    free(accounts);
    return status;
}

/* --- tables ------------------------------------------------------------------------------------
 */

#define CELL(name) static void name(const void *row, char text[REPORT_CELL])
#define PIECE(row) ((const run_piece_t *)(row))
#define ACCOUNT(row) (&((const run_rank_t *)(row))->account)

CELL(cell_rows) {
    snprintf(text, REPORT_CELL, "%lld to %lld", (long long)PIECE(row)->first,
             (long long)(PIECE(row)->first + PIECE(row)->rows - 1));
}

CELL(cell_done) {
    snprintf(text, REPORT_CELL, "%lld", (long long)PIECE(row)->done);
}

CELL(cell_who) {
    if (PIECE(row)->done == 0) {
        snprintf(text, REPORT_CELL, "-");
    } else {
        snprintf(text, REPORT_CELL, "rank %d%s", (int)PIECE(row)->rank,
                 PIECE(row)->other_ranks ? " and others" : "");
    }
}

CELL(cell_mean) {
    report_number(PIECE(row)->done > 0 ? 1e3 * PIECE(row)->seconds / (double)PIECE(row)->done : NAN,
                  text);
}

CELL(cell_dearest) {
    report_number(PIECE(row)->done > 0 ? 1e3 * PIECE(row)->dearest : NAN, text);
}

const report_column_t report_piece_columns[] = {
    {.name = "rows", .cell = cell_rows},
    {.name = "done", .cell = cell_done},
    {.name = "computed by", .cell = cell_who, .left = true},
    REPORT_NUMBER("Giter spent", run_piece_t, iterations, 1e-9),
    REPORT_NUMBER("seconds", run_piece_t, seconds, 1),
    {.name = "ms a row", .cell = cell_mean},
    {.name = "dearest row ms", .cell = cell_dearest}};
const int report_piece_count = sizeof report_piece_columns / sizeof *report_piece_columns;

CELL(cell_rank) {
    snprintf(text, REPORT_CELL, "%d", ((const run_rank_t *)row)->rank);
}

CELL(cell_host) {
    snprintf(text, REPORT_CELL, "%s", ACCOUNT(row)->host);
}

CELL(cell_node) {
    snprintf(text, REPORT_CELL, "%d", (int)ACCOUNT(row)->node);
}

CELL(cell_isa) {
    snprintf(text, REPORT_CELL, "%s", ACCOUNT(row)->isa);
}

CELL(cell_threads) {
    snprintf(text, REPORT_CELL, "%d", (int)ACCOUNT(row)->threads);
}

CELL(cell_rank_rows) {
    snprintf(text, REPORT_CELL, "%lld", (long long)ACCOUNT(row)->rows);
}

CELL(cell_rank_work) {
    report_number((double)ACCOUNT(row)->iterations * 1e-9, text);
}

const report_column_t report_rank_columns[] = {
    {.name = "rank", .cell = cell_rank},
    {.name = "host", .cell = cell_host, .left = true},
    {.name = "node", .cell = cell_node},
    {.name = "kernel", .cell = cell_isa, .left = true},
    {.name = "threads", .cell = cell_threads},
    {.name = "rows", .cell = cell_rank_rows},
    {.name = "Giter spent", .cell = cell_rank_work},
    REPORT_NUMBER("computing s", run_rank_t, account.busy, 1),
    REPORT_NUMBER("writing s", run_rank_t, account.writing, 1),
    REPORT_NUMBER("talking s", run_rank_t, account.talking, 1),
    REPORT_NUMBER("waiting s", run_rank_t, account.waiting, 1)};
const int report_rank_count = sizeof report_rank_columns / sizeof *report_rank_columns;

#define SESSION(row) ((const hm_session_t *)(row))

CELL(cell_start) {
    snprintf(text, REPORT_CELL, "%s", SESSION(row)->start);
}

CELL(cell_session_host) {
    snprintf(text, REPORT_CELL, "%s", SESSION(row)->host);
}

CELL(cell_session_version) {
    snprintf(text, REPORT_CELL, "%s", SESSION(row)->version);
}

CELL(cell_session_ranks) {
    snprintf(text, REPORT_CELL, "%d x %d", (int)SESSION(row)->ranks, (int)SESSION(row)->threads);
}

CELL(cell_session_strategy) {
    snprintf(text, REPORT_CELL, "%s", SESSION(row)->strategy);
}

CELL(cell_before) {
    snprintf(text, REPORT_CELL, "%lld", (long long)SESSION(row)->rows_before);
}

CELL(cell_session_seconds) {
    report_number(SESSION(row)->ended[0] ? SESSION(row)->seconds : NAN, text);
}

CELL(cell_ended) {
    snprintf(text, REPORT_CELL, "%s", SESSION(row)->ended[0] ? SESSION(row)->ended : "killed");
}

static const report_column_t session_columns[] = {
    {.name = "began", .cell = cell_start, .left = true},
    {.name = "host", .cell = cell_session_host, .left = true},
    {.name = "version", .cell = cell_session_version, .left = true},
    {.name = "ranks x threads", .cell = cell_session_ranks},
    {.name = "strategy", .cell = cell_session_strategy, .left = true},
    {.name = "rows before", .cell = cell_before},
    {.name = "seconds", .cell = cell_session_seconds},
    {.name = "ended", .cell = cell_ended, .left = true}};

/* --- what it comes to --------------------------------------------------------------------------
 */

/* Sums over the ranks of the last session. */
typedef struct sums_t {
    double busy, writing, talking, waiting, total;
    double most_busy;
    int slowest;
    double iterations, most_iterations;
} sums_t;

static sums_t sum_up(const run_t *run) {
    sums_t s = {.slowest = -1};
    for (int r = 0; r < run->ranks; ++r) {
        const hm_rank_account_t *a = &run->rank[r].account;
        s.busy += a->busy;
        s.writing += a->writing;
        s.talking += a->talking;
        s.waiting += a->waiting;
        s.iterations += (double)a->iterations;
        s.most_iterations = fmax(s.most_iterations, (double)a->iterations);
        if (s.slowest < 0 || a->busy > s.most_busy) {
            s.most_busy = a->busy;
            s.slowest = r;
        }
    }
    s.total = s.busy + s.writing + s.talking + s.waiting;
    return s;
}

/* One figure of the run as a short text and what it is. */
typedef struct fact_t {
    char value[REPORT_CELL];
    char what[REPORT_CELL];
} fact_t;

HM_PRINTF(3, 4)
static void set_fact(fact_t *fact, const char *what, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fact->value, sizeof fact->value, format, arguments);
    va_end(arguments);
    snprintf(fact->what, sizeof fact->what, "%s", what);
}

enum { MOST_FACTS = 12 };

static int collect_facts(const run_t *run, fact_t fact[MOST_FACTS]) {
    const hm_dataset_info_t *info = &run->info;
    const sums_t s = sum_up(run);
    int n = 0;
    set_fact(&fact[n++], "grid", "%lld x %lld", (long long)info->grid.width,
             (long long)info->grid.height);
    set_fact(&fact[n++], "rows done", "%.4g %%",
             100 * (double)info->rows_done / (double)info->grid.height);
    if (run->ranks == 0 || !(s.total > 0)) {
        return n;
    }
    /* A session that was killed has said no time of its own: the ranks' mean then. */
    const hm_session_t *last = run->sessions > 0 ? &run->session[run->sessions - 1] : NULL;
    double wall = last && last->ended[0] ? last->seconds : s.total / run->ranks;
    char text[REPORT_CELL];
    report_number(wall, text);
    set_fact(&fact[n++], "seconds, the last session", "%s", text);
    set_fact(&fact[n++], "ranks", "%d", run->ranks);
    set_fact(&fact[n++], "efficiency: busy / (ranks x wall)", "%.1f %%", 100 * s.busy / s.total);
    report_number(s.busy > 0 ? s.most_busy * run->ranks / s.busy : NAN, text);
    set_fact(&fact[n++], "imbalance by time: most / mean", "%s", text);
    report_number(s.iterations > 0 ? s.most_iterations * run->ranks / s.iterations : NAN, text);
    set_fact(&fact[n++], "imbalance by iterations", "%s", text);
    set_fact(&fact[n++], "I/O share", "%.2f %%", 100 * s.writing / s.total);
    set_fact(&fact[n++], "talking", "%.2f %%", 100 * s.talking / s.total);
    set_fact(&fact[n++], "waiting", "%.2f %%", 100 * s.waiting / s.total);
    snprintf(text, sizeof text, "the slowest, on %.64s", run->rank[s.slowest].account.host);
    set_fact(&fact[n++], text, "rank %d", s.slowest);
    return n;
}

/* A table's rows are pointers: to `count` structures of `size` bytes. */
static const void **pointers(const void *first, size_t size, int count) {
    const void **row = malloc(((size_t)count + 1) * sizeof *row);
    for (int i = 0; row && i < count; ++i) {
        row[i] = (const char *)first + (size_t)i * size;
    }
    return row;
}

/* Ranks shown in a table: the first ones; more have the file. */
enum { MOST_RANKS_SHOWN = 512 };

typedef struct tables_t {
    const void **rank, **piece, **session;
    report_table_t ranks, pieces, sessions;
} tables_t;

static void tables_free(tables_t *t) {
    free(t->rank);
    free(t->piece);
    free(t->session);
}

static hm_status_t tables_make(const run_t *run, tables_t *tables, hm_error_t *err) {
    int shown = run->ranks < MOST_RANKS_SHOWN ? run->ranks : MOST_RANKS_SHOWN;
    tables_t t = {.rank = pointers(run->rank, sizeof *run->rank, shown),
                  .piece = pointers(run->coarse, sizeof *run->coarse, run->coarse_pieces),
                  .session = pointers(run->session, sizeof *run->session, run->sessions)};
    if (!t.rank || !t.piece || !t.session) {
        tables_free(&t);
        return hm_error_set(err, HM_EMISSING, "out of memory for tables");
    }
    t.ranks = (report_table_t){report_rank_columns, report_rank_count, t.rank, shown};
    t.pieces =
        (report_table_t){report_piece_columns, report_piece_count, t.piece, run->coarse_pieces};
    t.sessions = (report_table_t){session_columns, sizeof session_columns / sizeof *session_columns,
                                  t.session, run->sessions};
    *tables = t;
    return HM_OK;
}

static void print_text(const run_t *run, const tables_t *tables, FILE *out) {
    fact_t fact[MOST_FACTS];
    int facts = collect_facts(run, fact);
    fprintf(out, "file %s\n", run->path);
    for (int i = 0; i < facts; ++i) {
        fprintf(out, "%s: %s\n", fact[i].what, fact[i].value);
    }
    fputc('\n', out);
    report_table_print(&tables->ranks, out);
    fputc('\n', out);
    report_table_print(&tables->pieces, out);
    fputc('\n', out);
    report_table_print(&tables->sessions, out);
}

/* --- the page ----------------------------------------------------------------------------------
 */

static void print_attributes(const run_t *run, FILE *out) {
    static const char *const keys[] = {"version", "revision", "compiler",  "mpi",
                                       "hdf5",    "host",     "scheduler", "job_id",
                                       "start",   "ranks",    "nodes",     "strategy_run"};
    fputs("<dl>\n", out);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; ++i) {
        char *text = NULL;
        if (hm_reader_attribute(run->reader, keys[i], &text, NULL) == HM_OK && text[0]) {
            fprintf(out, "<dt>%s</dt><dd>", keys[i]);
            hm_html_text(out, text);
            fputs("</dd>\n", out);
        }
        free(text);
    }
    if (run->info.result.complete) {
        fprintf(out,
                "<dt>crc32</dt><dd class=\"code\">%08lx</dd>\n<dt>sum</dt><dd>%llu</dd>\n"
                "<dt>inside</dt><dd>%llu</dd>\n",
                (unsigned long)run->info.result.crc32, (unsigned long long)run->info.result.sum,
                (unsigned long long)run->info.result.inside);
    }
    fputs("</dl>\n", out);
}

static void print_provenance(const run_t *run, const tables_t *tables, FILE *out) {
    char *configuration = NULL;
    fputs("<section>\n<h2>Where it comes from</h2>\n", out);
    print_attributes(run, out);
    fputs("<h3>Sessions</h3>\n", out);
    report_table_html(&tables->sessions, out);
    if (hm_reader_configuration(run->reader, &configuration, NULL) == HM_OK) {
        fputs("<h3>Configuration, as it can be run again</h3>\n<pre class=\"code\">", out);
        hm_html_text(out, configuration);
        fputs("</pre>\n", out);
    }
    free(configuration);
    fputs("</section>\n", out);
}

static hm_status_t print_page(report_page_t *page, const run_t *run, const tables_t *tables,
                              hm_error_t *err) {
    hm_status_t status = HM_OK;
    FILE *out = page->html;
    if (out) {
        fact_t fact[MOST_FACTS];
        int facts = collect_facts(run, fact);
        fputs("<section>\n<h2>The run</h2>\n<div class=\"tiles\">\n", out);
        for (int i = 0; i < facts; ++i) {
            fputs("<div class=\"tile\"><b>", out);
            hm_html_text(out, fact[i].value);
            fputs("</b><span>", out);
            hm_html_text(out, fact[i].what);
            fputs("</span></div>\n", out);
        }
        fputs("</div>\n<div class=\"figures\">\n", out);
    }
    HM_TRY(report_run_charts(page, run, err));
    if (out) {
        fputs("</div>\n</section>\n", out);
        print_provenance(run, tables, out);
    }
cleanup:
    return status;
}

hm_status_t report_run(report_page_t *page, const char *path, const char *trace, FILE *out,
                       hm_error_t *err) {
    hm_status_t status = HM_OK;
    tables_t tables = {.rank = NULL};
    run_t *run = calloc(1, sizeof *run);
    if (!run) {
        return hm_error_set(err, HM_EMISSING, "out of memory");
    }
    run->path = path;
    HM_TRY(hm_reader_open(path, &run->reader, &run->info, err));
    HM_TRY(read_rows(run, err));
    HM_TRY(read_tables(run, err));
    if (trace) {
        HM_TRY(hm_timeline_read(trace, RUN_LANES, 480, &run->timeline, err));
        run->traced = true;
    }
    HM_TRY(tables_make(run, &tables, err));
    print_text(run, &tables, out);
    if (page->folder) {
        HM_TRY(print_page(page, run, &tables, err));
    }
cleanup:
    tables_free(&tables);
    run_free(run);
    free(run);
    return status;
}
