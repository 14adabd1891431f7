/** @file share.h Which rows a rank analyses. Inside src/analysis only. */
#ifndef HM_ANALYSIS_SHARE_H
#define HM_ANALYSIS_SHARE_H

#include <stdint.h>

/** Rows [first, end). */
typedef struct hm_share_t {
    int64_t first, end;
} hm_share_t;

/** The rank's part of `rows` rows, in order of the ranks; it begins at a multiple of 2^base. */
static inline hm_share_t hm_share_of(int64_t rows, int base, int rank, int size) {
    const int64_t blocks = ((rows - 1) >> base) + 1;
    const int64_t first = (blocks * rank / size) << base;
    const int64_t end = (blocks * (rank + 1) / size) << base;
    return (hm_share_t){first < rows ? first : rows, end < rows ? end : rows};
}

/** Rows read at a time: about 1 MiB of one channel, or one row. */
static inline int64_t hm_share_piece(int64_t width) {
    const int64_t rows = ((int64_t)1 << 20) / (width * 4);
    return rows < 1 ? 1 : rows > 4096 ? 4096 : rows;
}

#endif
