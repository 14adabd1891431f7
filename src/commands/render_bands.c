/* The rows that are to be computed, as bands: those that are not done, less those that come with
 * the row they mirror. */
#include <stdlib.h>

#include "render.h"

static uint8_t *states_of(const render_plan_t *plan, const uint8_t *good) {
    const hm_mirror_t *mirror = &plan->mirror;
    uint8_t *state = calloc((size_t)plan->grid.height, sizeof *state);
    for (int64_t row = 0; state && good && row < plan->grid.height; ++row) {
        state[row] = good[row] ? HM_ROW_DONE : HM_ROW_TODO;
    }
    /* Where one of the two is done, the other is computed by itself. */
    for (int64_t row = mirror->first; state && row < mirror->first + mirror->pairs; ++row) {
        uint8_t *twin = &state[mirror->sum - row];
        if (state[row] == HM_ROW_TODO && *twin == HM_ROW_TODO) {
            state[row] = HM_ROW_PAIRED;
            *twin = HM_ROW_DONE;
        }
    }
    return state;
}

hm_status_t render_bands(const render_plan_t *plan, const uint8_t *good, int64_t band_rows,
                         hm_bands_t *bands, hm_error_t *err) {
    const int64_t height = plan->grid.height;
    if (plan->mirror.pairs == 0) {
        return hm_bands_make(height, good, band_rows, bands, err);
    }
    uint8_t *state = states_of(plan, good);
    const hm_status_t status =
        state ? hm_bands_make_paired(height, state, plan->mirror.sum, band_rows, bands, err)
              : hm_error_set(err, HM_EMISSING, "out of memory for %lld rows", (long long)height);
    free(state);
    return status;
}
