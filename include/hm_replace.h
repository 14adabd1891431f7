/**
 * @file hm_replace.h
 * A file that takes its name only when it is whole: it is written under a temporary name beside it,
 * and renamed. So what was there before stays until then, and nobody sees half a file. A device or
 * a pipe is written directly, and so is what the process has open already (/dev/stdout,
 * /dev/stderr, /dev/fd/N), wherever that goes. Where a link to a file is, that file is replaced.
 * Not collective.
 */
#ifndef HM_REPLACE_H
#define HM_REPLACE_H

#include <stdbool.h>
#include <stdio.h>

#include "hm_error.h"

/** Is there a regular file at `path` that begins as HDF5 files do? */
bool hm_replace_is_hdf5(const char *path);

/** May another kind of file be put in the place of what is at `path`? HM_ECREATE for an HDF5 file:
 * a slip of the pen must not cost a data set. */
hm_status_t hm_replace_check(const char *path, hm_error_t *err);

/** A file under way. Start with {0}; made by hm_replace_open(), ended by hm_replace_close(). */
typedef struct hm_replace_t {
    char *path; /**< owned */
    char *part; /**< the temporary name; NULL: there is none. Owned */
    FILE *out;  /**< to write to, or to its descriptor */
} hm_replace_t;

/** HM_ECREATE: no name, a folder, hm_replace_check(), or it cannot be made; HM_EMISSING: out of
 * memory. */
hm_status_t hm_replace_open(const char *path, hm_replace_t *file, hm_error_t *err);

/**
 * With `keep` forces the file to the disk and gives it its name; without, and on failure, removes
 * what was written. HM_EIO: something could not be written. Frees; does nothing for {0}, and for
 * what was closed already.
 */
hm_status_t hm_replace_close(hm_replace_t *file, bool keep, hm_error_t *err);

#endif
