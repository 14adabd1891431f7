/**
 * @file kernel_sweep.h
 * The prelude of most points of most views: counts alone, side by side in a row, no care needed. It
 * does what prelude_form() in kernel_prelude.h does, without what is seldom wanted. See
 * kernel_body.h for the whole of it.
 */
#ifndef HM_KERNEL_SWEEP_H
#define HM_KERNEL_SWEEP_H

#include "kernel_reach.h"

/* How many updates are well spent in preludes here, and are preludes well spent at all? */
static inline void think_over(body_t *b, int points) {
    b->prepared += points;
    if (b->prepared >= SAMPLE) {
        b->patience = b->early > SAMPLE / 20 ? 16 : 4;
        b->raw = b->may_board_raw && b->early + b->finished < SAMPLE / 50 ? RAW_RUN : 0;
        if (b->raw > 0) { /* as many as may board so, at a vector's end */
            clear_channels(&b->out, b->at, RAW_RUN + V_LANES, b->points);
        }
        b->prepared = b->early = b->finished = 0;
    }
}

/*
 * A batch on its way: z and the updates survived. In FORM_FMA `a` and `b` are x and y. Else they
 * are x^2 - y^2 and xy, which are all that the next update needs: with three registers a vector
 * instead of five, four vectors fit into sixteen. Sets of its lanes are words of 64 bits.
 */
typedef struct sweep_t {
    v_double_t a[V_SWEEP], b[V_SWEEP];
    v_int_t counts[V_SWEEP];
} sweep_t;

/* One update of vector g, in FORM_MIXED always with the fused product; leaves z there, returns
 * |z|^2. */
HM_INLINE v_double_t sweep_update(const sweep_t *s, int g, v_double_t cr, v_double_t ci,
                                  form_t form, v_double_t *x, v_double_t *y) {
    if (form == FORM_FMA) {
        const v_double_t twice = v_add(s->a[g], s->a[g]);
        *x = v_fma(s->a[g], s->a[g], v_fnma(s->b[g], s->b[g], cr));
        *y = v_fma(twice, s->b[g], ci);
    } else {
        *x = v_add(s->a[g], cr);
        *y = v_fma(s->b[g], v_all(2.0), ci);
    }
    return square(*x, *y, form);
}

/* What the batch keeps of z. */
HM_INLINE void sweep_keep(sweep_t *s, int g, v_double_t x, v_double_t y, form_t form) {
    s->a[g] = form == FORM_FMA ? x : v_sub(v_mul(x, x), v_mul(y, y));
    s->b[g] = form == FORM_FMA ? y : v_mul(x, y);
}

/* `steps` updates; returns the lanes that survive them. The pins keep vector after vector in its
 * registers: without them comparisons are kept for later, and spilled. */
HM_INLINE uint64_t sweep_on(sweep_t *s, const double *cr, v_double_t ci, int steps,
                            v_double_t limits, form_t form) {
    uint64_t lanes = 0;
    HM_UNROLL for (int k = 0; k < steps; ++k) {
        HM_OPAQUE(cr);
        HM_UNROLL for (int g = 0; g < V_SWEEP; ++g) {
            v_double_t x, y;
            const v_double_t size = sweep_update(s, g, v_load(cr + g * V_LANES), ci, form, &x, &y);
            sweep_keep(s, g, x, y, form);
            const v_mask_t alive = v_le(size, limits);
            s->counts[g] = v_int_count(s->counts[g], alive);
            if (k == steps - 1) {
                lanes |= (uint64_t)v_bits(alive) << g * V_LANES;
            }
            V_PIN(s->a[g]);
            V_PIN(s->b[g]);
            V_PIN(s->counts[g]);
        }
    }
    return lanes;
}

/* One more update, the last one here, after `steps`: `lanes`, those that survive, to the pool. */
HM_INLINE uint64_t sweep_push(body_t *b, sweep_t *s, const double *cr, v_double_t ci,
                              uint64_t lanes, int steps, v_double_t limits, form_t form) {
    const v_double_t left = v_all((double)b->formula->max_iter - (steps + 1));
    points_make_room(&b->fast.pool);
    HM_UNROLL for (int g = 0; g < V_SWEEP; ++g) {
        const v_double_t zr = v_load(cr + g * V_LANES);
        v_double_t x, y;
        const v_mask_t alive = v_le(sweep_update(s, g, zr, ci, form, &x, &y), limits);
        s->counts[g] = v_int_count(s->counts[g], alive);
        lanes &= ~((uint64_t)(~v_bits(alive) & ALL_LANES) << g * V_LANES);
        const unsigned some = (unsigned)(lanes >> g * V_LANES) & ALL_LANES;
        if (some) {
            const v_double_t place = v_add(v_all((double)(b->at + g * V_LANES)), v_lane_numbers());
            const v_double_t values[FIELDS_PLAIN] = {x, y, zr, ci, place, left};
            points_push(&b->fast.pool, some, values, FIELDS_PLAIN);
        }
    }
    return lanes;
}

/* One batch; false, and nothing is done, when one of its points wants care. */
HM_INLINE bool sweep_batch(body_t *b, const double *cr, v_double_t ci, bool perhaps_known,
                           form_t form) {
    sweep_t s;
    uint64_t inside = 0;
    uint32_t *out = b->out.iterations + b->at;
    const v_double_t limits = v_all(b->limit);
    if (perhaps_known) {
        inside = known_lanes(cr, ci, V_SWEEP);
        if (inside == UINT64_MAX >> (64 - LANES_SWEEP)) {
            fill_known(b, cr, V_SWEEP);
            return true;
        }
    }
    v_mask_t care = v_none();
    HM_UNROLL for (int g = 0; g < V_SWEEP; ++g) { /* the first update of z = 0 makes c */
        const v_double_t c = v_load(cr + g * V_LANES);
        const v_double_t size = square(c, ci, form);
        sweep_keep(&s, g, c, ci, form);
        s.counts[g] = v_int_count(v_int_zero(), v_le(size, limits));
        care = v_or(care, v_not_le(size, v_all(b->surely)));
    }
    if (v_any(care)) {
        care = v_none();
        HM_UNROLL for (int g = 0; g < V_SWEEP; ++g) {
            const v_double_t size = square(v_load(cr + g * V_LANES), ci, form);
            care =
                v_or(care, v_and(v_not_le(size, v_all(b->surely)), v_le(size, v_all(b->no_more))));
        }
        if (v_any(care)) {
            return false;
        }
    }
    int steps = 4;
    const uint64_t first = sweep_on(&s, cr, ci, steps - 1, limits, form) & ~inside;
    uint64_t now = first;
    uint64_t before = 0;
    while (now && steps < PRELUDE_MOST && (now != before || steps < b->patience)) {
        before = now;
        now = sweep_on(&s, cr, ci, 4, limits, form) & ~inside;
        steps += 4;
    }
    if (now) {
        now = sweep_push(b, &s, cr, ci, now, steps, limits, form);
    }
    HM_UNROLL for (int g = 0; g < V_SWEEP; ++g) {
        v_int_store_low(out + g * V_LANES, s.counts[g]);
    }
    put_no_periods(b, V_SWEEP);
    if (inside) {
        put_known(b, cr, inside);
    }
    b->early += __builtin_popcountll(first) - __builtin_popcountll(now);
    b->finished += LANES_SWEEP - __builtin_popcountll(first);
    b->since_poll += (uint64_t)(steps * LANES_SWEEP);
    return true;
}

/* May points of this row be known_inside()? Where in the row: re from *least to *most. */
static inline bool known_of_row(const body_t *b, double im, double *least, double *most) {
    *least = fabs(im) < 0.26 ? -1.26 : -0.76;
    *most = 0.38;
    return b->known && fabs(im) < 0.66;
}

/* Batches of the row until the pool is full, the row ends, or one wants care. Is any done? */
HM_INLINE bool sweep_form(body_t *b, form_t form, level_t level) {
    const points_t *pool = &b->next->pool;
    const int enough = b->next->vectors * V_LANES;
    const int points = level == LEVEL_COUNT ? LANES_SWEEP : LANES_TESTED;
    const double im = b->im[b->row];
    const v_double_t ci = v_all(im);
    double least = 0.0;
    double most = 0.0;
    const bool known = known_of_row(b, im, &least, &most);
    bool some = false;
    while (b->width - b->column >= points && pool->count < enough && b->raw <= 0 &&
           b->since_poll < UPDATES_PER_POLL) {
        const double *cr = b->re + b->column;
        const double first = cr[0];
        const double last = cr[points - 1];
        const bool perhaps =
            known && (first < last ? last : first) > least && (first < last ? first : last) < most;
        const bool done = level == LEVEL_COUNT
                              ? sweep_batch(b, cr, ci, perhaps, form)
                              : reach_batch(b, cr, ci, perhaps, form, level == LEVEL_DISTANCE);
        if (!done) {
            break;
        }
        some = true;
        b->at += points;
        b->column += points;
        think_over(b, points);
    }
    if (b->column == b->width) {
        b->column = 0;
        ++b->row;
    }
    return some;
}

static __attribute__((noinline)) bool sweep_mixed(body_t *b) {
    return sweep_form(b, FORM_MIXED, LEVEL_COUNT);
}
static __attribute__((noinline)) bool sweep_fma(body_t *b) {
    return sweep_form(b, FORM_FMA, LEVEL_COUNT);
}
static __attribute__((noinline)) bool sweep_plain_smooth(body_t *b) {
    return sweep_form(b, FORM_PLAIN, LEVEL_SMOOTH);
}
static __attribute__((noinline)) bool sweep_fma_smooth(body_t *b) {
    return sweep_form(b, FORM_FMA, LEVEL_SMOOTH);
}
static __attribute__((noinline)) bool sweep_plain_distance(body_t *b) {
    return sweep_form(b, FORM_PLAIN, LEVEL_DISTANCE);
}
static __attribute__((noinline)) bool sweep_fma_distance(body_t *b) {
    return sweep_form(b, FORM_FMA, LEVEL_DISTANCE);
}

/* Batches without exceptions. False: none is done, the prelude takes the next one. */
static inline bool sweep(body_t *b) {
    const bool fma = b->form_tested == FORM_FMA;
    if (!b->sweeps) {
        return false;
    }
    return b->level == LEVEL_DISTANCE ? (fma ? sweep_fma_distance(b) : sweep_plain_distance(b))
           : b->level == LEVEL_SMOOTH ? (fma ? sweep_fma_smooth(b) : sweep_plain_smooth(b))
           : fma                      ? sweep_fma(b)
                                      : sweep_mixed(b);
}

#endif
