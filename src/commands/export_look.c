/* How exported pictures look. */
#include "export_look.h"

#include <stddef.h>
#include <string.h>

#include "hm_text.h"

const char *const export_tone_names[] = {"log", "equalized", NULL};

hm_status_t export_check_palette(const char *text, hm_error_t *err) {
    const hm_palette_t *palette = NULL;
    return hm_palette_find(text, &palette, err);
}

static hm_status_t parse_scale(const char *text, int64_t *shrink, hm_error_t *err) {
    if (strncmp(text, "1/", 2) != 0 || hm_text_int(text + 2, 1, 1 << 20, shrink, NULL) != HM_OK) {
        return hm_error_set(err, HM_EUSAGE, "expected 1/N with a whole N, 1 to %d, not '%s'",
                            1 << 20, text);
    }
    return HM_OK;
}

hm_status_t export_check_scale(const char *text, hm_error_t *err) {
    int64_t shrink = 0;
    return parse_scale(text, &shrink, err);
}

hm_status_t export_look_resolve(const export_look_t *options, const char *path, hm_look_t *look,
                                hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_reader_t *reader = NULL;
    hm_dataset_info_t info;
    hm_look_t found = {.palette = options->palette,
                       .tone = (hm_tone_t)options->tone,
                       .relief = options->relief,
                       .ranks = options->ranks};
    HM_TRY(parse_scale(options->scale, &found.shrink, err));
    if (options->region) {
        HM_TRY(hm_reader_open(path, &reader, &info, err));
        status = hm_part_parse(options->region, &info.grid, &found.part, err);
        if (status != HM_OK) {
            hm_error_context(err, "region");
            goto cleanup;
        }
    }
    *look = found;
cleanup:
    hm_reader_close(reader);
    return status;
}
