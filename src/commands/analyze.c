/* analyze: statistics of a data set file, by all ranks together. */
#include <stddef.h>

#include "analyze_find.h"
#include "commands.h"
#include "hm_analysis.h"
#include "hm_find.h"
#include "output.h"

static const char *const about =
    "Statistics of a data set file: each rank reads its part of the rows, in pieces, and their\n"
    "parts are put together. The figures are the same on every number of ranks. The data are\n"
    "checked against their checksums; exit code 65 when they are not true. Of a file that is not\n"
    "complete the rows that are done are analysed, and it says how many are missing.";

typedef struct analyze_settings_t {
    const char *json;
    const char *csv;
    bool append;
    bool quiet;
    int64_t top;
    const char *find;
    int64_t limit; /* 0: not said */
} analyze_settings_t;

static const hm_option_t options[] = {
    {.key = "json",
     .type = HM_OPTION_TEXT,
     .offset = offsetof(analyze_settings_t, json),
     .value = "[FILE]",
     .alone = "-",
     .group = "Output",
     .help = "write the figures as JSON; -, or no FILE: to standard output, instead of the text"},
    {.key = "csv",
     .type = HM_OPTION_TEXT,
     .offset = offsetof(analyze_settings_t, csv),
     .value = "[FILE]",
     .alone = "-",
     .group = "Output",
     .help = "write them as CSV, section,key,from,to,count,value,error; -, or no FILE: to standard "
             "output, "
             "instead of the text"},
    {.key = "append",
     .type = HM_OPTION_FLAG,
     .offset = offsetof(analyze_settings_t, append),
     .group = "Output",
     .help = "also write the figures into the file, as the table /analysis/figures; those of an "
             "earlier analysis are replaced"},
    {.key = "top",
     .type = HM_OPTION_INT,
     .offset = offsetof(analyze_settings_t, top),
     .low = 0,
     .high = HM_ANALYSIS_TOP,
     .fallback = "10",
     .value = "N",
     .group = "Output",
     .help = "how many of the costliest rows"},
    {.key = "find",
     .type = HM_OPTION_TEXT,
     .offset = offsetof(analyze_settings_t, find),
     .value = "EXPR",
     .group = "Search",
     .excludes = "append,top",
     .help = "instead of statistics: the first points, by rows and columns, for which EXPR holds, "
             "'period == 3', 'count >= 500 && !inside', 'distance < 0.5 and re > 0'; of count (or "
             "iterations), smooth, distance, period, re, im, row, column, inside, numbers, + - * / "
             "== != < <= > >= ! && || ( ) abs()"},
    {.key = "limit",
     .type = HM_OPTION_INT,
     .offset = offsetof(analyze_settings_t, limit),
     .low = 1,
     .high = HM_FIND_MOST,
     .value = "N",
     .group = "Search",
     .help = "how many hits, 1 unless said; the search ends as soon as there are so many"},
    {.key = "quiet",
     .type = HM_OPTION_FLAG,
     .offset = offsetof(analyze_settings_t, quiet),
     .group = "Output",
     .help = "do not say on standard error how fast the file was read"},
    {.key = NULL}};

/* The figures in one form, where they are wanted in it. */
static hm_status_t save(const char *to, hm_format_t format, const char *path,
                        const hm_report_t *report, hm_error_t *err) {
    if (!to) {
        return HM_OK;
    }
    output_t output = {0};
    hm_status_t status = output_open(to, &output, err);
    if (status == HM_OK) {
        const hm_status_t printed = hm_report_print(report, path, format, output.out, err);
        status = output_close(&output, printed == HM_OK, printed == HM_OK ? err : NULL);
        status = printed == HM_OK ? status : printed;
    }
    return status;
}

/* Rank 0 alone, after all have closed the file. */
static hm_status_t deliver(const hm_context_t *context, const analyze_settings_t *settings,
                           const char *path, const hm_report_t *report,
                           const hm_analysis_speed_t *speed, hm_error_t *err) {
    hm_status_t status = HM_OK;
    if (settings->append) {
        HM_TRY(hm_dataset_annotate(path, report->figure, report->count, err));
    }
    HM_TRY(save(settings->json, HM_FORMAT_JSON, path, report, err));
    HM_TRY(save(settings->csv, HM_FORMAT_CSV, path, report, err));
    if (!output_is_stdout(settings->json) && !output_is_stdout(settings->csv)) {
        HM_TRY(hm_report_print(report, path, HM_FORMAT_TEXT, stdout, err));
    }
    if (!settings->quiet) {
        const hm_log_t log = {context->log.level, -1};
        const double size = (double)speed->bytes * 1e-9;
        hm_log(&log, HM_INFO,
               "read %.3f GB in %.3f s (%.2f GB/s), read and counted in %.3f s (%.2f GB/s)", size,
               speed->reading, speed->reading > 0 ? size / speed->reading : 0, speed->seconds,
               speed->seconds > 0 ? size / speed->seconds : 0);
    }
cleanup:
    return status;
}

static hm_status_t analyze(const hm_context_t *context, const analyze_settings_t *settings,
                           const char *path) {
    hm_error_t err = HM_ERROR_NONE;
    hm_report_t report = {.rows = 0};
    hm_analysis_speed_t speed = {0, 0, 0};
    const hm_analysis_options_t wanted = {.top = (int)settings->top};
    hm_status_t status = hm_meet(
        context, hm_analysis_run(context->cluster, path, &wanted, &report, &speed, &err), &err);
    if (status == HM_OK) {
        status = hm_meet(context,
                         context->cluster->rank == 0
                             ? deliver(context, settings, path, &report, &speed, &err)
                             : HM_OK,
                         &err);
    }
    hm_report_free(&report);
    return status;
}

static hm_status_t check(const hm_context_t *context, const analyze_settings_t *settings,
                         const hm_values_t *values, hm_error_t *err) {
    hm_status_t status = HM_OK;
    if (values->positional_count != 1) {
        return hm_error_set(err, HM_EUSAGE, "analyze needs the data set FILE");
    }
    if (output_is_stdout(settings->json) && output_is_stdout(settings->csv)) {
        return hm_error_set(err, HM_EUSAGE, "--json - and --csv - cannot both be given");
    }
    if (settings->limit > 0 && !settings->find) {
        return hm_error_set(err, HM_EUSAGE,
                            "--limit says how many points --find is to name: give --find EXPR too");
    }
    if (context->cluster->rank == 0) {
        HM_TRY(output_check(settings->json, err));
        HM_TRY(output_check(settings->csv, err));
    }
cleanup:
    return status;
}

static hm_status_t run_analyze(hm_context_t *context, int argc, char **argv) {
    analyze_settings_t settings = {0};
    hm_values_t values = {0};
    hm_error_t err = HM_ERROR_NONE;
    bool helped = false;
    hm_status_t status = hm_command_options(context, &hm_command_analyze, about, options, false, 1,
                                            argc, argv, &settings, &values, &helped);
    if (status != HM_OK) {
        return status;
    }
    if (!helped) {
        status = hm_meet(context, check(context, &settings, &values, &err), &err);
        if (status == HM_OK) {
            status = settings.find ? analyze_find(context, values.positional[0], settings.find,
                                                  settings.limit > 0 ? settings.limit : 1,
                                                  settings.json, settings.csv)
                                   : analyze(context, &settings, values.positional[0]);
        }
    }
    hm_options_free(&values);
    return status;
}

const hm_command_t hm_command_analyze = {
    .name = "analyze",
    .arguments = "FILE",
    .what = "statistics of a data set file, by all ranks together",
    .run = run_analyze,
};
