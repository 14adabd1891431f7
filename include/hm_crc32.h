/**
 * @file hm_crc32.h
 * CRC-32 (zlib's) of rows and of what is put together from them. Not collective, no state.
 */
#ifndef HM_CRC32_H
#define HM_CRC32_H

#include <stddef.h>
#include <stdint.h>

/** CRC-32 of `count` 4-byte numbers as little-endian bytes. */
uint32_t hm_crc32_words(const void *words, size_t count);

/** The CRC of an image, row by row. Start with {0, 0}; all rows have the same length. */
typedef struct hm_crc32_joined_t {
    uint32_t crc;
    unsigned long shift; /**< zlib's operator for the length of a row; 0 before the first */
} hm_crc32_joined_t;

/** What follows rows of this CRC (0: none), all of `bytes` bytes. */
hm_crc32_joined_t hm_crc32_joined(uint32_t crc, int64_t bytes);

/** Appends a row of `bytes` bytes with this CRC. */
void hm_crc32_join(hm_crc32_joined_t *joined, uint32_t crc, int64_t bytes);

/** CRC-32 of two pieces, one behind the other, from theirs: `bytes` is the length of the second. */
uint32_t hm_crc32_append(uint32_t first, uint32_t second, int64_t bytes);

#endif
