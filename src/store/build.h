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

#endif
