/**
 * @file counts.c See counts.h.
 *
 * Points are looked at by blocks: far from the boundary most are of one count, and all that is
 * summed up follows from it; in the others each point goes into its bin.
 */
#include "counts.h"

#include <stddef.h>
#include <stdlib.h>

#include "histogram.h"
#include "hm_cpu.h"

enum { BLOCK = HM_COUNTS_BLOCK };

/** Points inside have a bin of their own, behind the others. */
static inline int32_t bin_of(const hm_counts_t *p, uint32_t count) {
    return count == p->max_iter ? p->bins : hm_bin_of(count);
}

hm_status_t hm_counts_make(hm_counts_t *points, uint32_t max_iter, hm_error_t *err) {
    const int32_t bins = hm_bins_for(max_iter);
    uint64_t *bin = calloc(2 * ((size_t)bins + 1), sizeof *bin);
    if (!bin) {
        return hm_error_set(err, HM_EMISSING, "out of memory for a histogram");
    }
    *points = (hm_counts_t){.max_iter = max_iter,
                            .avx2 = hm_cpu_has(HM_ISA_AVX2),
                            .least = UINT32_MAX,
                            .bin = bin,
                            .other = bin + bins + 1,
                            .bins = bins};
    return HM_OK;
}

void hm_counts_join(hm_counts_t *points) {
    for (int32_t i = 0; i < points->bins; ++i) {
        points->bin[i] += points->other[i];
        points->other[i] = 0;
    }
}

/** Which of `count` points (at most BLOCK) are inside, as bits. */
static uint64_t inside_bits(const uint32_t *counts, int64_t count, uint32_t max_iter) {
    uint8_t equal[BLOCK] = {0};
    uint64_t bits = 0;
    for (int64_t i = 0; i < count; ++i) {
        equal[i] = counts[i] == max_iter;
    }
    for (int i = 0; i < BLOCK / 8; ++i) {
        /* Eight bytes of 0 or 1 to eight bits: each is shifted to its place in the highest byte. */
        uint64_t bytes = 0;
        for (int k = 0; k < 8; ++k) {
            bytes |= (uint64_t)equal[8 * i + k] << (8 * k);
        }
        bits |= (bytes * 0x0102040810204080u >> 56) << (8 * i);
    }
    return bits;
}

/** Whether all points of a block have the first one's count. */
static bool is_uniform(const uint32_t *counts) {
    uint32_t differs = 0;
    for (int i = 1; i < BLOCK; ++i) {
        differs |= counts[i] ^ counts[0];
    }
    return differs == 0;
}

static void add_ends(hm_counts_t *p, uint32_t least, uint32_t most) {
    if (least < p->max_iter) {
        p->least = least < p->least ? least : p->least;
        p->most = most > p->most ? most : p->most;
    }
}

/** Points of one count. */
static inline void add_equal(hm_counts_t *p, uint32_t count, uint64_t points) {
    p->sum += count * points;
    p->bin[bin_of(p, count)] += points;
    add_ends(p, count, count);
}

/** A block of points that are not all alike. Returns -1, or the first one that cannot be. */
static int64_t add_mixed(hm_counts_t *p, const uint32_t *counts, int64_t count) {
    uint64_t sum = 0;
    uint32_t least = UINT32_MAX;
    uint32_t most = 0;
    uint32_t largest = 0;
    for (int64_t i = 0; i < count; ++i) {
        const uint32_t c = counts[i];
        /* In a loop of its own that vectors can do. */
        const uint32_t outside = c == p->max_iter ? 0 : c;
        sum += c;
        least = c < least ? c : least;
        most = outside > most ? outside : most;
        largest = c > largest ? c : largest;
    }
    for (int64_t i = 0; i < count && largest > p->max_iter; ++i) {
        if (counts[i] > p->max_iter) {
            return i;
        }
    }
    for (int64_t i = 0; i < count; ++i) {
        ++p->bin[bin_of(p, counts[i])];
    }
    p->sum += sum;
    add_ends(p, least, most);
    return -1;
}

/** Points [column, width), by blocks. */
static int64_t add_from(hm_counts_t *p, const uint32_t *counts, int64_t column, int64_t width,
                        uint64_t *inside) {
    for (; column < width; column += BLOCK) {
        const uint32_t *block = counts + column;
        const int64_t left = width - column;
        const int64_t count = left < BLOCK ? left : BLOCK;
        if (count == BLOCK && block[0] <= p->max_iter && is_uniform(block)) {
            add_equal(p, block[0], BLOCK);
            inside[column / BLOCK] = block[0] == p->max_iter ? ~(uint64_t)0 : 0;
            continue;
        }
        const int64_t bad = add_mixed(p, block, count);
        if (bad >= 0) {
            return column + bad;
        }
        inside[column / BLOCK] = inside_bits(block, count, p->max_iter);
    }
    return -1;
}

void hm_counts_inside(const uint32_t *counts, int64_t width, uint32_t max_iter, uint64_t *inside) {
    for (int64_t column = 0; column < width; column += BLOCK) {
        const int64_t left = width - column;
        inside[column / BLOCK] =
            inside_bits(counts + column, left < BLOCK ? left : BLOCK, max_iter);
    }
}

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

/** Sums under way over the mixed blocks of a row. */
typedef struct lanes_t {
    __m256i sum, least, most;
} lanes_t;

/** The largest or smallest of eight. */
AVX2 static uint32_t extreme(__m256i lanes, bool largest) {
    uint32_t value[8];
    _mm256_storeu_si256((__m256i *)value, lanes);
    uint32_t found = value[0];
    for (int i = 1; i < 8; ++i) {
        found = (value[i] > found) == largest ? value[i] : found;
    }
    return found;
}

/** Eight points of a mixed block: mostly of one count, too. */
AVX2 static inline void add_eight(hm_counts_t *p, const uint32_t *counts, __m256i v) {
    const __m256i first = _mm256_broadcastd_epi32(_mm256_castsi256_si128(v));
    if (_mm256_movemask_epi8(_mm256_cmpeq_epi32(v, first)) == -1) {
        p->bin[bin_of(p, counts[0])] += 8;
        return;
    }
    /* By turns into two tables: a processor waits where one bin is counted up twice in a row. */
    for (int i = 0; i < 8; i += 2) {
        ++p->bin[bin_of(p, counts[i])];
        ++p->other[bin_of(p, counts[i + 1])];
    }
}

/** A whole block that is not of one count. false: a count that cannot be. */
AVX2 static inline bool add_block(hm_counts_t *p, lanes_t *lanes, const uint32_t *counts,
                                  const __m256i v[BLOCK / 8], uint64_t *inside) {
    const __m256i max_iter = _mm256_set1_epi32((int32_t)p->max_iter);
    const __m256i low = _mm256_set1_epi64x(UINT32_MAX);
    __m256i largest = v[0];
    uint64_t bits = 0;
    for (int k = 1; k < BLOCK / 8; ++k) {
        largest = _mm256_max_epu32(largest, v[k]);
    }
    if (_mm256_movemask_epi8(_mm256_cmpeq_epi32(_mm256_max_epu32(largest, max_iter), max_iter)) !=
        -1) {
        return false;
    }
    for (int k = 0; k < BLOCK / 8; ++k) {
        const __m256i equal = _mm256_cmpeq_epi32(v[k], max_iter);
        const uint32_t mask = (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(equal));
        bits |= (uint64_t)mask << (8 * k);
        lanes->sum = _mm256_add_epi64(lanes->sum, _mm256_and_si256(v[k], low));
        lanes->sum = _mm256_add_epi64(lanes->sum, _mm256_srli_epi64(v[k], 32));
        lanes->least = _mm256_min_epu32(lanes->least, v[k]);
        lanes->most = _mm256_max_epu32(lanes->most, _mm256_andnot_si256(equal, v[k]));
        add_eight(p, counts + 8 * k, v[k]);
    }
    *inside = bits;
    return true;
}

AVX2 static int64_t add_avx2(hm_counts_t *p, const uint32_t *counts, int64_t width,
                             uint64_t *inside) {
    lanes_t lanes = {_mm256_setzero_si256(), _mm256_set1_epi32(-1), _mm256_setzero_si256()};
    uint64_t sum[4];
    int64_t column = 0;
    for (; column + BLOCK <= width; column += BLOCK) {
        const uint32_t *block = counts + column;
        const __m256i first = _mm256_set1_epi32((int32_t)block[0]);
        __m256i v[BLOCK / 8];
        __m256i differs = _mm256_setzero_si256();
        for (int k = 0; k < BLOCK / 8; ++k) {
            v[k] = _mm256_loadu_si256((const __m256i *)(block + 8 * (ptrdiff_t)k));
            differs = _mm256_or_si256(differs, _mm256_xor_si256(v[k], first));
        }
        if (block[0] <= p->max_iter && _mm256_testz_si256(differs, differs)) {
            add_equal(p, block[0], BLOCK);
            inside[column / BLOCK] = block[0] == p->max_iter ? ~(uint64_t)0 : 0;
        } else if (!add_block(p, &lanes, block, v, &inside[column / BLOCK])) {
            break; /* who it is, the plain way finds out */
        }
    }
    _mm256_storeu_si256((__m256i *)sum, lanes.sum);
    p->sum += sum[0] + sum[1] + sum[2] + sum[3];
    add_ends(p, extreme(lanes.least, false), extreme(lanes.most, true));
    return add_from(p, counts, column, width, inside);
}

#endif

int64_t hm_counts_add(hm_counts_t *points, const uint32_t *counts, int64_t width,
                      uint64_t *inside) {
#if defined(__x86_64__)
    if (points->avx2) {
        return add_avx2(points, counts, width, inside);
    }
#endif
    return add_from(points, counts, 0, width, inside);
}
