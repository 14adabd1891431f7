/**
 * @file place.h
 * Where a new file goes: is it allowed to, is there room, and how does it appear there at once and
 * whole. Knows no HDF5. Inside src/store only; also for copies of data sets.
 */
#ifndef HM_STORE_PLACE_H
#define HM_STORE_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "hm_error.h"

/** A new file on its way. */
typedef struct hm_place_t {
    char final[PATH_MAX];     /**< where it shall be; with links followed when it replaces a file */
    char temporary[PATH_MAX]; /**< where it is made: a hidden name in the same folder */
    char folder[PATH_MAX];
    bool overwrite;
    bool resumable; /**< may the user go on with what is there? */
} hm_place_t;

/** Finds names. HM_ECREATE: something is there already (and `overwrite` is off, or it is no regular
 * file), or there is no such folder, or the path is too long. Creates nothing. `resumable` is only
 * for what is said then. */
hm_status_t hm_place_find(const char *path, bool overwrite, bool resumable, hm_place_t *place,
                          hm_error_t *err);

/** HM_ECREATE when `bytes` more do not fit on the disk (asked only with `room`) or in one file. */
hm_status_t hm_place_check(const hm_place_t *place, int64_t bytes, bool room, hm_error_t *err);

/** Forces the temporary file to the disk, renames it, and forces the folder. Without `overwrite`
 * never replaces anything. HM_ECREATE, HM_EIO. */
hm_status_t hm_place_publish(const hm_place_t *place, hm_error_t *err);

/** Removes the temporary file, if it is there. */
void hm_place_discard(const hm_place_t *place);

#endif
