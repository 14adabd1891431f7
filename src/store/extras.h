/**
 * @file extras.h
 * What a data set file holds beside what every one has: fields, and whatever its users have put
 * there. Inside src/store only.
 */
#ifndef HM_STORE_EXTRAS_H
#define HM_STORE_EXTRAS_H

#include "build.h"
#include "h5.h"

/** Paths of objects: [count], each ended by a NUL, one behind the other. Start with {0}; free
 * `text`. */
typedef struct hm_paths_t {
    char *text;
    size_t length;
    int count;
} hm_paths_t;

/** The path behind `path`; NULL: the first one. */
const char *hm_paths_next(const hm_paths_t *paths, const char *path);

/** The bytes that a chunk has, at most. */
enum { HM_CHUNK_BYTES = 1 << 20, HM_CHUNK_ROWS = 64 };

/** Chunks of at most HM_CHUNK_BYTES for `rows` x `columns` numbers of `size` bytes. */
hm_chunks_t hm_chunks_for(int64_t rows, int64_t columns, size_t size, unsigned level);

/**
 * Copies all objects and attributes of one data set file that the other does not have: groups,
 * datasets with their dimension scales, named types, links. Numbers in two dimensions are only
 * made, in compressed chunks, and named in `empty`: their values are the caller's to copy. Not
 * copied: the seal, which is of one file, and references, which point into one. One rank alone; on
 * failure `empty` still has to be freed. HM_EDATA, HM_ECREATE, HM_EMISSING.
 */
hm_status_t hm_extras_copy(hid_t from, hid_t to, unsigned level, hm_paths_t *empty,
                           hm_error_t *err);

#endif
