/** @file boxes.c See boxes.h. */
#include "boxes.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "reduce.h"

enum { MAP_BITS = 1 << 23 };

struct hm_boxes_t {
    int64_t width, height;
    int64_t row;                    /**< the row of boxes of side 1 that comes next */
    int64_t words;                  /**< of a row of points */
    int base;                       /**< level of the map */
    bool begun, known;              /**< there was a row before, and it was not missing */
    uint64_t *last;                 /**< that row */
    uint64_t *level[HM_BOX_LEVELS]; /**< what is put together of a row of boxes of side 2^level */
    uint64_t count[HM_BOX_LEVELS];
    int64_t map_rows, map_words;
    uint64_t *map; /**< [map_rows][map_words] */
};

/** Boxes of side 2^level beside each other over `points` points. */
static int64_t boxes_over(int64_t points, int level) {
    const int64_t cells = points - 1;
    return cells < 1 ? 0 : (cells + ((int64_t)1 << level) - 1) >> level;
}

static int64_t words_for(int64_t bits) {
    return bits < 1 ? 1 : (bits + 63) / 64;
}

int hm_boxes_base(int64_t width, int64_t height) {
    int base = 0;
    while (boxes_over(height, base) * words_for(boxes_over(width, base)) > MAP_BITS / 64) {
        ++base;
    }
    return base;
}

hm_status_t hm_boxes_make(int64_t width, int64_t height, int64_t first, hm_boxes_t **boxes,
                          hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_boxes_t *made = calloc(1, sizeof *made);
    bool good = made != NULL;
    if (good) {
        made->width = width;
        made->height = height;
        made->row = first;
        made->words = words_for(width);
        made->base = hm_boxes_base(width, height);
        made->map_rows = boxes_over(height, made->base);
        made->map_words = words_for(boxes_over(width, made->base));
        made->last = calloc((size_t)made->words, sizeof *made->last);
        made->map = calloc((size_t)(made->map_rows * made->map_words + 1), sizeof *made->map);
        good = made->last && made->map;
        for (int level = 0; level <= made->base && good; ++level) {
            /* The lowest one as long as a row of points: one point more than boxes. */
            const int64_t words = level == 0 ? made->words : words_for(boxes_over(width, level));
            made->level[level] = calloc((size_t)words, sizeof *made->level[level]);
            good = made->level[level] != NULL;
        }
    }
    if (!good) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for a row of %lld points",
                            (long long)width));
    }
    *boxes = made;
    made = NULL;
cleanup:
    hm_boxes_free(made);
    return status;
}

void hm_boxes_free(hm_boxes_t *boxes) {
    if (!boxes) {
        return;
    }
    for (int level = 0; level < HM_BOX_LEVELS; ++level) {
        free(boxes->level[level]);
    }
    free(boxes->last);
    free(boxes->map);
    free(boxes);
}

/** Bits 0, 2, 4, ... of a word, side by side: Henry Warren's compress by halves. */
static uint64_t even_bits(uint64_t w) {
    w &= 0x5555555555555555u;
    w = (w | w >> 1) & 0x3333333333333333u;
    w = (w | w >> 2) & 0x0f0f0f0f0f0f0f0fu;
    w = (w | w >> 4) & 0x00ff00ff00ff00ffu;
    w = (w | w >> 8) & 0x0000ffff0000ffffu;
    return (w | w >> 16) & 0x00000000ffffffffu;
}

/** Each pair of bits of from[words] to one bit, by or; these are added to `to`. */
static void halve(const uint64_t *from, int64_t words, uint64_t *to) {
    for (int64_t i = 0; i < words; i += 2) {
        const uint64_t low = from[i];
        const uint64_t high = i + 1 < words ? from[i + 1] : 0;
        to[i / 2] |= even_bits(low | low >> 1) | even_bits(high | high >> 1) << 32;
    }
}

/** Most words are empty, and counting bits is a call where the processor may not do it. */
static uint64_t count_bits(const uint64_t *bits, int64_t words) {
    uint64_t count = 0;
    for (int64_t i = 0; i < words; ++i) {
        count += bits[i] ? (uint64_t)__builtin_popcountll(bits[i]) : 0;
    }
    return count;
}

/** The boxes of side 1 between two rows, into row[words]: their four points are not all alike. */
static void mix(const uint64_t *above, const uint64_t *below, int64_t points, uint64_t *row) {
    const int64_t words = words_for(points);
    for (int64_t i = 0; i < words; ++i) {
        const uint64_t some = above[i] | below[i];
        const uint64_t all = above[i] & below[i];
        const bool more = i + 1 < words;
        const uint64_t some_next = some >> 1 | (more ? (above[i + 1] | below[i + 1]) << 63 : 0);
        const uint64_t all_next = all >> 1 | (more ? (above[i + 1] & below[i + 1]) << 63 : 0);
        row[i] = (some | some_next) & ~(all & all_next);
    }
    /* The last point has no neighbour to the right. */
    const int64_t last = points - 1;
    row[last / 64] &= ~((uint64_t)1 << (last % 64));
}

/** A row of boxes of side 1 is in level[0]: counts it, and all larger ones that it completes. */
static void climb(hm_boxes_t *b) {
    for (int level = 0;; ++level) {
        const int64_t words = words_for(boxes_over(b->width, level));
        b->count[level] += count_bits(b->level[level], words);
        if (level == b->base) {
            memcpy(b->map + (b->row >> level) * b->map_words, b->level[level],
                   (size_t)words * sizeof *b->map);
        } else {
            halve(b->level[level], words, b->level[level + 1]);
        }
        memset(b->level[level], 0, (size_t)words * sizeof *b->level[level]);
        const int64_t next = b->row + 1;
        const bool complete = next % ((int64_t)2 << level) == 0 || next == b->height - 1;
        if (level == b->base || !complete) {
            return;
        }
    }
}

void hm_boxes_row(hm_boxes_t *b, const uint64_t *inside) {
    if (b->width > 1 && b->height > 1) {
        if (b->begun) {
            if (b->known && inside) {
                mix(b->last, inside, b->width, b->level[0]);
            }
            climb(b);
            ++b->row;
        }
    }
    b->begun = true;
    b->known = inside != NULL;
    if (inside) {
        memcpy(b->last, inside, (size_t)b->words * sizeof *b->last);
    }
}

/** Rank 0: the sizes above that of the map. */
static void count_map(const hm_boxes_t *b, uint64_t count[HM_BOX_LEVELS], int levels) {
    int64_t rows = b->map_rows;
    int64_t words = b->map_words;
    uint64_t *map = b->map;
    for (int level = b->base; level < levels; ++level) {
        count[level] = count_bits(map, rows * words);
        /* In place: what is written lies before what is still to be read. */
        const int64_t half = words_for(boxes_over(b->width, level + 1));
        for (int64_t row = 0; row < rows; row += 2) {
            uint64_t *to = map + row / 2 * half;
            uint64_t *from = map + row * words;
            for (int64_t i = 0; i < words; ++i) {
                from[i] |= row + 1 < rows ? from[words + i] : 0;
            }
            for (int64_t i = 0; i < words; i += 2) {
                const uint64_t low = from[i];
                const uint64_t high = i + 1 < words ? from[i + 1] : 0;
                const uint64_t one = even_bits(low | low >> 1);
                const uint64_t other = even_bits(high | high >> 1);
                to[i / 2] = one | other << 32;
            }
        }
        rows = boxes_over(b->height, level + 1);
        words = half;
    }
}

hm_status_t hm_boxes_reduce(MPI_Comm comm, hm_boxes_t *boxes, uint64_t count[HM_BOX_LEVELS],
                            int *levels, hm_error_t *err) {
    hm_status_t status = HM_OK;
    int rank = 0;
    const int64_t least = boxes->width < boxes->height ? boxes->width : boxes->height;
    int found = 0;
    while (found < HM_BOX_LEVELS && ((int64_t)1 << found) < least) {
        ++found;
    }
    MPI_Comm_rank(comm, &rank);
    HM_TRY(hm_reduce_sums(comm, boxes->count, boxes->base, err));
    HM_TRY(hm_reduce_bits(comm, boxes->map, boxes->map_rows * boxes->map_words, err));
    if (rank == 0) {
        memset(count, 0, HM_BOX_LEVELS * sizeof *count);
        memcpy(count, boxes->count, (size_t)boxes->base * sizeof *count);
        count_map(boxes, count, found);
        *levels = found;
    }
cleanup:
    return status;
}
