/* export: what else can be made of a data set file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "commands.h"
#include "export.h"
#include "export_tiles.h"
#include "hm_picture.h"
#include "hm_xdmf.h"

static const char *const about =
    "Makes pictures, sidecars and compressed copies of data set files: all that are asked for, in\n"
    "one call. In pictures, rows that are not computed are hatched in grey.\n"
    "One FILE as a picture (--png) or a tile pyramid that a browser zooms into (--dzi); several\n"
    "FILEs, or a --list of them, as the frames of an animation (--frames). A line says of each "
    "what\n"
    "was made: 'png mandel.png'; of a compressed copy also how small it is.";

enum { MOST_FILES = 100000 };

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
    OPTION("xdmf", TEXT, xdmf, .value = "FILE",
           .help = "sidecar by which ParaView and VisIt open the data set file (.xmf)"),
    OPTION("compress", TEXT, compress, .value = "FILE",
           .help = "copy with compressed channels, made by all ranks and compared with the source; "
                   "it is read as any other, but no run goes on with it"),
    OPTION("level", INT, level, .fallback = "4", .value = "N", .low = 1, .high = 9,
           .help = "of compression: 1 fast, 9 small"),
    OPTION("overwrite", FLAG, overwrite,
           .help = "replace a copy that exists; pictures and sidecars always are"),
    OPTION("quiet", FLAG, quiet, .help = "print nothing but errors"),
    EXPORT_LOOK_OPTIONS(export_settings_t),
    {.key = NULL}};

static void free_inputs(export_inputs_t *inputs) {
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
                           export_inputs_t *inputs, hm_error_t *err) {
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
cleanup:
    return status;
}

/* A picture must not take the place of what it is made of. */
static hm_status_t check_target(const char *source, const char *target, hm_error_t *err) {
    struct stat from;
    struct stat to;
    if (stat(source, &from) == 0 && stat(target, &to) == 0 && from.st_dev == to.st_dev &&
        from.st_ino == to.st_ino) {
        return hm_error_set(err, HM_EUSAGE, "'%s' is the data set file itself", target);
    }
    return HM_OK;
}

static hm_status_t write_picture(const export_settings_t *settings, const char *source,
                                 const char *target, hm_error_t *err) {
    hm_look_t look;
    hm_status_t status = HM_OK;
    HM_TRY(check_target(source, target, err));
    HM_TRY(export_look_resolve(&settings->look, source, &look, err));
    HM_TRY(hm_picture_write(source, target, &look, err));
cleanup:
    return status;
}

/* One rank streams the rows; the others have nothing to do. */
static hm_status_t make_picture(const hm_context_t *context, const export_settings_t *settings,
                                const export_inputs_t *inputs, const char *target) {
    hm_error_t err = HM_ERROR_NONE;
    const bool draws = context->cluster->rank == 0;
    return hm_meet(context, draws ? write_picture(settings, inputs->path[0], target, &err) : HM_OK,
                   &err);
}

static hm_status_t make_tiles(const hm_context_t *context, const export_settings_t *settings,
                              const export_inputs_t *inputs, const char *target) {
    return export_tiles(context, inputs->path[0], target, &settings->look, settings->no_page);
}

static hm_status_t make_frames(const hm_context_t *context, const export_settings_t *settings,
                               const export_inputs_t *inputs, const char *target) {
    return export_frames(context, inputs->path, inputs->count, target, &settings->look);
}

static hm_status_t make_sidecar(const hm_context_t *context, const export_settings_t *settings,
                                const export_inputs_t *inputs, const char *target) {
    (void)settings;
    hm_error_t err = HM_ERROR_NONE;
    hm_status_t status = HM_OK;
    if (context->cluster->rank == 0) {
        status = check_target(inputs->path[0], target, &err);
        if (status == HM_OK) {
            status = hm_xdmf_write(inputs->path[0], target, &err);
        }
    }
    return hm_meet(context, status, &err);
}

static const export_t exports[] = {
    {"png", offsetof(export_settings_t, png), false, make_picture},
    {"dzi", offsetof(export_settings_t, dzi), false, make_tiles},
    {"frames", offsetof(export_settings_t, frames), true, make_frames},
    {"xdmf", offsetof(export_settings_t, xdmf), false, make_sidecar},
    {"compress", offsetof(export_settings_t, compress), false, export_compressed},
};
enum { EXPORTS = sizeof exports / sizeof *exports };

/* The value of the option that asks for one kind, or NULL. */
static const char *target_of(const export_t *export, const export_settings_t *settings) {
    const char *target = NULL;
    memcpy(&target, (const char *)settings + export->target, sizeof target);
    return target;
}

static hm_status_t check_wanted(const export_settings_t *settings, const export_inputs_t *inputs,
                                hm_error_t *err) {
    bool any = false;
    for (int i = 0; i < EXPORTS; ++i) {
        const bool wanted = target_of(&exports[i], settings) != NULL;
        any = any || wanted;
        if (wanted && !exports[i].several && inputs->count > 1) {
            return hm_error_set(err, HM_EUSAGE,
                                "export: --%s takes one FILE; --frames takes several",
                                exports[i].key);
        }
    }
    return any ? HM_OK
               : hm_error_set(err, HM_EUSAGE,
                              "export: nothing to make; give --png, --dzi, --frames, --xdmf or "
                              "--compress");
}

/* A device or a pipe may be where our own output goes: then nothing is put behind the picture. */
static void tell(const export_t *export, const char *target) {
    struct stat made;
    if (stat(target, &made) != 0 || S_ISREG(made.st_mode)) {
        printf("%s %s\n", export->key, target);
    }
}

/* Everything that is wanted, one after the other. */
static hm_status_t export_all(const hm_context_t *context, const export_settings_t *settings,
                              const hm_values_t *values) {
    hm_error_t err = HM_ERROR_NONE;
    export_inputs_t inputs = {0};
    hm_status_t status = HM_OK;
    HM_TRY(hm_meet(context, collect(settings, values, &inputs, &err), &err));
    HM_TRY(hm_meet(context, check_wanted(settings, &inputs, &err), &err));
    for (int i = 0; i < EXPORTS; ++i) {
        const char *target = target_of(&exports[i], settings);
        HM_TRY(target ? exports[i].make(context, settings, &inputs, target) : HM_OK);
        if (target && exports[i].make != export_compressed && !settings->quiet &&
            context->cluster->rank == 0) {
            tell(&exports[i], target);
        }
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
    .what = "pictures, sidecars and compressed copies of data set files",
    .run = run_export,
};
