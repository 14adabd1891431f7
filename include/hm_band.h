/**
 * @file hm_band.h
 * Bands: the rows still to do, cut into pieces of at most `band_rows` consecutive rows. Derived
 * alike on every rank.
 */
#ifndef HM_BAND_H
#define HM_BAND_H

#include <stdint.h>

#include "hm_error.h"

typedef struct hm_band_t {
    int64_t first; /**< global row */
    int64_t rows;  /**< 1 .. band_rows */
} hm_band_t;

typedef struct hm_bands_t {
    hm_band_t *band; /**< [count], ascending, owned */
    int64_t count;
    int64_t band_rows; /**< upper bound of rows in a band */
    int64_t rows;      /**< rows in all bands */
} hm_bands_t;

/**
 * Cuts rows [0, height) where done[row] == 0 (`done` NULL: all). HM_EMISSING when out of memory.
 * Free with hm_bands_free().
 */
hm_status_t hm_bands_make(int64_t height, const uint8_t *done, int64_t band_rows, hm_bands_t *bands,
                          hm_error_t *err);
void hm_bands_free(hm_bands_t *bands);

/**
 * Rows in a band when the user says "auto": enough bands to balance `workers`, few enough that
 * handing out and writing one cost little, at most `most_bytes` of `row_bytes`-byte rows. At
 * least 1.
 */
int64_t hm_band_rows_auto(int64_t height, int workers, int64_t row_bytes, int64_t most_bytes);

#endif
