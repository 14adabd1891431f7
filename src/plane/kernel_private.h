/**
 * @file kernel_private.h
 * What the kernels and their table share. Not for other modules.
 */
#ifndef HM_KERNEL_PRIVATE_H
#define HM_KERNEL_PRIVATE_H

#include "hm_kernel.h"

/** For which processors: see hm_cpu_shares_units(). */
typedef enum hm_units_t { HM_UNITS_ANY, HM_UNITS_APART, HM_UNITS_SHARED } hm_units_t;

/** One kernel: an instruction set and what is done with it. Arguments have been checked. */
struct hm_kernel_t {
    hm_isa_t isa;
    hm_units_t units;
    bool has_channels;
    hm_status_t (*compute)(const hm_kernel_t *kernel, const hm_formula_t *formula,
                           const hm_tile_t *tile, const hm_channels_t *channels, uint64_t *work,
                           const hm_poll_t *poll, hm_error_t *err);
    void (*total)(const uint32_t *counts, int64_t points, uint32_t max_iter, uint64_t *sum,
                  uint64_t *inside);
    double (*ceiling)(const hm_kernel_t *kernel, hm_arith_t arith, double seconds);
};

extern const hm_kernel_t hm_kernel_scalar;
#if defined(__x86_64__)
extern const hm_kernel_t hm_kernel_avx2, hm_kernel_avx2_shared;
extern const hm_kernel_t hm_kernel_avx512, hm_kernel_avx512_shared;
#elif defined(__aarch64__)
extern const hm_kernel_t hm_kernel_neon;
#endif

/** Everything about one point. */
typedef struct hm_point_t {
    double pixel_step; /* in */
    uint32_t count, period;
    float smooth, distance;
} hm_point_t;

/** One point, by the scalar kernel; count alone, or with all channels. */
void hm_scalar_point(const hm_formula_t *formula, double re, double im, bool channels,
                     hm_point_t *point);

/**
 * The period of the attracting cycle that z = x + iy is about to settle on, a divisor of `turn`,
 * where z is known to come back to near itself after `turn` updates; 0 when there is no such cycle.
 * Newton's method finds the cycle, its multiplier decides. The same in every kernel and arithmetic.
 */
uint32_t hm_cycle_period(double x, double y, double cr, double ci, int turn);

/** Stores the channels that are asked for, but not the count. */
static inline void hm_point_store(const hm_point_t *point, const hm_channels_t *channels,
                                  int64_t place) {
    if (channels->smooth) {
        channels->smooth[place] = point->smooth;
    }
    if (channels->distance) {
        channels->distance[place] = point->distance;
    }
    if (channels->period) {
        channels->period[place] = point->period;
    }
}

/** Has the caller asked to give the tile up? */
static inline bool hm_poll_stops(const hm_poll_t *poll) {
    return poll && poll->call && poll->call(poll->context);
}

#endif
