/*
 * The reference: the textbook loop, one point at a time, nothing clever. Every other kernel is held
 * against it.
 */
#include <math.h>

#include "hm_clock.h"
#include "kernel_private.h"

/* Updates between two polls: about a millisecond. */
static const uint32_t PORTION = 1u << 18;

/* A point's place and constant. */
typedef struct hm_orbit_t {
    double x, y, cr, ci;
} hm_orbit_t;

/* At most `most` updates: the index of the first one that escapes, or `most`. One inlined body for
 * both arithmetics; `fused` is a constant where it is used. */
static inline __attribute__((always_inline)) uint32_t escape_count(hm_orbit_t *orbit, uint32_t most,
                                                                   double limit, bool fused) {
    const double cr = orbit->cr;
    const double ci = orbit->ci;
    double x = orbit->x;
    double y = orbit->y;
    uint32_t n = 0;
    for (; n < most; ++n) {
        double next_x, next_y, square;
        if (fused) {
            next_x = fma(x, x, fma(-y, y, cr));
            next_y = fma(x + x, y, ci);
            square = fma(next_x, next_x, next_y * next_y);
        } else {
            next_x = x * x - y * y + cr;
            next_y = 2.0 * x * y + ci;
            square = next_x * next_x + next_y * next_y;
        }
        x = next_x;
        y = next_y;
        if (!(square <= limit)) { /* greater, or not a number */
            break;
        }
    }
    orbit->x = x;
    orbit->y = y;
    return n;
}

typedef uint32_t (*hm_count_t)(hm_orbit_t *orbit, uint32_t most, double limit);

static uint32_t count_ieee(hm_orbit_t *orbit, uint32_t most, double limit) {
    return escape_count(orbit, most, limit, false);
}

/* fma() of the C library: the same bits without the instruction, slowly. */
static uint32_t count_fma_library(hm_orbit_t *orbit, uint32_t most, double limit) {
    return escape_count(orbit, most, limit, true);
}

#if defined(__x86_64__)
__attribute__((target("fma"))) static uint32_t count_fma_hardware(hm_orbit_t *orbit, uint32_t most,
                                                                  double limit) {
    return escape_count(orbit, most, limit, true);
}
#endif

static hm_count_t counter_for(hm_arith_t arith) {
    if (arith == HM_ARITH_IEEE) {
        return count_ieee;
    }
#if defined(__x86_64__)
    if (hm_cpu_has(HM_ISA_AVX2)) { /* which stands for AVX2 and FMA3 */
        return count_fma_hardware;
    }
#endif
    return count_fma_library;
}

static hm_status_t compute(const hm_formula_t *formula, const hm_tile_t *tile,
                           const hm_channels_t *channels, uint64_t *work, const hm_poll_t *poll,
                           hm_error_t *err) {
    (void)err;
    const hm_count_t count = counter_for(formula->arith);
    const double limit = formula->bailout * formula->bailout;
    const uint32_t max_iter = formula->max_iter;
    uint64_t since_poll = 0;
    for (int64_t row = 0; row < tile->rows; ++row) {
        uint32_t *out = channels->iterations + row * tile->width;
        uint64_t updates = 0;
        for (int64_t column = 0; column < tile->width; ++column) {
            const double re = tile->re[column];
            const double im = tile->im[row];
            hm_orbit_t orbit = formula->julia
                                   ? (hm_orbit_t){re, im, formula->julia_re, formula->julia_im}
                                   : (hm_orbit_t){0.0, 0.0, re, im};
            uint32_t n = 0;
            bool escaped = false;
            while (n < max_iter && !escaped) {
                const uint32_t most = max_iter - n < PORTION ? max_iter - n : PORTION;
                const uint32_t done = count(&orbit, most, limit);
                escaped = done < most;
                n += done;
                since_poll += (uint64_t)done + escaped;
                if (since_poll >= PORTION) {
                    since_poll = 0;
                    if (hm_poll_stops(poll)) {
                        return HM_STOPPED;
                    }
                }
            }
            out[column] = n;
            updates += (uint64_t)n + escaped;
        }
        if (work) {
            work[row] = updates;
        }
    }
    return HM_OK;
}

/* One orbit is one chain of dependent operations, so the loop above is its own ceiling: a point of
 * the set, whose test never fires. */
static double ceiling(hm_arith_t arith, double seconds) {
    const hm_count_t count = counter_for(arith);
    const double start = hm_clock_now();
    double spent = 0.0;
    double updates = 0.0;
    do {
        hm_orbit_t orbit = {0.0, 0.0, -0.1, 0.65};
        updates += count(&orbit, PORTION, 4.0);
        spent = hm_clock_now() - start;
    } while (spent < seconds);
    return updates / spent;
}

const hm_kernel_t hm_kernel_scalar = {
    .isa = HM_ISA_SCALAR,
    .has_channels = false,
    .compute = compute,
    .ceiling = ceiling,
};
