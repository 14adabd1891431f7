/* export: what else can be made of a data set file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "export_look.h"
#include "export_tiles.h"

static const char *const about =
    "Makes pictures of data set files. Rows that are not computed are hatched in grey.\n"
    "One FILE as a picture (--png) or a tile pyramid that a browser zooms into (--dzi); several\n"
    "FILEs, or a --list of them, as the frames of an animation (--frames).";

enum { MOST_FILES = 100000 };

typedef struct export_settings_t {
    const char *png;
    const char *dzi;
    bool no_page;
    const char *frames;
    const char *list;
    export_look_t look;
} export_settings_t;

#define OPTION(name, kind, member, ...)                                                         \
    {                                                                                           \
        .key = (name), .type = HM_OPTION_##kind, .offset = offsetof(export_settings_t, member), \
        .group = "Output", __VA_ARGS__                                                          \
    }

static const hm_option_t options[] = {
    OPTION("png", TEXT, png, .value = "FILE", .help = "picture to write"),
    OPTION("dzi", TEXT, dzi, .value = "NAME",
           .help = "Deep Zoom pyramid, made by all ranks: NAME.dzi, its tiles in NAME_files/, and "
                   "NAME.html, a page that shows them from the disk"),
    OPTION("no-page", FLAG, no_page, .help = "the pyramid without the page"),
    OPTION("frames", TEXT, frames, .value = "PATTERN",
           .help = "a picture of each FILE, named by PATTERN, such as frame-%04d.png: numbers from "
                   "0, one exposure for all, ranks share the files"),
    OPTION("list", TEXT, list, .value = "FILE",
           .help = "the files of the frames, one path a line, after those on the command line"),
    EXPORT_LOOK_OPTIONS(export_settings_t),
    {.key = NULL}};

/* The files to export: those of the command line, then those of the list. */
typedef struct inputs_t {
    const char **path; /* [count] */
    int count;
    char *text; /* of the list */
} inputs_t;

static void free_inputs(inputs_t *inputs) {
    free(inputs->path);
    free(inputs->text);
}

static hm_status_t read_text(const char *path, char **text, hm_error_t *err) {
    enum { MOST = 1 << 24 };
    hm_status_t status = HM_OK;
    char *buffer = malloc(MOST + 1);
    FILE *file = fopen(path, "r");
    if (!file) {
        HM_TRY(hm_error_errno(err, HM_EUSAGE, errno, "list: cannot read '%s'", path));
    }
    if (!buffer) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory"));
    }
    const size_t length = fread(buffer, 1, MOST + 1, file);
    if (ferror(file)) {
        HM_TRY(hm_error_errno(err, HM_EUSAGE, errno, "list: cannot read '%s'", path));
    }
    if (length > MOST || memchr(buffer, '\0', length)) {
        HM_TRY(hm_error_set(err, HM_EUSAGE, "list: '%s' is no list of files", path));
    }
    buffer[length] = '\0';
    *text = buffer;
    buffer = NULL;
cleanup:
    if (file) {
        fclose(file);
    }
    free(buffer);
    return status;
}

static hm_status_t collect(const export_settings_t *settings, const hm_values_t *values,
                           inputs_t *inputs, hm_error_t *err) {
    hm_status_t status = HM_OK;
    inputs->path = calloc(MOST_FILES, sizeof *inputs->path);
    if (!inputs->path) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory"));
    }
    for (int i = 0; i < values->positional_count; ++i) {
        inputs->path[inputs->count++] = values->positional[i];
    }
    if (settings->list) {
        HM_TRY(read_text(settings->list, &inputs->text, err));
        char *rest = NULL;
        for (char *line = strtok_r(inputs->text, "\r\n", &rest); line;
             line = strtok_r(NULL, "\r\n", &rest)) {
            if (inputs->count == MOST_FILES) {
                HM_TRY(hm_error_set(err, HM_EUSAGE, "more than %d files", MOST_FILES));
            }
            inputs->path[inputs->count++] = line;
        }
    }
    if (inputs->count == 0) {
        HM_TRY(hm_error_set(err, HM_EUSAGE, "export needs the data set FILE"));
    }
    if (!settings->png && !settings->dzi && !settings->frames) {
        HM_TRY(
            hm_error_set(err, HM_EUSAGE, "export: nothing to make; give --png, --dzi or --frames"));
    }
    if (inputs->count > 1 && (settings->png || settings->dzi)) {
        HM_TRY(hm_error_set(err, HM_EUSAGE,
                            "export: --png and --dzi take one FILE; --frames takes several"));
    }
cleanup:
    return status;
}

static hm_status_t write_png(const export_settings_t *settings, const char *path, hm_error_t *err) {
    hm_look_t look;
    hm_status_t status = export_look_resolve(&settings->look, path, &look, err);
    return status == HM_OK ? hm_picture_write(path, settings->png, &look, err) : status;
}

static hm_status_t export_all(const hm_context_t *context, const export_settings_t *settings,
                              const hm_values_t *values) {
    hm_error_t err = HM_ERROR_NONE;
    hm_status_t status = HM_OK;
    inputs_t inputs = {0};
    HM_TRY(hm_meet(context, collect(settings, values, &inputs, &err), &err));
    const char *const path = inputs.path[0];
    if (settings->png) {
        /* One rank streams the rows; the others have nothing to do. */
        const bool draws = context->cluster->rank == 0;
        HM_TRY(hm_meet(context, draws ? write_png(settings, path, &err) : HM_OK, &err));
    }
    if (settings->dzi) {
        HM_TRY(export_tiles(context, path, settings->dzi, &settings->look, settings->no_page));
    }
    if (settings->frames) {
        HM_TRY(
            export_frames(context, inputs.path, inputs.count, settings->frames, &settings->look));
    }
cleanup:
    free_inputs(&inputs);
    return status;
}

static hm_status_t run_export(hm_context_t *context, int argc, char **argv) {
    export_settings_t settings = {0};
    hm_values_t values = {0};
    bool helped = false;
    hm_status_t status = hm_command_options(context, &hm_command_export, about, options, false,
                                            MOST_FILES, argc, argv, &settings, &values, &helped);
    if (status != HM_OK) {
        return status;
    }
    if (!helped) {
        status = export_all(context, &settings, &values);
    }
    hm_options_free(&values);
    return status;
}

const hm_command_t hm_command_export = {
    .name = "export",
    .arguments = "FILE...",
    .what = "makes pictures of data set files",
    .run = run_export,
};
