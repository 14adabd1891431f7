/**
 * @file kernel_total.h
 * What counts add up to. Every kernel compiles this for its own instruction set.
 */
#ifndef HM_KERNEL_TOTAL_H
#define HM_KERNEL_TOTAL_H

#include <stdbool.h>
#include <stdint.h>

/* Loops of 32-bit additions alone, which every instruction set has side by side: the halves of the
 * counts are summed apart, and so few at a time that no sum overflows. */
static void hm_total(const uint32_t *counts, int64_t points, uint32_t max_iter, uint64_t *sum,
                     uint64_t *inside) {
    enum { PIECE = 1 << 16 };
    const bool small = max_iter <= 0xffffU; /* then there is no upper half */
    uint64_t all = 0;
    uint64_t most = 0;
    for (int64_t at = 0; at < points; at += PIECE) {
        const int64_t end = points - at < PIECE ? points : at + PIECE;
        uint32_t low = 0;
        uint32_t high = 0;
        uint32_t equal = 0;
        for (int64_t k = at; small && k < end; ++k) {
            low += counts[k];
            equal += counts[k] == max_iter;
        }
        for (int64_t k = at; !small && k < end; ++k) {
            low += counts[k] & 0xffffU;
            high += counts[k] >> 16;
            equal += counts[k] == max_iter;
        }
        all += low + ((uint64_t)high << 16);
        most += equal;
    }
    *sum = all;
    *inside = most;
}

/* The updates that the counts stand for. */
static inline uint64_t hm_updates_of(const uint32_t *counts, int64_t points, uint32_t max_iter) {
    uint64_t sum = 0;
    uint64_t inside = 0;
    hm_total(counts, points, max_iter, &sum, &inside);
    return sum + (uint64_t)points - inside;
}

#endif
