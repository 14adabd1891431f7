/**
 * @file hm_band.h
 * Bands: the rows still to do, cut into pieces of at most `band_rows` consecutive rows. Derived
 * alike on every rank. A band may have a twin: as many rows elsewhere, whose data are those of the
 * band in reversed order, and which are delivered with it.
 */
#ifndef HM_BAND_H
#define HM_BAND_H

#include <stdint.h>

#include "hm_error.h"

typedef struct hm_band_t {
    int64_t first; /**< global row */
    int64_t rows;  /**< 1 .. band_rows */
    int64_t twin;  /**< first row of its twin; -1: it has none */
} hm_band_t;

typedef struct hm_bands_t {
    hm_band_t *band; /**< [count], ascending, owned */
    int64_t count;
    int64_t band_rows; /**< upper bound of rows in a band */
    int64_t rows;      /**< rows in all bands and their twins */
} hm_bands_t;

/**
 * Cuts rows [0, height) where done[row] == 0, of 0 and 1 (`done` NULL: all). HM_EMISSING when out
 * of memory. Free with hm_bands_free().
 */
hm_status_t hm_bands_make(int64_t height, const uint8_t *done, int64_t band_rows, hm_bands_t *bands,
                          hm_error_t *err);

/** What there is to do with a row. */
typedef enum hm_row_state_t {
    HM_ROW_TODO,
    HM_ROW_DONE,  /**< nothing, or it comes with the one whose twin it is */
    HM_ROW_PAIRED /**< to do; row `sum` - row is its twin */
} hm_row_state_t;

/** The same with twins: `state[height]` of hm_row_state_t. The rows of a band have twins all, or
 * none has. */
hm_status_t hm_bands_make_paired(int64_t height, const uint8_t *state, int64_t sum,
                                 int64_t band_rows, hm_bands_t *bands, hm_error_t *err);

void hm_bands_free(hm_bands_t *bands);

/**
 * Rows in a band when the user says "auto": enough bands to balance `workers`, few enough that
 * handing out and writing one cost little, at most `most_bytes` of `row_bytes`-byte rows. At
 * least 1.
 */
int64_t hm_band_rows_auto(int64_t height, int workers, int64_t row_bytes, int64_t most_bytes);

#endif
