/** @file create.c A new data set file: may it be made, made, given its name. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "place.h"

enum {
    HEADERS = 1 << 18, /**< about what headers and tables take */
    MOST_ALIGNMENT = 1 << 30
};

/** A plan that can be carried out. */
static hm_status_t check_plan(const hm_dataset_plan_t *plan, hm_error_t *err) {
    const int64_t width = plan->grid.width;
    const int64_t height = plan->grid.height;
    if (width < 1 || height < 1 || width > INT32_MAX || height > INT32_MAX ||
        !(plan->channels & 1u << HM_CHANNEL_ITERATIONS) ||
        plan->channels >= 1u << HM_CHANNEL_COUNT) {
        return hm_error_set(err, HM_EBUG, "a data set of %lld x %lld with channels 0x%x",
                            (long long)width, (long long)height, plan->channels);
    }
    if (width > ((int64_t)1 << 56) / height) {
        return hm_error_set(err, HM_EUSAGE, "%lld x %lld points are more than a file can hold",
                            (long long)width, (long long)height);
    }
    if (plan->alignment < 0 || plan->alignment % HM_PAGE != 0 || plan->alignment > MOST_ALIGNMENT) {
        return hm_error_set(err, HM_EUSAGE,
                            "an alignment of %lld bytes: it must be a multiple of %d, %d at most",
                            (long long)plan->alignment, HM_PAGE, MOST_ALIGNMENT);
    }
    if (plan->configuration && strlen(plan->configuration) > HM_CONFIGURATION) {
        return hm_error_set(err, HM_EUSAGE,
                            "the settings take %zu bytes, more than the file's header holds (%d)",
                            strlen(plan->configuration), HM_CONFIGURATION);
    }
    return HM_OK;
}

int64_t hm_dataset_bytes(const hm_dataset_plan_t *plan) {
    const int64_t channels = hm_layout_channels(plan->channels);
    return plan->grid.width * plan->grid.height * HM_POINT_BYTES * channels +
           (plan->grid.width + plan->grid.height) * 8 + plan->grid.height * (21 + 4 * channels) +
           HEADERS;
}

hm_status_t hm_dataset_create(const char *path, const hm_dataset_plan_t *plan, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_place_t *place = calloc(1, sizeof *place);
    hm_h5_quiet();
    if (!place) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory"));
    }
    HM_TRY(check_plan(plan, err));
    HM_TRY(hm_place_find(path, plan->overwrite, true, place, err));
    HM_TRY(hm_place_check(place, hm_dataset_bytes(plan), !plan->scarce, err));
    status = hm_build(place->temporary, plan, NULL, err);
    if (status == HM_OK) {
        status = hm_place_publish(place, err);
    } else {
        (void)hm_error_context(err, "'%s'", path);
    }
    if (status != HM_OK) {
        hm_place_discard(place);
    }
cleanup:
    free(place);
    return status;
}
