/**
 * @file kernel_body.h
 * The vector kernel, one body for all instruction sets: a vector_*.h before it defines the vectors,
 * and HM_KERNEL_NAME, HM_KERNEL_ISA the kernel that it makes; with HM_KERNEL_NAME_SHARED also one
 * for processors whose units add and multiply (FORM_FUSED in kernel_update.h).
 *
 * A point's way:
 *
 * 1. Prelude. Neighbouring points, one vector after the other, make their first updates with every
 *    update tested. Most points of most views end here, and are written side by side.
 * 2. Flight. Survivors wait in a pool; V_FLIGHT vectors take them from it and make blocks of
 *    updates without any test in between. One test at the end suffices: where |c| < B^2 - B,
 *    |z| > B entails |z^2 + c| >= |z|^2 - |c| > B, so who has escaped stays escaped (infinity and
 *    not-a-number count as escaped). The states at the start of every round of 8 updates are kept.
 * 3. Replay. Lanes found escaped leave with the last such state that had not, and are packed into
 *    full vectors, which repeat one round with every update tested: the exact count. Their lanes
 *    take the next points.
 *
 * Where derivatives are wanted and most updates are of points that stay, points fly without them
 * first, and those that escape fly again with them (kernel_scout.h).
 *
 * A lane that reaches max_iter within a block needs no care: whatever is found at or beyond
 * max_iter is reported as max_iter.
 *
 * Points for which the argument of 2 fails (bailout below 2, or |c| = bailout = 2 within rounding)
 * go to a second flight, the careful one, whose blocks test every update.
 *
 * Short cuts (HM_INTERIOR_EXACT): points well inside the cardioid or the disc of period 2 are
 * recognised before the first update (known_inside() in kernel_known.h). Of those that fly, orbits
 * that repeat exactly are found (find_cycles() in kernel_flight.h), and, long before, orbits that
 * provably stay within small discs (kernel_trap.h; kernel_settle.h where
 * periods are asked for).
 */
#ifndef HM_KERNEL_BODY_H
#define HM_KERNEL_BODY_H

#include <stddef.h>
#include <stdlib.h>

#include "hm_clock.h"
#include "kernel_prelude.h"

/* --- the tile -------------------------------------------------------------------------------- */

/* The rectangle that holds the tile. */
typedef struct bounds_t {
    double re_least, re_most, im_least, im_most;
} bounds_t;

static void widen(const double *values, int64_t count, double *least, double *most) {
    *least = INFINITY;
    *most = -INFINITY;
    for (int64_t k = 0; k < count; ++k) {
        *least = values[k] < *least ? values[k] : *least;
        *most = values[k] > *most ? values[k] : *most;
    }
}

/* Where is one test a block enough, and where may the mixed form be used? See the top of the file
 * and kernel_update.h. `nearly` covers rounding: some 1e-15 relative. */
static void choose(body_t *b, const hm_formula_t *formula, const hm_tile_t *tile,
                   const hm_channels_t *channels) {
    const double bailout = formula->bailout;
    const double nearly = 1e-9;
    b->formula = formula;
    b->level = channels->distance ? LEVEL_DISTANCE : channels->smooth ? LEVEL_SMOOTH : LEVEL_COUNT;
    b->far = far_square(formula);
    b->far_first = far_first(formula);
    b->far_most = (double)formula->max_iter + HM_FAR_PATIENCE;
    b->unit = finish_unit(channels->pixel_step);
    b->prelude_longest =
        b->level > LEVEL_COUNT ? PRELUDE_MOST + HM_FAR_PATIENCE + 4 : PRELUDE_MOST + 1;
    b->limit = bailout * bailout;
    b->exact = formula->interior == HM_INTERIOR_EXACT;
    const bool huge = !(b->limit <= 0x1p1000);
    const double reach = bailout * bailout - bailout - nearly * bailout;
    double small = 0x1p-900;
    b->surely = INFINITY;
    b->no_more = INFINITY;
    b->all_careful = huge || bailout < 1.0 + 1e-6;
    if (formula->julia) {
        const double size = hypot(formula->julia_re, formula->julia_im);
        b->all_careful = b->all_careful || !(size <= reach);
        small = fabs(formula->julia_im) >= 0x1p-900 ? INFINITY : 0.0;
    } else {
        /* From z = 0 and with a bailout of at least 2, more holds: whoever escapes at c itself has
         * |z| >= |c| > 2, so |z^2 + c| >= |z| (|z| - 1) > |z|. */
        if (bailout < 2.0 * (1.0 + nearly)) {
            b->surely = reach * fabs(reach);
            b->no_more = bailout >= 2.0 ? 4.0 * (1.0 + nearly) * (1.0 + nearly) : INFINITY;
        }
        for (int64_t k = 0; k < tile->rows; ++k) {
            const double size = fabs(tile->im[k]);
            small = size > 0.0 && size < small ? 0.0 : small;
        }
    }
    bounds_t bounds;
    widen(tile->re, tile->width, &bounds.re_least, &bounds.re_most);
    widen(tile->im, tile->rows, &bounds.im_least, &bounds.im_most);
    const double re = fmax(bounds.re_most, -bounds.re_least);
    const double im = fmax(bounds.im_most, -bounds.im_least);
    const double largest = re * re + im * im;
    b->knowable = !formula->julia && bailout >= 2.0;
    b->known = b->exact && b->knowable && bounds.re_most > -1.26 && bounds.re_least < 0.38 &&
               bounds.im_most > -0.66 && bounds.im_least < 0.66;
    b->may_board_raw = !b->all_careful && tile->width >= 4 * V_LANES &&
                       (formula->julia || largest < b->surely * (1.0 - nearly));
    /* With channels no first z may be far away: only a prelude, or the scalar kernel, asks. */
    const double first_most = formula->julia ? b->far : b->far_first;
    b->may_board_raw =
        b->may_board_raw && (b->level == LEVEL_COUNT || largest < first_most * (1.0 - nearly));
    b->from_c = b->level == LEVEL_COUNT && !formula->julia && largest < b->limit * (1.0 - nearly);
    b->left_first = (double)formula->max_iter - b->from_c;
    b->form_tested = formula->arith == HM_ARITH_FMA ? FORM_FMA : FORM_PLAIN;
    b->form_scout = formula->arith == HM_ARITH_FMA ? FORM_FMA
                    : small == 0.0 || huge         ? FORM_PLAIN
                                                   : b->mixed;
    b->form =
        formula->arith != HM_ARITH_FMA && b->level == LEVEL_DISTANCE ? FORM_PLAIN : b->form_scout;
    b->traps = b->exact && bailout >= 2.0;
    b->suits_channels = !b->all_careful && b->limit <= HM_LIMIT_MOST &&
                        far_step(formula) == HM_FAR_STEP && (formula->julia || bailout >= 2.0);
    b->sweeps = !formula->julia && !b->all_careful &&
                formula->max_iter > (uint32_t)b->prelude_longest &&
                (b->level == LEVEL_COUNT ? b->form_scout != FORM_PLAIN : b->suits_channels);
}

static hm_status_t compute_portion(body_t *b) {
    hm_status_t status = HM_OK;
    const double add = b->formula->julia ? 0.0 : 1.0;
    flight_clear(&b->fast, b->limit, add, false, b->level == LEVEL_DISTANCE);
    flight_clear(&b->careful, b->limit, add, true, false);
    b->scout.scout = false;
    if (b->level == LEVEL_DISTANCE) {
        flight_clear(&b->scout, b->limit, add, false, false);
        b->scout.scout = true;
    }
    b->next = b->level == LEVEL_DISTANCE ? &b->scout : &b->fast;
    b->flown = b->stayed = 0.0;
    b->patience = 4;
    b->prepared = b->early = b->finished = 0;
    b->raw = 0;
    while (b->at < b->points) {
        if (b->raw <= 0) {
            prelude(b);
        }
        HM_TRY(fly_on(b, &b->fast, false));
        if (b->scout.scout) {
            HM_TRY(fly_on(b, &b->scout, false));
        }
        HM_TRY(fly_on(b, &b->careful, false));
        if (asked_to_stop(b)) {
            status = HM_STOPPED;
            goto cleanup;
        }
    }
    if (b->scout.scout) {
        HM_TRY(fly_on(b, &b->scout, true));
    }
    HM_TRY(fly_on(b, &b->fast, true));
    HM_TRY(fly_on(b, &b->careful, true));
    while (b->replay.count > 0) {
        replay(b);
    }
    while (b->periods.count > 0) {
        find_periods(b);
    }
cleanup:
    return status;
}

/* The tile in one pass, for which choose() has decided. */
static hm_status_t compute_pass(body_t *b, const hm_tile_t *tile, const hm_channels_t *channels,
                                uint64_t *work) {
    hm_status_t status = HM_OK;
    /* A portion's points are told apart by whole numbers far below 2^53. */
    const int64_t rows_most = (INT64_C(1) << 40) / tile->width;
    for (int64_t row = 0; row < tile->rows; row += rows_most) {
        const int64_t rows = tile->rows - row < rows_most ? tile->rows - row : rows_most;
        const int64_t first = row * tile->width;
        b->re = tile->re;
        b->im = tile->im + row;
        b->width = tile->width;
        b->points = rows * tile->width;
        b->out = (hm_channels_t){
            .iterations = channels->iterations + first,
            .smooth = channels->smooth ? channels->smooth + first : NULL,
            .distance = channels->distance ? channels->distance + first : NULL,
            .period = channels->period ? channels->period + first : NULL,
            .pixel_step = channels->pixel_step,
        };
        b->saved = work ? work + row : NULL;
        for (int64_t k = 0; work && k < rows; ++k) {
            work[row + k] = 0; /* what is saved, at first */
        }
        b->at = b->row = b->column = 0;
        HM_TRY(compute_portion(b));
        for (int64_t k = 0; work && k < rows; ++k) {
            work[row + k] = hm_updates_of(b->out.iterations + k * tile->width, tile->width,
                                          b->formula->max_iter) -
                            work[row + k];
        }
    }
cleanup:
    return status;
}

static hm_status_t compute_points(const hm_formula_t *formula, const hm_tile_t *tile,
                                  const hm_channels_t *channels, uint64_t *work,
                                  const hm_poll_t *poll) {
    return hm_kernel_scalar.compute(&hm_kernel_scalar, formula, tile, channels, work, poll, NULL);
}

/*
 * Smooth and distance do not depend on the bailout, apart from where they are NAN and 0: beyond any
 * bailout that suits the flights, orbits are followed until they are far away. So where the one
 * asked for does not suit, another one makes these channels, and then the one asked for the counts.
 */
static hm_status_t compute_two_passes(body_t *b, const hm_formula_t *formula, const hm_tile_t *tile,
                                      const hm_channels_t *channels, uint64_t *work,
                                      hm_error_t *err) {
    hm_status_t status = HM_OK;
    const int64_t points = tile->width * tile->rows;
    const double size = formula->julia ? hypot(formula->julia_re, formula->julia_im) : 2.0;
    hm_formula_t other = *formula;
    hm_channels_t first = *channels;
    uint32_t *counts = malloc((size_t)points * sizeof *counts);
    uint64_t *first_work = malloc((size_t)tile->rows * sizeof *first_work);
    if (!counts || !first_work) {
        status = hm_error_set(err, HM_EMISSING, "out of memory for a tile's channels");
        goto cleanup;
    }
    other.bailout = fmax(2.5, 1.01 * (0.5 + sqrt(0.25 + size)));
    other.max_iter = formula->max_iter < UINT32_MAX - 1 - HM_FAR_PATIENCE
                         ? formula->max_iter + HM_FAR_PATIENCE
                         : UINT32_MAX - 1;
    choose(b, &other, tile, &first);
    if (!b->suits_channels) {
        status = compute_points(formula, tile, channels, work, b->poll);
        goto cleanup;
    }
    b->far_most = (double)formula->max_iter + HM_FAR_PATIENCE;
    first.iterations = counts;
    first.period = NULL;
    HM_TRY(compute_pass(b, tile, &first, first_work));
    const hm_channels_t second = {.iterations = channels->iterations, .period = channels->period};
    choose(b, formula, tile, &second);
    HM_TRY(compute_pass(b, tile, &second, work));
    const hm_channels_t inside = {.smooth = channels->smooth, .distance = channels->distance};
    for (int64_t k = 0; k < points; ++k) {
        if (channels->iterations[k] == formula->max_iter) {
            clear_channels(&inside, k, 1, points);
        }
    }
    for (int64_t row = 0; work && row < tile->rows; ++row) {
        work[row] += first_work[row];
    }
cleanup:
    free(counts);
    free(first_work);
    return status;
}

/* What is read before it is written. Most of a body is written first, so it is not cleared: that
 * would cost as much as some thousand points. */
static void body_clear(body_t *b) {
    points_t *const queues[] = {&b->replay, &b->periods};
    memset(b, 0, offsetof(body_t, replay));
    for (int k = 0; k < 2; ++k) {
        queues[k]->first = queues[k]->count = 0;
        for (int field = 0; field < FIELDS; ++field) {
            memset(queues[k]->field[field], 0, LANES_TESTED * sizeof(double));
        }
    }
}

/* The form of strict updates that suits the kernel's processors. */
static form_t mixed_for(const hm_kernel_t *kernel) {
    return kernel->units == HM_UNITS_SHARED ? FORM_FUSED : FORM_MIXED;
}

/* The working set, some 100 KiB, is on the stack: what is allocated anew for every tile is given
 * back and mapped anew every time, which shows. */
static hm_status_t compute(const hm_kernel_t *kernel, const hm_formula_t *formula,
                           const hm_tile_t *tile, const hm_channels_t *channels, uint64_t *work,
                           const hm_poll_t *poll, hm_error_t *err) {
    body_t body;
    body_t *b = &body;
    if (tile->width == 0 || tile->rows == 0) {
        return HM_OK;
    }
    body_clear(b);
    b->mixed = mixed_for(kernel);
    b->poll = poll;
    choose(b, formula, tile, channels);
    if (b->level > LEVEL_COUNT && !b->suits_channels) {
        return compute_two_passes(b, formula, tile, channels, work, err);
    }
    return compute_pass(b, tile, channels, work);
}

/* --- ceiling --------------------------------------------------------------------------------- */

/* The updates of fly(), nothing else. */
HM_INLINE void bare(group_t *wing, int steps, form_t form) {
    v_double_t x[V_FLIGHT], y[V_FLIGHT];
    HM_UNROLL for (int g = 0; g < V_FLIGHT; ++g) {
        x[g] = v_load(wing[g].x);
        y[g] = v_load(wing[g].y);
    }
    for (int step = 0; step < steps; step += ROUND) {
        fly_round(x, y, wing, form);
    }
    HM_UNROLL for (int g = 0; g < V_FLIGHT; ++g) {
        v_store(wing[g].x, x[g]);
        v_store(wing[g].y, y[g]);
    }
}

static __attribute__((noinline)) void bare_mixed(group_t *wing, int steps) {
    bare(wing, steps, FORM_MIXED);
}
static __attribute__((noinline)) void bare_fused(group_t *wing, int steps) {
    bare(wing, steps, FORM_FUSED);
}
static __attribute__((noinline)) void bare_fma(group_t *wing, int steps) {
    bare(wing, steps, FORM_FMA);
}

static double ceiling(const hm_kernel_t *kernel, hm_arith_t arith, double seconds) {
    enum { STEPS = 1 << 14 };
    group_t wing[V_FLIGHT] = {0};
    for (int k = 0; k < V_FLIGHT * V_LANES; ++k) { /* points of the set */
        wing[k / V_LANES].cr[k % V_LANES] = -0.1 - 0.001 * k;
        wing[k / V_LANES].ci[k % V_LANES] = 0.6;
    }
    double updates = 0.0;
    double spent = 0.0;
    const double start = hm_clock_now();
    do {
        if (arith == HM_ARITH_FMA) {
            bare_fma(wing, STEPS);
        } else if (mixed_for(kernel) == FORM_FUSED) {
            bare_fused(wing, STEPS);
        } else {
            bare_mixed(wing, STEPS);
        }
        updates += (double)STEPS * V_FLIGHT * V_LANES;
        spent = hm_clock_now() - start;
    } while (spent < seconds);
    return updates / spent;
}

/* --- kernels --------------------------------------------------------------------------------- */

#define HM_KERNEL(for_units)                                                                  \
    {                                                                                         \
        .isa = HM_KERNEL_ISA, .units = (for_units), .has_channels = true, .compute = compute, \
        .total = hm_total, .ceiling = ceiling,                                                \
    }

#if defined(HM_KERNEL_NAME_SHARED)
const hm_kernel_t HM_KERNEL_NAME = HM_KERNEL(HM_UNITS_APART);
const hm_kernel_t HM_KERNEL_NAME_SHARED = HM_KERNEL(HM_UNITS_SHARED);
#else
const hm_kernel_t HM_KERNEL_NAME = HM_KERNEL(HM_UNITS_ANY);
#endif

#endif
