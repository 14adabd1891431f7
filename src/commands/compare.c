/* compare: which points of two data set files differ. */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "hm_compare.h"
#include "output.h"

static const char *const about =
    "Compares two data set files of the same view, point by point, in parallel: the channels that\n"
    "both have, in the rows that are done in both. Exit code 0: they are the same; 1: they "
    "differ;\n"
    "65: they cannot be compared, and the message says why.";

typedef struct compare_settings_t {
    const char *json;
    const char *png;
} compare_settings_t;

static const hm_option_t options[] = {
    {.key = "json",
     .type = HM_OPTION_TEXT,
     .offset = offsetof(compare_settings_t, json),
     .value = "[FILE]",
     .alone = "-",
     .group = "Output",
     .help = "write the outcome as JSON; -, or no FILE: to standard output, instead of the text"},
    {.key = "png",
     .type = HM_OPTION_TEXT,
     .offset = offsetof(compare_settings_t, png),
     .value = "FILE",
     .group = "Output",
     .help = "draw where they differ: the first file in grey, what differs from yellow (by 1) to "
             "red (by 2^24)"},
    {.key = NULL}};

/* The lower end of an octave of differences. */
static double octave_from(int octave) {
    return ldexp(1, octave - HM_DIFFERENCE_ONE);
}

static void print_channel(const char *name, const hm_difference_t *d) {
    printf("\nchannel %s: %" PRIu64 " points differ\n", name, d->points);
    if (d->points == 0) {
        return;
    }
    printf("first row %" PRId64 " column %" PRId64 "\n", d->first_row, d->first_column);
    printf("within rows %" PRId64 " to %" PRId64 ", columns %" PRId64 " to %" PRId64 "\n", d->top,
           d->bottom, d->left, d->right);
    if (d->unordered > 0) {
        printf("infinite or not a number in one of them %" PRIu64 "\n", d->unordered);
    }
    if (d->points > d->unordered) {
        printf("difference most %.9g, mean %.9g\n", d->most, d->mean);
        printf("  %16s %16s %16s\n", "from", "to", "points");
        for (int i = 0; i < HM_DIFFERENCE_OCTAVES; ++i) {
            if (d->octave[i] > 0) {
                printf("  %16.9g %16.9g %16" PRIu64 "\n", octave_from(i), octave_from(i + 1),
                       d->octave[i]);
            }
        }
    }
}

/* Settings that do not make other points, but may make other counts. */
static void print_settings(const hm_dataset_info_t info[2]) {
    const hm_formula_t *a = &info[0].formula;
    const hm_formula_t *b = &info[1].formula;
    if (a->max_iter != b->max_iter) {
        printf("max-iter %" PRIu32 " and %" PRIu32 "\n", a->max_iter, b->max_iter);
    }
    if (a->bailout != b->bailout) {
        printf("bailout %.17g and %.17g\n", a->bailout, b->bailout);
    }
    if (a->arith != b->arith) {
        printf("arith %s and %s\n", a->arith == HM_ARITH_FMA ? "fma" : "ieee",
               b->arith == HM_ARITH_FMA ? "fma" : "ieee");
    }
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        if (((info[0].channels ^ info[1].channels) >> channel) & 1u) {
            printf("only the %s has the channel %s\n",
                   (info[0].channels >> channel) & 1u ? "first" : "second",
                   hm_channel_name((hm_channel_t)channel));
        }
    }
}

static void print_text(char **path, const hm_comparison_t *c) {
    printf("files %s\n      %s\n", path[0], path[1]);
    print_settings(c->info);
    printf("rows compared %" PRIu64 ", done in the first only %" PRIu64
           ", in the second only %" PRIu64 "\n",
           c->rows, c->rows_only[0], c->rows_only[1]);
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        if ((c->channels >> channel) & 1u) {
            print_channel(hm_channel_name((hm_channel_t)channel), &c->channel[channel]);
        }
    }
    printf("\n%s\n", c->differ ? "they differ" : "they are the same");
}

static json_t *channel_json(const hm_difference_t *d) {
    json_t *octaves = json_array();
    for (int i = 0; i < HM_DIFFERENCE_OCTAVES; ++i) {
        if (d->octave[i] > 0) {
            json_array_append_new(octaves, json_pack("{s:f, s:f, s:I}", "from", octave_from(i),
                                                     "to", octave_from(i + 1), "points",
                                                     (json_int_t)d->octave[i]));
        }
    }
    json_t *made =
        json_pack("{s:I, s:I, s:f, s:f, s:o}", "differ", (json_int_t)d->points, "unordered",
                  (json_int_t)d->unordered, "most", d->most, "mean", d->mean, "histogram", octaves);
    if (made && d->points > 0) {
        json_object_set_new(
            made, "first",
            json_pack("[I, I]", (json_int_t)d->first_row, (json_int_t)d->first_column));
        json_object_set_new(made, "rows",
                            json_pack("[I, I]", (json_int_t)d->top, (json_int_t)d->bottom));
        json_object_set_new(made, "columns",
                            json_pack("[I, I]", (json_int_t)d->left, (json_int_t)d->right));
    }
    return made;
}

/* "-" is standard output. */
static hm_status_t write_json(const char *to, char **path, const hm_comparison_t *c,
                              hm_error_t *err) {
    json_t *root = json_pack("{s:b, s:I, s:[I, I], s:{}}", "differ", c->differ, "rows",
                             (json_int_t)c->rows, "rows_only", (json_int_t)c->rows_only[0],
                             (json_int_t)c->rows_only[1], "channels");
    json_t *channels = json_object_get(root, "channels");
    for (int channel = 0; root && channel < HM_CHANNEL_COUNT; ++channel) {
        if ((c->channels >> channel) & 1u) {
            json_object_set_new(channels, hm_channel_name((hm_channel_t)channel),
                                channel_json(&c->channel[channel]));
        }
    }
    json_object_set_new(root, "files",
                        json_pack("[o, o]", output_json_text(path[0]), output_json_text(path[1])));
    return output_json(to, root, err);
}

/* Rank 0 alone. */
static hm_status_t deliver(const compare_settings_t *settings, char **path,
                           const hm_comparison_t *comparison, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const char *const files[2] = {path[0], path[1]};
    if (settings->json) {
        HM_TRY(write_json(settings->json, path, comparison, err));
    }
    if (!output_is_stdout(settings->json)) {
        print_text(path, comparison);
    }
    if (settings->png) {
        HM_TRY(hm_compare_picture(files, settings->png, err));
    }
cleanup:
    return status;
}

static hm_status_t compare(const hm_context_t *context, const compare_settings_t *settings,
                           char **path) {
    hm_error_t err = HM_ERROR_NONE;
    const char *const files[2] = {path[0], path[1]};
    hm_comparison_t *comparison = calloc(1, sizeof *comparison);
    hm_status_t status = hm_meet(
        context, comparison ? HM_OK : hm_error_set(&err, HM_EMISSING, "out of memory"), &err);
    if (status == HM_OK) {
        status = hm_meet(context, hm_compare(context->cluster, files, comparison, &err), &err);
    }
    if (status == HM_OK) {
        status = hm_meet(
            context,
            context->cluster->rank == 0 ? deliver(settings, path, comparison, &err) : HM_OK, &err);
    }
    if (status == HM_OK && comparison->differ) {
        status = HM_DIFFERENT;
    }
    free(comparison);
    return status;
}

static hm_status_t check(const hm_context_t *context, const compare_settings_t *settings,
                         const hm_values_t *values, hm_error_t *err) {
    hm_status_t status = HM_OK;
    if (values->positional_count != 2) {
        return hm_error_set(err, HM_EUSAGE, "compare needs two data set files");
    }
    if (context->cluster->rank == 0) {
        HM_TRY(output_check(settings->json, err));
        HM_TRY(output_check(settings->png, err));
    }
cleanup:
    return status;
}

static hm_status_t run_compare(hm_context_t *context, int argc, char **argv) {
    compare_settings_t settings = {0};
    hm_values_t values = {0};
    hm_error_t err = HM_ERROR_NONE;
    bool helped = false;
    hm_status_t status = hm_command_options(context, &hm_command_compare, about, options, false, 2,
                                            argc, argv, &settings, &values, &helped);
    if (status != HM_OK) {
        return status;
    }
    if (!helped) {
        status = hm_meet(context, check(context, &settings, &values, &err), &err);
        if (status == HM_OK) {
            status = compare(context, &settings, values.positional);
        }
    }
    hm_options_free(&values);
    return status;
}

const hm_command_t hm_command_compare = {
    .name = "compare",
    .arguments = "A B",
    .what = "which points of two files differ, how much, where; exit code 1 when they do",
    .run = run_compare,
};
