/**
 * @file kernel_body.h
 * The vector kernel, one body for all instruction sets: a vector_*.h before it defines the vectors,
 * and HM_KERNEL_NAME, HM_KERNEL_ISA the kernel that it makes.
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
 * A lane that reaches max_iter within a block needs no care: whatever is found at or beyond
 * max_iter is reported as max_iter.
 *
 * Points for which the argument of 2 fails (bailout below 2, or |c| = bailout = 2 within rounding)
 * go to a second flight, the careful one, whose blocks test every update.
 *
 * Short cuts (HM_INTERIOR_EXACT): points well inside the cardioid or the disc of period 2 are
 * recognised before the first update (see known_inside()), orbits that repeat exactly while they
 * fly (find_cycles() in kernel_flight.h).
 */
#ifndef HM_KERNEL_BODY_H
#define HM_KERNEL_BODY_H

#include <stdlib.h>

#include "hm_clock.h"
#include "kernel_flight.h"

/* --- prelude --------------------------------------------------------------------------------- */

/*
 * Points whose orbit as computed in doubles never leaves, for any number of updates, by proof: the
 * multiplier lambda of the attracting fixed point has |lambda|^2 <= 1 - h, h = 0.001; or that of
 * the cycle of period 2, 4 (c + 1), has modulus at most 0.998. With m = |1 - 4c|,
 * |lambda|^2 = 1 + m - sqrt(2 (m + 1 - 4 Re c)), so the first is
 * (m^2 + h^2 - 2 (1 - 4 Re c))^2 <= 4 (1 - h)^2 m^2.
 *
 * Why rounding cannot push such an orbit out: on the immediate basin D of the fixed point a, z^2 +
 * c is conjugate to a Blaschke product of degree 2, which shrinks hyperbolic length at z by tanh of
 * the distance from z to the critical point 0 (z^2 itself does: 2r / (1 + r^2)); at a that is
 * |lambda|, so R = d(0, a) = artanh |lambda|. In the ball of radius R + s around a (s = 0.1) the
 * factor is at most k = tanh(2R + s), and a Euclidean error e is a hyperbolic one of at most 2e /
 * dist(z, edge of D). With D containing the disc of radius 1 - |lambda| around a, Koebe's theorem
 * gives dist >= (1 - |lambda|) (1 - t)^2 / (4 (1 + t)^2), t = tanh((R + s) / 2). The ball, where
 * the orbit starts, is never left if 2e / dist <= (1 - k) (R + s). Here |z| < 1.6, so that an
 * update's rounding is e < 1.1e-15: 8.5e-8 against 4.4e-7. For period 2 the same holds of two
 * updates together (e < 6e-15, |z| < 1.73, D contains a disc of radius (1 - |lambda|) / 3.5): 1e-7
 * against 5.9e-6.
 */
HM_INLINE v_mask_t known_inside(v_double_t cr, v_double_t ci) {
    const double h = 0.001;
    const double disc = 0.998 / 4.0;
    const v_double_t a = v_sub(v_all(1.0), v_mul(v_all(4.0), cr));
    const v_double_t b = v_mul(v_all(4.0), ci);
    const v_double_t mm = v_add(v_mul(a, a), v_mul(b, b));
    const v_double_t t = v_sub(v_add(mm, v_all(h * h)), v_add(a, a));
    const v_mask_t cardioid =
        v_and(v_le(v_mul(t, t), v_mul(v_all(4.0 * (1.0 - h) * (1.0 - h)), mm)),
              v_le(mm, v_all(16.0))); /* far away both sides overflow */
    const v_double_t from_minus_1 = v_add(cr, v_all(1.0));
    const v_double_t away = v_add(v_mul(from_minus_1, from_minus_1), v_mul(ci, ci));
    return v_or(cardioid, v_le(away, v_all(disc * disc)));
}

/* The points that are prepared together. */
typedef struct batch_t {
    const double *re; /* [LANES_TESTED] */
    double im[LANES_TESTED];
    double re_kept[LANES_TESTED]; /* where `re` points when they are not side by side in a row */
    int64_t at;                   /* index of the first */
    int64_t row;                  /* of the first */
    int count;                    /* real ones; the others are 0 */
} batch_t;

static inline void batch_next(body_t *b, batch_t *batch) {
    int count = 0;
    batch->at = b->at;
    batch->row = b->row;
    if (b->width - b->column >= LANES_TESTED) {
        batch->re = b->re + b->column;
        const v_double_t im = v_all(b->im[b->row]);
        for (int k = 0; k < LANES_TESTED; k += V_LANES) {
            v_store(batch->im + k, im);
        }
        count = LANES_TESTED;
        b->column += count;
    } else {
        for (; count < LANES_TESTED && b->at + count < b->points; ++count) {
            if (b->column == b->width) {
                b->column = 0;
                ++b->row;
            }
            batch->re_kept[count] = b->re[b->column++];
            batch->im[count] = b->im[b->row];
        }
        for (int k = count; k < LANES_TESTED; ++k) {
            batch->re_kept[k] = 0.0;
            batch->im[k] = 0.0;
        }
        batch->re = batch->re_kept;
    }
    if (b->column == b->width) {
        b->column = 0;
        ++b->row;
    }
    batch->count = count;
    b->at += count;
}

/* Bits of the lanes of vector g that are real points. */
static inline unsigned batch_lanes(const batch_t *batch, int g) {
    const int real = batch->count - g * V_LANES;
    return real >= V_LANES ? (unsigned)ALL_LANES : real <= 0 ? 0u : (1u << real) - 1u;
}

/* Points of the batch that are known_inside(): `lanes` of vector g. */
static inline void batch_inside(const body_t *b, const batch_t *batch, int g, unsigned lanes) {
    const int64_t at = batch->at + g * V_LANES;
    if (batch->re == batch->re_kept) { /* perhaps of several rows */
        for (; lanes; lanes &= lanes - 1) {
            settle_inside(b, (double)(at + __builtin_ctz(lanes)), 0.0);
        }
        return;
    }
    if (b->saved) {
        b->saved[batch->row] += (uint64_t)__builtin_popcount(lanes) * b->formula->max_iter;
    }
    for (; lanes; lanes &= lanes - 1) {
        b->iterations[at + __builtin_ctz(lanes)] = b->formula->max_iter;
    }
}

/* May some of the points be known_inside()? A point that is missed is iterated. */
static inline bool near_inside(const batch_t *batch) {
    const double im = batch->im[0];
    const double first = batch->re[0];
    const double last = batch->re[LANES_TESTED - 1];
    return (batch->re == batch->re_kept) ||
           (im < 0.66 && im > -0.66 && (first < last ? last : first) > -1.26 &&
            (first < last ? first : last) < 0.38);
}

/* How many updates are well spent in preludes here, and are preludes well spent at all? */
static inline void think_over(body_t *b) {
    b->prepared += LANES_TESTED;
    if (b->prepared >= SAMPLE) {
        b->patience = b->early > SAMPLE / 20 ? 16 : 4;
        b->raw = b->may_board_raw && b->early + b->finished < SAMPLE / 50 ? RAW_RUN : 0;
        b->prepared = b->early = b->finished = 0;
    }
}

/* The first updates of a batch. */
HM_INLINE void prelude_form(body_t *b, form_t form, bool julia) {
    const hm_formula_t *formula = b->formula;
    batch_t batch;
    double cr_all[LANES_TESTED], ci_all[LANES_TESTED];
    v_double_t x[V_TESTED], y[V_TESTED];
    v_mask_t alive[V_TESTED];
    v_int_t counts[V_TESTED];
    unsigned inside[V_TESTED] = {0};
    const v_double_t limits = v_all(b->limit);
    batch_next(b, &batch);
    const double *cr = batch.re;
    const double *ci = batch.im;
    if (!julia && b->known && near_inside(&batch)) {
        unsigned all = ALL_LANES;
        HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
            inside[g] = v_bits(known_inside(v_load(cr + g * V_LANES), v_load(ci + g * V_LANES))) &
                        batch_lanes(&batch, g);
            all &= inside[g];
        }
        if (all == ALL_LANES) {
            HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
                batch_inside(b, &batch, g, ALL_LANES);
            }
            b->since_poll += LANES_TESTED;
            b->finished += LANES_TESTED;
            think_over(b);
            return;
        }
    }
    if (julia) {
        HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
            v_store(cr_all + g * V_LANES, v_all(formula->julia_re));
            v_store(ci_all + g * V_LANES, v_all(formula->julia_im));
        }
        cr = cr_all;
        ci = ci_all;
    }
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        x[g] = v_load(batch.re + g * V_LANES);
        y[g] = v_load(batch.im + g * V_LANES);
        alive[g] = v_none();
        counts[g] = v_int_zero();
        if (!julia) { /* the first update of z = 0 makes c */
            alive[g] = v_le(square(x[g], y[g], form), limits);
            counts[g] = v_int_count(counts[g], alive[g]);
        }
    }
    /* Four at a time: as many as patience wants, and on while some escape and others do not. */
    const int most = formula->max_iter < PRELUDE_MOST ? (int)formula->max_iter : PRELUDE_MOST;
    int steps = julia ? 0 : 1;
    int alive_first = -1;
    int alive_before = 0;
    while (steps < most) {
        const int portion = most - steps < 4 ? most - steps : steps == 1 ? 3 : 4;
        step_tested(x, y, cr, ci, alive, counts, portion, limits, form, true);
        steps += portion;
        int alive_now = 0;
        HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
            alive_now += __builtin_popcount(v_bits(alive[g]));
        }
        alive_first = alive_first < 0 ? alive_now : alive_first;
        if (alive_now == 0 || (alive_now == alive_before && steps >= b->patience)) {
            alive_before = alive_now;
            break;
        }
        alive_before = alive_now;
    }
    b->early += alive_first - alive_before;
    b->finished += LANES_TESTED - alive_first;
    b->since_poll += (uint64_t)(steps * LANES_TESTED);
    uint32_t *out = b->iterations + batch.at;
    uint32_t kept[LANES_TESTED];
    uint32_t *to = batch.count == LANES_TESTED ? out : kept;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        v_int_store_low(to + g * V_LANES, counts[g]);
    }
    if (to == kept) {
        memcpy(out, kept, (size_t)batch.count * sizeof *out);
    }
    const double left = (double)formula->max_iter - steps;
    points_make_room(&b->fast.pool);
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        const v_double_t zr = v_load(cr + g * V_LANES);
        const v_double_t zi = v_load(ci + g * V_LANES);
        const unsigned real = batch_lanes(&batch, g);
        const v_double_t size = square(zr, zi, FORM_PLAIN);
        unsigned care =
            v_bits(v_and(v_not_le(size, v_all(b->surely)), v_le(size, v_all(b->no_more))));
        care = (b->all_careful ? (unsigned)ALL_LANES : care) & real & ~inside[g];
        b->finished += __builtin_popcount(inside[g]);
        batch_inside(b, &batch, g, inside[g]);
        const unsigned survive = v_bits(alive[g]) & real & ~care & ~inside[g];
        const v_double_t place = v_add(v_all((double)(batch.at + g * V_LANES)), v_lane_numbers());
        if (survive && left > 0.0) {
            const v_double_t values[FIELDS] = {x[g], y[g], zr, zi, place, v_all(left)};
            points_push(&b->fast.pool, survive, values);
        }
        if (care) { /* from the start */
            const v_double_t zero = v_all(0.0);
            const v_double_t values[FIELDS] = {julia ? v_load(batch.re + g * V_LANES) : zero,
                                               julia ? v_load(batch.im + g * V_LANES) : zero,
                                               zr,
                                               zi,
                                               place,
                                               v_all(formula->max_iter)};
            points_make_room(&b->careful.pool);
            points_push(&b->careful.pool, care, values);
        }
    }
    think_over(b);
}

static __attribute__((noinline)) void prelude_plain(body_t *b) {
    prelude_form(b, FORM_PLAIN, false);
}
static __attribute__((noinline)) void prelude_fma(body_t *b) {
    prelude_form(b, FORM_FMA, false);
}
static __attribute__((noinline)) void prelude_julia(body_t *b) {
    if (b->form_tested == FORM_FMA) {
        prelude_form(b, FORM_FMA, true);
    } else {
        prelude_form(b, FORM_PLAIN, true);
    }
}

static inline void prelude(body_t *b) {
    if (b->formula->julia) {
        prelude_julia(b);
    } else if (b->form_tested == FORM_FMA) {
        prelude_fma(b);
    } else {
        prelude_plain(b);
    }
}

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
static void choose(body_t *b, const hm_tile_t *tile) {
    const hm_formula_t *formula = b->formula;
    const double bailout = formula->bailout;
    const double nearly = 1e-9;
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
    b->known = b->exact && !formula->julia && bailout >= 2.0 && bounds.re_most > -1.26 &&
               bounds.re_least < 0.38 && bounds.im_most > -0.66 && bounds.im_least < 0.66;
    b->may_board_raw = !b->all_careful && tile->width >= 4 * V_LANES &&
                       (formula->julia || largest < b->surely * (1.0 - nearly));
    b->from_c = !formula->julia && largest < b->limit * (1.0 - nearly);
    b->form_tested = formula->arith == HM_ARITH_FMA ? FORM_FMA : FORM_PLAIN;
    b->form = formula->arith == HM_ARITH_FMA ? FORM_FMA
              : small == 0.0 || huge         ? FORM_PLAIN
                                             : FORM_MIXED;
}

static hm_status_t compute_portion(body_t *b) {
    hm_status_t status = HM_OK;
    flight_clear(&b->fast, b->limit, false);
    flight_clear(&b->careful, b->limit, true);
    b->patience = 4;
    while (b->at < b->points) {
        if (b->raw <= 0) {
            prelude(b);
        }
        HM_TRY(fly_on(b, &b->fast, false));
        HM_TRY(fly_on(b, &b->careful, false));
        if (asked_to_stop(b)) {
            status = HM_STOPPED;
            goto cleanup;
        }
    }
    HM_TRY(fly_on(b, &b->fast, true));
    HM_TRY(fly_on(b, &b->careful, true));
    while (b->replay.count > 0) {
        replay(b);
    }
cleanup:
    return status;
}

static uint64_t updates_of_row(const uint32_t *counts, int64_t width, uint32_t max_iter) {
    uint64_t sum = 0;
    for (int64_t k = 0; k < width; ++k) {
        sum += (uint64_t)counts[k] + (counts[k] < max_iter);
    }
    return sum;
}

static hm_status_t compute(const hm_formula_t *formula, const hm_tile_t *tile,
                           const hm_channels_t *channels, uint64_t *work, const hm_poll_t *poll,
                           hm_error_t *err) {
    hm_status_t status = HM_OK;
    /* A portion's points are told apart by whole numbers far below 2^53. */
    const int64_t rows_most = tile->width > 0 ? (INT64_C(1) << 40) / tile->width : 1;
    body_t *b = aligned_alloc(64, (sizeof *b + 63) / 64 * 64);
    if (!b) {
        status = hm_error_set(err, HM_EMISSING, "out of memory for a kernel's working set");
        goto cleanup;
    }
    memset(b, 0, sizeof *b);
    b->formula = formula;
    b->poll = poll;
    choose(b, tile);
    for (int64_t row = 0; work && row < tile->rows; ++row) {
        work[row] = 0; /* what is saved, at first */
    }
    for (int64_t row = 0; row < tile->rows && tile->width > 0; row += rows_most) {
        const int64_t rows = tile->rows - row < rows_most ? tile->rows - row : rows_most;
        b->re = tile->re;
        b->im = tile->im + row;
        b->width = tile->width;
        b->iterations = channels->iterations + row * tile->width;
        b->saved = work ? work + row : NULL;
        b->points = rows * tile->width;
        b->at = b->row = b->column = 0;
        HM_TRY(compute_portion(b));
    }
    for (int64_t row = 0; work && row < tile->rows; ++row) {
        work[row] = updates_of_row(channels->iterations + row * tile->width, tile->width,
                                   formula->max_iter) -
                    work[row];
    }
cleanup:
    free(b);
    return status;
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
static __attribute__((noinline)) void bare_fma(group_t *wing, int steps) {
    bare(wing, steps, FORM_FMA);
}

static double ceiling(hm_arith_t arith, double seconds) {
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
        } else {
            bare_mixed(wing, STEPS);
        }
        updates += (double)STEPS * V_FLIGHT * V_LANES;
        spent = hm_clock_now() - start;
    } while (spent < seconds);
    return updates / spent;
}

const hm_kernel_t HM_KERNEL_NAME = {
    .isa = HM_KERNEL_ISA,
    .has_channels = false,
    .compute = compute,
    .ceiling = ceiling,
};

#endif
