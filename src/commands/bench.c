/* bench: what this machine makes of kernels, strategies and I/O. */
#include "bench.h"

#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "hm_text.h"
#include "output.h"

static const bench_t *const benches[] = {&bench_kernel, &bench_strategies, &bench_io, NULL};

static const char *const about =
    "Measures on this machine. NAME is one of:\n"
    "  kernel      every kernel on named scenes, against the ceiling of this core in the same run\n"
    "  strategies  every strategy on one scene, against one rank alone; what handing out a band "
    "costs\n"
    "  io          every way of bands to a file, against plain pwrite of the same bytes\n"
    "Figures are medians over the repetitions; a run whose counts are wrong has no figure.";

static const hm_option_t options[] = {{.key = "repetitions",
                                       .type = HM_OPTION_INT,
                                       .offset = offsetof(bench_settings_t, repetitions),
                                       .fallback = "5",
                                       .value = "N",
                                       .low = 1,
                                       .high = 1000,
                                       .group = "Measuring",
                                       .help = "repetitions; medians are quoted"},
                                      {.key = "seconds",
                                       .type = HM_OPTION_SECONDS,
                                       .offset = offsetof(bench_settings_t, seconds),
                                       .fallback = "0.2",
                                       .value = "SECONDS",
                                       .group = "Measuring",
                                       .help = "about how long one measurement takes"},
                                      {.key = "scene",
                                       .type = HM_OPTION_TEXT,
                                       .offset = offsetof(bench_settings_t, scene),
                                       .value = "NAME",
                                       .group = "Measuring",
                                       .help = "only this scene"},
                                      {.key = "megabytes",
                                       .type = HM_OPTION_INT,
                                       .offset = offsetof(bench_settings_t, megabytes),
                                       .fallback = "256",
                                       .value = "N",
                                       .low = 1,
                                       .high = 100000000,
                                       .group = "Measuring",
                                       .help = "io: size of the trial file"},
                                      {.key = "folder",
                                       .type = HM_OPTION_TEXT,
                                       .offset = offsetof(bench_settings_t, folder),
                                       .fallback = ".",
                                       .value = "DIR",
                                       .group = "Measuring",
                                       .help = "io: where the trial file is made; it is removed"},
                                      {.key = "way",
                                       .type = HM_OPTION_TEXT,
                                       .offset = offsetof(bench_settings_t, way),
                                       .value = "NAME",
                                       .group = "Measuring",
                                       .help = "io: only this one, beside pwrite: independent, "
                                               "collective or funnel"},
                                      {.key = "csv",
                                       .type = HM_OPTION_TEXT,
                                       .offset = offsetof(bench_settings_t, csv),
                                       .value = "FILE",
                                       .group = "Output",
                                       .help = "the figures as comma-separated values too"},
                                      {.key = NULL}};

static hm_status_t find(const hm_values_t *values, const bench_t **bench, hm_error_t *err) {
    const char *names[16];
    int count = 0;
    for (const bench_t *const *b = benches; *b; ++b) {
        if (values->positional_count == 1 && strcmp(values->positional[0], (*b)->name) == 0) {
            *bench = *b;
            return HM_OK;
        }
        names[count++] = (*b)->name;
    }
    if (values->positional_count == 0) {
        return hm_error_set(err, HM_EUSAGE, "bench needs a NAME: kernel, strategies or io");
    }
    const char *near = hm_text_nearest(values->positional[0], names, count);
    return hm_error_set(err, HM_EUSAGE, "unknown benchmark '%s'%s%s%s; bench --help lists them",
                        values->positional[0], near ? "; did you mean '" : "", near ? near : "",
                        near ? "'" : "");
}

static hm_status_t open_csv(const hm_context_t *context, const char *path, output_t *csv,
                            hm_error_t *err) {
    if (context->cluster->rank != 0 || !path) {
        return HM_OK;
    }
    return output_open(path, csv, err);
}

static hm_status_t run_bench(hm_context_t *context, int argc, char **argv) {
    bench_settings_t settings = {0};
    hm_values_t values = {0};
    hm_error_t err = HM_ERROR_NONE;
    const bench_t *bench = NULL;
    output_t csv = {0};
    bool helped = false;
    hm_status_t status = hm_command_options(context, &hm_command_bench, about, options, true, 1,
                                            argc, argv, &settings, &values, &helped);
    if (status != HM_OK) {
        return status;
    }
    if (!helped) {
        status = hm_meet(context, find(&values, &bench, &err), &err);
    }
    if (!helped && status == HM_OK) {
        status = hm_meet(context, open_csv(context, settings.csv, &csv, &err), &err);
    }
    if (!helped && status == HM_OK) {
        status = bench->run(context, &settings, csv.out);
    }
    hm_status_t closed = HM_OK;
    if (csv.out) {
        closed = output_close(&csv, status == HM_OK, &err);
    }
    if (!helped && status == HM_OK) {
        status = hm_meet(context, closed, &err);
    }
    hm_options_free(&values);
    return status;
}

const hm_command_t hm_command_bench = {
    .name = "bench",
    .arguments = "NAME",
    .what = "measures kernels, strategies and I/O on this machine",
    .run = run_bench,
};
