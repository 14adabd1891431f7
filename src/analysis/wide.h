/**
 * @file wide.h
 * Whole numbers of 128 bits: sums over all pixels of a file as large as there may be, exact, so
 * that they do not depend on who added what. Inside src/analysis only.
 */
#ifndef HM_ANALYSIS_WIDE_H
#define HM_ANALYSIS_WIDE_H

#include <stdint.h>

/** As it travels: two words, the lower one first. */
typedef struct hm_wide_t {
    uint64_t low, high;
} hm_wide_t;

static inline void hm_wide_add(hm_wide_t *sum, hm_wide_t more) {
    sum->low += more.low;
    sum->high += more.high + (sum->low < more.low ? 1 : 0);
}

/** Adds a * b. */
static inline void hm_wide_add_product(hm_wide_t *sum, uint64_t a, uint64_t b) {
    const uint64_t a0 = a & UINT32_MAX;
    const uint64_t a1 = a >> 32;
    const uint64_t b0 = b & UINT32_MAX;
    const uint64_t b1 = b >> 32;
    const uint64_t middle = a1 * b0 + (a0 * b0 >> 32);
    const uint64_t other = a0 * b1 + (middle & UINT32_MAX);
    hm_wide_add(sum, (hm_wide_t){a * b, a1 * b1 + (middle >> 32) + (other >> 32)});
}

/** The nearest double, but for the last bit. */
static inline double hm_wide_real(hm_wide_t wide) {
    return (double)wide.high * 18446744073709551616.0 + (double)wide.low;
}

/** Seconds as whole picoseconds, and back. `seconds` is at least 0 and below HM_MOST_SECONDS. */
#define HM_MOST_SECONDS 1e12
static inline void hm_wide_add_seconds(hm_wide_t *sum, double seconds) {
    const uint64_t whole = (uint64_t)seconds;
    hm_wide_add_product(sum, whole, 1000000000000u);
    hm_wide_add_product(sum, (uint64_t)((seconds - (double)whole) * 1e12 + 0.5), 1);
}

static inline double hm_wide_seconds(hm_wide_t wide) {
    return hm_wide_real(wide) * 1e-12;
}

#endif
