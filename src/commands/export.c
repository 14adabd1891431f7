/* export: pictures of a data set file. */
#include <stddef.h>

#include "commands.h"
#include "export_look.h"

static const char *const about =
    "Makes pictures of a data set file. Rows that are not computed are hatched in grey.";

typedef struct export_settings_t {
    const char *png;
    export_look_t look;
} export_settings_t;

static const hm_option_t options[] = {{.key = "png",
                                       .type = HM_OPTION_TEXT,
                                       .offset = offsetof(export_settings_t, png),
                                       .value = "FILE",
                                       .group = "Output",
                                       .help = "picture to write"},
                                      EXPORT_LOOK_OPTIONS(export_settings_t),
                                      {.key = NULL}};

static hm_status_t export_all(const export_settings_t *settings, const hm_values_t *values,
                              hm_error_t *err) {
    if (values->positional_count != 1) {
        return hm_error_set(err, HM_EUSAGE, "export needs the data set FILE");
    }
    if (!settings->png) {
        return hm_error_set(err, HM_EUSAGE, "export: nothing to make; give --png FILE");
    }
    hm_look_t look;
    hm_status_t status = export_look_resolve(&settings->look, values->positional[0], &look, err);
    if (status != HM_OK) {
        return status;
    }
    return hm_picture_write(values->positional[0], settings->png, &look, err);
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
