/** @file crc.h CRC-32 (zlib's) of rows. Inside src/store only. */
#ifndef HM_STORE_CRC_H
#define HM_STORE_CRC_H

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

#endif
