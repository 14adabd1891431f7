/* report: a scaling study, or one run, as tables, figures and one page. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "hm_clock.h"
#include "hm_dataset.h"
#include "hm_html.h"
#include "hm_mirror.h"
#include "hm_replace.h"
#include "hm_version.h"
#include "report.h"

static const char *const about =
    "Explains runs. Of CSV files of scaling studies (jobs/strong.*, jobs/weak.*, `make scaling`):\n"
    "tables of time, speed-up, efficiency, serial part, imbalance and I/O with intervals, and "
    "laws\n"
    "of scaling fitted to them. Of one data set file: who computed what, when, and what it cost.\n"
    "Text on standard output; --html makes one page that needs nothing but itself, with figures\n"
    "that gnuplot draws.";

typedef struct report_settings_t {
    const char *html;
    const char *figures;
    const char *trace;
    const char *data;
    const char *title;
} report_settings_t;

static const hm_option_t options[] = {
    {.key = "html",
     .type = HM_OPTION_TEXT,
     .offset = offsetof(report_settings_t, html),
     .value = "FILE",
     .group = "Output",
     .help = "the page to write; without gnuplot it holds tables only"},
    {.key = "figures",
     .type = HM_OPTION_TEXT,
     .offset = offsetof(report_settings_t, figures),
     .value = "FOLDER",
     .group = "Output",
     .help = "the figures as SVG and PNG files too, with their gnuplot scripts, for papers"},
    {.key = "title",
     .type = HM_OPTION_TEXT,
     .offset = offsetof(report_settings_t, title),
     .value = "TEXT",
     .group = "Output",
     .help = "heading of the page"},
    {.key = "data",
     .type = HM_OPTION_TEXT,
     .offset = offsetof(report_settings_t, data),
     .value = "FILE",
     .group = "Input",
     .help =
         "of CSV files: a complete data set file of a study's view; what its rows cost predicts "
         "each point, by simulation of the strategy"},
    {.key = "trace",
     .type = HM_OPTION_TEXT,
     .offset = offsetof(report_settings_t, trace),
     .value = "FILE",
     .group = "Input",
     .help = "of a data set file: what render --trace wrote in the same run"},
    {.key = NULL}};

/* Everything a report holds. */
typedef struct report_t {
    const report_settings_t *settings;
    const hm_log_t *log;
    report_page_t page;
    hm_replace_t file; /* the page */
    char folder[1024]; /* of figures that are not kept; "" when there is none */
} report_t;

/* Where figures are drawn. */
static hm_status_t make_folder(report_t *report, hm_error_t *err) {
    const char *kept = report->settings->figures;
    if (!kept && !report->settings->html) {
        return HM_OK;
    }
    report->page.charts = hm_chart_possible();
    if (!report->page.charts && kept) {
        return hm_error_set(err, HM_EMISSING,
                            "figures: found no gnuplot, which draws them: install it (Debian: "
                            "gnuplot-nox)");
    }
    if (!report->page.charts) {
        hm_log(report->log, HM_WARN,
               "warning: found no gnuplot (Debian: gnuplot-nox): the page has tables only");
    }
    if (kept) {
        if (mkdir(kept, 0777) != 0 && errno != EEXIST) {
            return hm_error_errno(err, HM_ECREATE, errno, "figures: cannot make '%s'", kept);
        }
        report->page.folder = kept;
        return HM_OK;
    }
    const char *temporary = getenv("TMPDIR");
    int n = snprintf(report->folder, sizeof report->folder, "%s/hpcmandel-report-XXXXXX",
                     temporary && *temporary ? temporary : "/tmp");
    if (n < 0 || (size_t)n >= sizeof report->folder || !mkdtemp(report->folder)) {
        hm_status_t status =
            hm_error_errno(err, HM_ECREATE, errno, "cannot make '%s'", report->folder);
        report->folder[0] = '\0';
        return status;
    }
    report->page.folder = report->folder;
    return HM_OK;
}

/* Figures that nobody asked to keep: only this program's own names can be in there. */
static void remove_folder(const report_t *report, const char *const *names, int count) {
    static const char *const endings[] = {"gp", "svg", "png", "log"};
    char path[1200];
    if (!report->folder[0]) {
        return;
    }
    for (int number = 1; number <= report->page.figures; ++number) {
        for (int i = 0; i < count; ++i) {
            for (size_t e = 0; e < sizeof endings / sizeof *endings; ++e) {
                snprintf(path, sizeof path, "%s/%s-%d.%s", report->folder, names[i], number,
                         endings[e]);
                unlink(path);
            }
        }
    }
    rmdir(report->folder);
}

static hm_status_t open_page(report_t *report, const char *title, const char *lead,
                             hm_error_t *err) {
    const char *path = report->settings->html;
    if (!path) {
        return HM_OK;
    }
    hm_status_t status = hm_replace_open(path, &report->file, err);
    if (status != HM_OK) {
        hm_error_context(err, "html");
        return status;
    }
    report->page.html = report->file.out;
    hm_html_begin(report->page.html, report->settings->title ? report->settings->title : title,
                  lead);
    return HM_OK;
}

/* The page gets its name when it is whole; `keep` false: it goes. */
static hm_status_t close_page(report_t *report, bool keep, hm_error_t *err) {
    FILE *html = report->page.html;
    hm_status_t status = HM_OK;
    if (!html) {
        return HM_OK;
    }
    char now[32];
    hm_clock_iso8601(now, sizeof now);
    char foot[512];
    snprintf(foot, sizeof foot, "Made by hpcmandel %s (%s), %s.", hm_version(), hm_revision(), now);
    hm_html_end(html, foot);
    report->page.html = NULL;
    status = hm_replace_close(&report->file, keep, err);
    if (status != HM_OK) {
        hm_error_context(err, "html");
    }
    return status;
}

/* Leaves out the rows that come with their twins; returns how many are left. */
static int64_t fold(const hm_dataset_info_t *info, uint64_t *work) {
    const hm_mirror_t mirror = hm_mirror_find(&info->grid, &info->formula);
    int64_t rows = 0;
    for (int64_t row = 0; row < info->grid.height; ++row) {
        if (!hm_mirror_is_twin(&mirror, row)) {
            work[rows++] = work[row];
        }
    }
    return rows;
}

/* What the rows of --data cost; costs->work is the caller's to free. */
static hm_status_t read_costs(const char *path, hm_row_costs_t *costs, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_reader_t *reader = NULL;
    hm_dataset_info_t info;
    uint64_t *work = NULL;
    HM_TRY(hm_reader_open(path, &reader, &info, err));
    if (!info.result.complete) {
        HM_TRY(hm_error_set(err, HM_EDATA, "data: '%s' is not complete; go on with it by --resume",
                            path));
    }
    work = malloc((size_t)info.grid.height * sizeof *work);
    if (!work) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for the rows of '%s'", path));
    }
    HM_TRY(hm_reader_costs(reader, 0, info.grid.height, work, NULL, NULL, err));
    *costs = (hm_row_costs_t){info.grid.width, info.grid.height, info.result.crc32,
                              fold(&info, work), work};
    work = NULL;
cleanup:
    free(work);
    hm_reader_close(reader);
    return status;
}

/* Predictions for the studies whose view --data holds. */
static hm_status_t predict(const report_t *report, hm_studies_t *studies, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_row_costs_t costs = {.work = NULL};
    bool any = false;
    if (!report->settings->data) {
        return HM_OK;
    }
    HM_TRY(read_costs(report->settings->data, &costs, err));
    for (int i = 0; i < studies->count; ++i) {
        bool known = false;
        HM_TRY(hm_study_predict(&studies->study[i], &costs, &known, err));
        any = any || known;
    }
    if (!any) {
        hm_log(report->log, HM_WARN,
               "warning: no study has a point whose image is that of '%s', and one on one core: "
               "nothing is predicted",
               report->settings->data);
    }
cleanup:
    free((void *)(uintptr_t)costs.work);
    return status;
}

static hm_status_t report_studies(report_t *report, char *const *paths, int count,
                                  hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_studies_t studies = {0};
    if (report->settings->trace) {
        HM_TRY(
            hm_error_set(err, HM_EUSAGE, "trace: goes with a data set file, not with CSV files"));
    }
    HM_TRY(hm_studies_read((const char *const *)paths, count, &studies, err));
    HM_TRY(predict(report, &studies, err));
    HM_TRY(open_page(report, "How it scales",
                     "Scaling studies of the Mandelbrot set, measured by "
                     "hpcmandel",
                     err));
    for (int i = 0; i < studies.count; ++i) {
        HM_TRY(report_study_print(&studies.study[i], stdout, err));
        if (report->page.folder) {
            HM_TRY(report_study_html(&report->page, &studies.study[i], err));
        }
    }
cleanup:
    hm_studies_free(&studies);
    return status;
}

static hm_status_t report_dataset(report_t *report, const char *path, hm_error_t *err) {
    hm_status_t status = HM_OK;
    if (report->settings->data) {
        HM_TRY(hm_error_set(err, HM_EUSAGE, "data: goes with CSV files, not with a data set file"));
    }
    HM_TRY(open_page(report, "A run", path, err));
    HM_TRY(report_run(&report->page, path, report->settings->trace, stdout, err));
cleanup:
    return status;
}

static hm_status_t make_report(report_t *report, const hm_values_t *values, hm_error_t *err) {
    static const char *const names[] = {REPORT_FIGURES};
    hm_status_t status = HM_OK;
    bool dataset = false;
    if (values->positional_count == 0) {
        return hm_error_set(err, HM_EUSAGE,
                            "report needs CSV files of scaling studies, or one data set file");
    }
    for (int i = 0; i < values->positional_count; ++i) {
        const bool one = hm_replace_is_hdf5(values->positional[i]);
        if (one && values->positional_count > 1) {
            HM_TRY(hm_error_set(err, HM_EUSAGE, "'%s' is a data set file: report takes one alone",
                                values->positional[i]));
        }
        dataset = one;
    }
    HM_TRY(make_folder(report, err));
    status = dataset ? report_dataset(report, values->positional[0], err)
                     : report_studies(report, values->positional, values->positional_count, err);
    hm_status_t closed = close_page(report, status == HM_OK, status == HM_OK ? err : NULL);
    status = status == HM_OK ? closed : status;
    if (status == HM_OK && report->settings->html) {
        printf("page %s\n", report->settings->html);
    }
    remove_folder(report, names, sizeof names / sizeof *names);
cleanup:
    return status;
}

static hm_status_t run_report(hm_context_t *context, int argc, char **argv) {
    enum { MOST_FILES = 4096 };
    report_settings_t settings = {0};
    hm_values_t values = {0};
    hm_error_t err = HM_ERROR_NONE;
    bool helped = false;
    hm_status_t status = hm_command_options(context, &hm_command_report, about, options, false,
                                            MOST_FILES, argc, argv, &settings, &values, &helped);
    if (status != HM_OK) {
        return status;
    }
    if (!helped) {
        /* One rank reads a few rows of figures; the others have nothing to do. */
        report_t report = {.settings = &settings, .log = &context->log};
        hm_status_t mine =
            context->cluster->rank == 0 ? make_report(&report, &values, &err) : HM_OK;
        status = hm_meet(context, mine, &err);
    }
    hm_options_free(&values);
    return status;
}

const hm_command_t hm_command_report = {
    .name = "report",
    .arguments = "CSV...|FILE",
    .what = "explains scaling studies, or one run, as tables, figures and one page",
    .run = run_report,
};
