/**
 * @file build.h
 * The objects of a new data set file, one after the other. Inside src/store only.
 */
#ifndef HM_STORE_BUILD_H
#define HM_STORE_BUILD_H

#include "layout.h"

/** Channels begin at whole pages of this many bytes, or multiples. */
enum { HM_PAGE = 4096 };

/** How the channels of a compressed copy are cut. */
typedef struct hm_chunks_t {
    hsize_t shape[2]; /**< rows, columns */
    unsigned level;   /**< of deflate, 1 to 9 */
} hm_chunks_t;

/**
 * Makes a file at `path`, which must not exist: everything that a plan says, no row done. With
 * `chunks` NULL in the form of hm_dataset_create(), sealed; else with compressed channels, which
 * have no space yet, and without a seal. Serial. Does not force it to the disk; on failure
 * something may be left at `path`. HM_ECREATE, HM_EIO, HM_EBUG.
 */
hm_status_t hm_build(const char *path, const hm_dataset_plan_t *plan, const hm_chunks_t *chunks,
                     hm_error_t *err);

/**
 * Makes a dataset of numbers [rows][columns] (columns 0: of one dimension) with its attributes
 * long_name and units; `fill` and `chunks` may be NULL. The caller closes it. HM_ECREATE.
 */
hm_status_t hm_build_numbers(hid_t file, const char *path, hm_h5_number_t number, int64_t rows,
                             int64_t columns, const void *fill, const hm_chunks_t *chunks,
                             const char *long_name, const char *units, hid_t *made,
                             hm_error_t *err);

/** Attaches a dimension scale. HM_ECREATE. */
hm_status_t hm_build_attach(hid_t dataset, hid_t scale, unsigned dimension, hm_error_t *err);

#endif
