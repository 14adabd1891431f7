/**
 * @file hm_kernel.h
 * Kernels: escape-time counts of a tile of points, one body for all instruction sets, chosen at run
 * time.
 *
 * The count of a point is the zero-based index n of the first update after which |z| > bailout
 * (computed as x*x + y*y > bailout*bailout, or not a number), or max_iter when none of the first
 * max_iter updates escapes. An update is x' = x*x - y*y + cr, y' = 2*x*y + ci with both right-hand
 * sides from the old x and y, in IEEE double, round to nearest, evaluated left to right without
 * contraction (HM_ARITH_IEEE); or, in HM_ARITH_FMA, x' = fma(x, x, fma(-y, y, cr)), y' = fma(x + x,
 * y, ci), |z|^2 = fma(x, x, y*y). Every kernel gives the bits of the scalar one.
 *
 * Thread-safe: no state outside the arguments. Not collective. Knows neither files nor messages.
 */
#ifndef HM_KERNEL_H
#define HM_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hm_cpu.h"
#include "hm_error.h"

typedef enum hm_arith_t { HM_ARITH_IEEE, HM_ARITH_FMA } hm_arith_t;

typedef enum hm_interior_t {
    HM_INTERIOR_EXACT, /**< short cuts that cannot change a count */
    HM_INTERIOR_NONE   /**< every update is really done */
} hm_interior_t;

/** What is iterated. */
typedef struct hm_formula_t {
    uint32_t max_iter; /**< 1 to 2^32 - 2 */
    double bailout;    /**< escape radius, > 0 */
    hm_arith_t arith;
    hm_interior_t interior;
    bool julia; /**< the point is z0 and c is the constant below; else z0 = 0 and the point is c */
    double julia_re, julia_im;
} hm_formula_t;

/** Points: the product of `width` real parts and `rows` imaginary parts. Borrowed. */
typedef struct hm_tile_t {
    const double *re; /**< [width] */
    int64_t width;
    const double *im; /**< [rows] */
    int64_t rows;
} hm_tile_t;

/**
 * Where results go: arrays [rows][width], row-major, owned by the caller; NULL where a channel is
 * not asked for. Asking for channels changes no count. All of them are the same in every kernel and
 * with every hm_interior_t, bit by bit.
 *
 * Where the count is below max_iter, orbits are followed on past the bailout, until smooth is known
 * to within 1e-6 (of itself, where it exceeds 1: as near as a float can be) and distance to a
 * thousandth; so both do not depend on the bailout. That is for the orbit of the point in double
 * precision: within some 1e-15 of the set's boundary that is another point's. And with Julia
 * constants beyond 1e304, where z^2 overflows early, both are rough. Where an orbit has escaped a
 * bailout below 2 only to come back, and is not far away within 64 updates after max_iter, the
 * channels say inside.
 */
typedef struct hm_channels_t {
    uint32_t *iterations; /**< never NULL */
    float *smooth;        /**< m - log2(log2 |z|) for z after m updates, far away; inside: NAN */
    float *distance;      /**< 2 |z| ln |z| / |dz| in units of `pixel_step`, an estimate of the
                             distance to the set (between a quarter of it and all of it where it is
                             small); inside: 0; INFINITY where a float cannot hold it */
    uint32_t *period;     /**< of the attracting cycle that the orbit is settling on at max_iter,
                             verified by Newton's method; 0 outside, or unknown */
    double pixel_step;    /**< > 0 when distance is asked for */
} hm_channels_t;

/** Called about every millisecond of computing; returning true gives the tile up. `call` may be
 * NULL. */
typedef struct hm_poll_t {
    bool (*call)(void *context);
    void *context;
} hm_poll_t;

typedef struct hm_kernel_t hm_kernel_t;

/** The best kernel usable here, or the one for `isa`: HM_EMISSING when this build or this machine
 * lacks it. */
hm_status_t hm_kernel_best(const hm_kernel_t **kernel);
hm_status_t hm_kernel_find(hm_isa_t isa, const hm_kernel_t **kernel, hm_error_t *err);

hm_isa_t hm_kernel_isa(const hm_kernel_t *kernel);

/** Bit mask (1u << hm_isa_t) of the kernels built into this program, usable here or not. */
uint32_t hm_kernel_built(void);

/** Can this kernel compute channels other than iterations? See each release. */
bool hm_kernel_has_channels(const hm_kernel_t *kernel);

/**
 * Computes a tile. `work` receives, per row, the updates really spent on that row's points ([rows],
 * may be NULL). HM_STOPPED when `poll` asked to give up: then the outputs hold rubbish. HM_EMISSING
 * when out of memory.
 */
hm_status_t hm_kernel_compute(const hm_kernel_t *kernel, const hm_formula_t *formula,
                              const hm_tile_t *tile, const hm_channels_t *channels, uint64_t *work,
                              const hm_poll_t *poll, hm_error_t *err);

/**
 * What `points` counts add up to: `sum` receives the sum of them, `inside` how many are max_iter.
 * In the kernel's instruction set, because it is done of every point of an image.
 */
void hm_kernel_total(const hm_kernel_t *kernel, const uint32_t *counts, int64_t points,
                     uint32_t max_iter, uint64_t *sum, uint64_t *inside);

/**
 * The attainable ceiling of this core now: runs a bare update loop of this kernel's instruction
 * set, without escape tests, for about `seconds`, and returns updates (of points, not vectors) per
 * second.
 */
double hm_kernel_ceiling(const hm_kernel_t *kernel, hm_arith_t arith, double seconds);

#endif
