/** @file band.c Cutting rows into bands. */
#include "hm_band.h"

#include <stdlib.h>

static uint8_t state_of(const uint8_t *state, int64_t row) {
    return state != NULL ? state[row] : HM_ROW_TODO;
}

/* Where the next band at or after `row` starts and how long it is; false when nothing is left. */
static int next_band(int64_t height, const uint8_t *state, int64_t sum, int64_t band_rows,
                     int64_t row, hm_band_t *band) {
    while (row < height && state_of(state, row) == HM_ROW_DONE) {
        ++row;
    }
    if (row >= height) {
        return 0;
    }
    const uint8_t kind = state_of(state, row);
    int64_t end = row + 1;
    while (end < height && end - row < band_rows && state_of(state, end) == kind) {
        ++end;
    }
    *band = (hm_band_t){.first = row, .rows = end - row, .twin = -1};
    if (kind == HM_ROW_PAIRED) {
        band->twin = sum - (end - 1);
    }
    return 1;
}

hm_status_t hm_bands_make_paired(int64_t height, const uint8_t *state, int64_t sum,
                                 int64_t band_rows, hm_bands_t *bands, hm_error_t *err) {
    hm_bands_t b = {.band_rows = band_rows};
    hm_band_t band = {.first = 0};
    if (height < 0 || band_rows < 1) {
        return hm_error_set(err, HM_EUSAGE, "cannot cut %lld rows into bands of %lld",
                            (long long)height, (long long)band_rows);
    }
    for (int64_t row = 0; next_band(height, state, sum, band_rows, row, &band);
         row = band.first + band.rows) {
        ++b.count;
    }
    if (b.count > 0) {
        b.band = malloc((size_t)b.count * sizeof *b.band);
        if (b.band == NULL) {
            return hm_error_set(err, HM_EMISSING, "out of memory for %lld bands",
                                (long long)b.count);
        }
    }
    int64_t i = 0;
    for (int64_t row = 0; next_band(height, state, sum, band_rows, row, &band);
         row = band.first + band.rows) {
        b.band[i++] = band;
        b.rows += band.twin >= 0 ? 2 * band.rows : band.rows;
    }
    *bands = b;
    return HM_OK;
}

hm_status_t hm_bands_make(int64_t height, const uint8_t *done, int64_t band_rows, hm_bands_t *bands,
                          hm_error_t *err) {
    return hm_bands_make_paired(height, done, 0, band_rows, bands, err);
}

void hm_bands_free(hm_bands_t *bands) {
    free(bands->band);
    *bands = (hm_bands_t){0};
}

int64_t hm_band_rows_auto(int64_t height, int workers, int64_t row_bytes, int64_t most_bytes) {
    /*
     * Handing out in the order of rows, the last band ends on average half a band after the others
     * could have been done. With this many bands a worker that is below half a percent, even where
     * the last band is as costly as two average ones.
     */
    const int64_t bands_per_worker = 128;
    int64_t bands = bands_per_worker * (workers > 1 ? workers : 1);
    int64_t rows = height / bands;
    /*
     * Handing out and writing a band takes some 50 us whatever its size, as long as a few thousand
     * points: small images get fewer bands, as long as there are some for every worker.
     */
    const int64_t least_bytes = 16384;
    const int64_t least_per_worker = 8;
    int64_t least = row_bytes > 0 ? least_bytes / row_bytes : 1;
    int64_t enough = height / (least_per_worker * (workers > 1 ? workers : 1));
    least = least < enough ? least : enough;
    rows = rows > least ? rows : least;
    int64_t most = row_bytes > 0 ? most_bytes / row_bytes : rows;
    rows = rows < most ? rows : most;
    return rows > 1 ? rows : 1;
}
