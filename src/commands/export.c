/* export: pictures of a data set file. */
#include <stddef.h>

#include "commands.h"
#include "hm_picture.h"

static const char *const about =
    "Makes pictures of a data set file. Rows that are not computed are hatched in grey.";

typedef struct export_settings_t {
    const char *png;
    const char *palette;
} export_settings_t;

static hm_status_t check_palette(const char *text, hm_error_t *err) {
    const hm_palette_t *palette = NULL;
    return hm_palette_find(text, &palette, err);
}

static const hm_option_t options[] = {{.key = "png",
                                       .type = HM_OPTION_TEXT,
                                       .offset = offsetof(export_settings_t, png),
                                       .value = "FILE",
                                       .group = "Output",
                                       .help = "picture to write"},
                                      {.key = "palette",
                                       .type = HM_OPTION_TEXT,
                                       .offset = offsetof(export_settings_t, palette),
                                       .value = "NAME",
                                       .group = "Output",
                                       .check = check_palette,
                                       .help = "colours of the picture"},
                                      {.key = NULL}};

static hm_status_t export_all(const export_settings_t *settings, const hm_values_t *values,
                              hm_error_t *err) {
    if (values->positional_count != 1) {
        return hm_error_set(err, HM_EUSAGE, "export needs the data set FILE");
    }
    if (!settings->png) {
        return hm_error_set(err, HM_EUSAGE, "export: nothing to make; give --png FILE");
    }
    return hm_picture_write(values->positional[0], settings->png, settings->palette, err);
}

static hm_status_t run_export(hm_context_t *context, int argc, char **argv) {
    export_settings_t settings = {0};
    hm_values_t values = {0};
    hm_error_t err = HM_ERROR_NONE;
    bool helped = false;
    hm_status_t status = hm_command_options(context, &hm_command_export, about, options, false, 1,
                                            argc, argv, &settings, &values, &helped);
    if (status != HM_OK) {
        return status;
    }
    if (!helped) {
        /* One rank streams the rows; the others have nothing to do. */
        hm_status_t mine =
            context->cluster->rank == 0 ? export_all(&settings, &values, &err) : HM_OK;
        status = hm_meet(context, mine, &err);
    }
    hm_options_free(&values);
    return status;
}

const hm_command_t hm_command_export = {
    .name = "export",
    .arguments = "FILE",
    .what = "makes pictures of a data set file",
    .run = run_export,
};
