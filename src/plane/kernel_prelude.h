/**
 * @file kernel_prelude.h
 * The first updates of points side by side. See kernel_body.h for the whole of it.
 */
#ifndef HM_KERNEL_PRELUDE_H
#define HM_KERNEL_PRELUDE_H

#include "kernel_sweep.h"

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
    for (unsigned rest = b->out.period ? lanes : 0; rest; rest &= rest - 1) {
        const int k = __builtin_ctz(rest);
        b->out.period[at + k] = known_period(batch->re[g * V_LANES + k]);
    }
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
        b->out.iterations[at + __builtin_ctz(lanes)] = b->formula->max_iter;
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

/* Points that are known_inside() are settled. Returns true when all points were. */
HM_INLINE bool batch_recognise(body_t *b, const batch_t *batch, unsigned inside[V_TESTED]) {
    int count = 0;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        const v_double_t cr = v_load(batch->re + g * V_LANES);
        const v_double_t ci = v_load(batch->im + g * V_LANES);
        inside[g] = v_bits(known_inside(cr, ci)) & batch_lanes(batch, g);
        count += __builtin_popcount(inside[g]);
    }
    b->finished += count;
    if (count == LANES_TESTED) {
        HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
            batch_inside(b, batch, g, ALL_LANES);
        }
        b->since_poll += LANES_TESTED;
    }
    return count == LANES_TESTED;
}

/* Points for the careful flight; where channels are wanted, by the scalar kernel: they are few. */
static void take_care(body_t *b, const batch_t *batch, int g, unsigned lanes) {
    const hm_formula_t *formula = b->formula;
    if (b->all_careful || (b->level == LEVEL_COUNT && !b->out.period)) {
        const v_double_t re = v_load(batch->re + g * V_LANES);
        const v_double_t im = v_load(batch->im + g * V_LANES);
        const v_double_t zero = v_all(0.0);
        const v_double_t values[FIELDS] = {
            formula->julia ? re : zero,
            formula->julia ? im : zero,
            formula->julia ? v_all(formula->julia_re) : re,
            formula->julia ? v_all(formula->julia_im) : im,
            v_add(v_all((double)(batch->at + g * V_LANES)), v_lane_numbers()),
            v_all(formula->max_iter),
            zero,
            zero,
        };
        points_make_room(&b->careful.pool);
        points_push(&b->careful.pool, lanes, values, FIELDS);
        return;
    }
    for (; lanes; lanes &= lanes - 1) {
        const int k = g * V_LANES + __builtin_ctz(lanes);
        hm_point_t point = {.pixel_step = b->out.pixel_step};
        hm_scalar_point(formula, batch->re[k], batch->im[k], true, &point);
        b->out.iterations[batch->at + k] = point.count;
        hm_point_store(&point, &b->out, batch->at + k);
    }
}

/* Lanes of vector g that are at max_iter. */
HM_INLINE void prelude_periods(body_t *b, const batch_t *batch, const going_t *z, int g,
                               unsigned lanes) {
    const hm_formula_t *formula = b->formula;
    double x[V_LANES], y[V_LANES];
    v_store(x, z->x[g]);
    v_store(y, z->y[g]);
    for (; lanes; lanes &= lanes - 1) {
        const int k = __builtin_ctz(lanes);
        const int at = g * V_LANES + k;
        periods_push(b, x[k], y[k], formula->julia ? formula->julia_re : batch->re[at],
                     formula->julia ? formula->julia_im : batch->im[at], (double)(batch->at + at),
                     0.0, false);
    }
}

/* The counts of the batch, as far as they are known: those who have not escaped have `steps`. */
HM_INLINE void prelude_counts(const body_t *b, const batch_t *batch, const going_t *z) {
    uint32_t *out = b->out.iterations + batch->at;
    uint32_t kept[LANES_TESTED];
    uint32_t *to = batch->count == LANES_TESTED ? out : kept;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        v_int_store_low(to + g * V_LANES, z->counts[g]);
    }
    if (to == kept) {
        memcpy(out, kept, (size_t)batch->count * sizeof *out);
    }
}

/* The same with the channels of the lanes that escaped within max_iter; the others get what stands
 * for inside. */
HM_INLINE void prelude_channels(const body_t *b, const batch_t *batch, const going_t *z,
                                const route_t *route, int first, form_t form, bool slope) {
    const hm_channels_t *out = &b->out;
    const size_t count = (size_t)batch->count;
    v_double_t before[V_TESTED], start[V_TESTED];
    arrived_t arrived;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        before[g] = v_all(first);
        start[g] = v_all(0.0);
    }
    arrive(b, z, route, before, start, form, slope, &arrived);
    memcpy(out->iterations + batch->at, arrived.counts, count * sizeof *arrived.counts);
    if (out->smooth) {
        memcpy(out->smooth + batch->at, arrived.smooth, count * sizeof *arrived.smooth);
    }
    if (slope) {
        memcpy(out->distance + batch->at, arrived.distance, count * sizeof *arrived.distance);
    }
}

/*
 * The first updates of a batch: four at a time, as many as patience wants, and on while some escape
 * and others do not. With channels, also until those who escaped are far away.
 */
HM_INLINE void prelude_form(body_t *b, form_t form, level_t level, bool julia) {
    const hm_formula_t *formula = b->formula;
    const bool slope = level == LEVEL_DISTANCE;
    batch_t batch;
    double cr_all[LANES_TESTED], ci_all[LANES_TESTED];
    unsigned inside[V_TESTED] = {0};
    unsigned care[V_TESTED];
    unsigned lanes[V_TESTED]; /* the others */
    going_t z;
    const v_double_t limits = v_all(b->limit);
    batch_next(b, &batch);
    clear_channels(&b->out, batch.at, batch.count, b->points);
    const double *cr = batch.re;
    const double *ci = batch.im;
    if (!julia && b->known && near_inside(&batch) && batch_recognise(b, &batch, inside)) {
        think_over(b, LANES_TESTED);
        return;
    }
    if (julia) {
        HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
            v_store(cr_all + g * V_LANES, v_all(formula->julia_re));
            v_store(ci_all + g * V_LANES, v_all(formula->julia_im));
        }
        cr = cr_all;
        ci = ci_all;
    }
    v_mask_t alive[V_TESTED];
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        going_begin(&z, g, v_load(batch.re + g * V_LANES), v_load(batch.im + g * V_LANES),
                    v_all(1.0), v_all(0.0));
        const v_double_t size = square(z.x[g], z.y[g], form);
        alive[g] = v_le(v_all(0.0), limits);
        if (!julia) { /* the first update of z = 0 makes c */
            alive[g] = v_le(size, limits);
            if (level == LEVEL_COUNT) {
                z.counts[g] = v_int_count(z.counts[g], alive[g]);
            }
        }
        lanes[g] = batch_lanes(&batch, g) & ~inside[g];
        care[g] = v_bits(v_and(v_not_le(size, v_all(b->surely)), v_le(size, v_all(b->no_more))));
        if (level > LEVEL_COUNT) { /* where squares overflow, the scalar kernel is careful */
            care[g] |= v_bits(v_not_le(size, v_all(b->far_first)));
        }
        care[g] |= b->all_careful ? (unsigned)ALL_LANES : 0u;
        care[g] &= lanes[g];
        lanes[g] &= ~care[g];
    }
    route_t route = {
        .cr = cr, .ci = ci, .limits = limits, .far = v_all(b->far), .add = v_load(b->fast.add)};
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        route.lanes |= (uint64_t)lanes[g] << g * V_LANES;
    }
    const int first = julia ? 0 : 1;
    const int limit = formula->max_iter < INT32_MAX ? (int)formula->max_iter : INT32_MAX;
    const int most = limit < PRELUDE_MOST ? limit : PRELUDE_MOST;
    int steps = first;
    int alive_first = -1;
    int alive_before = 0;
    bool step = steps < most;
    uint64_t near = level > LEVEL_COUNT && julia ? go_look(&z, &route, form) : route.lanes;
    for (;;) {
        if (step) {
            int portion = HM_FAR_STEP - steps % HM_FAR_STEP;
            portion = steps < limit && limit - steps < portion ? limit - steps : portion;
            if (level == LEVEL_COUNT) {
                step_tested(z.x, z.y, cr, ci, alive, z.counts, portion, limits, form, true);
            } else {
                go(&z, &route, portion, form, slope);
                HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
                    alive[g] = v_le(square(z.x[g], z.y[g], form), limits);
                }
            }
            steps += portion;
            if (level > LEVEL_COUNT && steps % HM_FAR_STEP == 0) {
                near = go_step_over(&z, &route, form);
            }
        }
        int alive_now = 0;
        HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
            const unsigned bits = v_bits(alive[g]);
            alive_now += __builtin_popcount(bits);
        }
        if (b->out.period && steps == limit) {
            HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
                prelude_periods(b, &batch, &z, g, v_bits(alive[g]) & lanes[g]);
            }
        }
        bool some_pending = false; /* neither alive nor far */
        if (level > LEVEL_COUNT) {
            uint64_t pending = near;
            HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
                pending &= ~((uint64_t)v_bits(alive[g]) << g * V_LANES);
            }
            some_pending = pending != 0;
        }
        const bool settled =
            alive_now == 0 || steps >= most || (alive_now == alive_before && steps >= b->patience);
        alive_first = alive_first < 0 ? alive_now : alive_first;
        alive_before = alive_now;
        if (settled && (!some_pending || steps >= most + HM_FAR_PATIENCE)) {
            break;
        }
        step = true;
    }
    b->early += alive_first - alive_before;
    b->finished += LANES_TESTED - alive_first;
    b->since_poll += (uint64_t)(steps * LANES_TESTED);
    if (level > LEVEL_COUNT) {
        prelude_channels(b, &batch, &z, &route, first, form, slope);
    } else {
        prelude_counts(b, &batch, &z);
    }
    const double left = (double)formula->max_iter - steps;
    points_make_room(&b->next->pool);
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        const v_double_t zr = v_load(cr + g * V_LANES);
        const v_double_t zi = v_load(ci + g * V_LANES);
        batch_inside(b, &batch, g, inside[g]);
        if (care[g]) {
            take_care(b, &batch, g, care[g]);
        }
        const unsigned survive = v_bits(alive[g]) & lanes[g];
        if (survive && left > 0.0) {
            const v_double_t place =
                v_add(v_all((double)(batch.at + g * V_LANES)), v_lane_numbers());
            const v_double_t values[FIELDS] = {z.x[g], z.y[g],      zr,      zi,
                                               place,  v_all(left), z.dx[g], z.dy[g]};
            points_push(&b->next->pool, survive, values, slope ? FIELDS : FIELDS_PLAIN);
        }
    }
    think_over(b, LANES_TESTED);
}

static __attribute__((noinline)) void prelude_plain(body_t *b) {
    prelude_form(b, FORM_PLAIN, LEVEL_COUNT, false);
}
static __attribute__((noinline)) void prelude_fma(body_t *b) {
    prelude_form(b, FORM_FMA, LEVEL_COUNT, false);
}
static __attribute__((noinline)) void prelude_julia(body_t *b) {
    if (b->form_tested == FORM_FMA) {
        prelude_form(b, FORM_FMA, LEVEL_COUNT, true);
    } else {
        prelude_form(b, FORM_PLAIN, LEVEL_COUNT, true);
    }
}
static __attribute__((noinline)) void prelude_smooth(body_t *b) {
    const bool julia = b->formula->julia;
    if (b->form_tested == FORM_FMA) {
        prelude_form(b, FORM_FMA, LEVEL_SMOOTH, julia);
    } else {
        prelude_form(b, FORM_PLAIN, LEVEL_SMOOTH, julia);
    }
}
static __attribute__((noinline)) void prelude_distance(body_t *b) {
    const bool julia = b->formula->julia;
    if (b->form_tested == FORM_FMA) {
        prelude_form(b, FORM_FMA, LEVEL_DISTANCE, julia);
    } else {
        prelude_form(b, FORM_PLAIN, LEVEL_DISTANCE, julia);
    }
}

static inline void prelude(body_t *b) {
    if (sweep(b)) {
        return;
    }
    if (b->level == LEVEL_DISTANCE) {
        prelude_distance(b);
    } else if (b->level == LEVEL_SMOOTH) {
        prelude_smooth(b);
    } else if (b->formula->julia) {
        prelude_julia(b);
    } else if (b->form_tested == FORM_FMA) {
        prelude_fma(b);
    } else {
        prelude_plain(b);
    }
}

#endif
