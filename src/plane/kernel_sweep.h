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
static inline void think_over(body_t *b) {
    b->prepared += LANES_TESTED;
    if (b->prepared >= SAMPLE) {
        b->patience = b->early > SAMPLE / 20 ? 16 : 4;
        b->raw = b->may_board_raw && b->early + b->finished < SAMPLE / 50 ? RAW_RUN : 0;
        if (b->raw > 0) { /* as many as may board so, at a vector's end */
            clear_channels(&b->out, b->at, RAW_RUN + V_LANES, b->points);
        }
        b->prepared = b->early = b->finished = 0;
    }
}

/* A batch on its way. Sets of its lanes are words of 64 bits. */
typedef struct sweep_t {
    tested_t z[V_TESTED];
    v_int_t counts[V_TESTED]; /* updates survived */
} sweep_t;

/* `steps` updates; returns the lanes that survive them. */
HM_INLINE uint64_t sweep_on(sweep_t *s, const double *cr, v_double_t ci, int steps,
                            v_double_t limits, form_t form) {
    uint64_t lanes = 0;
    v_mask_t alive[V_TESTED];
    HM_UNROLL for (int k = 0; k < steps; ++k) {
        HM_OPAQUE(cr);
        HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
            alive[g] = v_le(update_tested(&s->z[g], v_load(cr + g * V_LANES), ci, form), limits);
            s->counts[g] = v_int_count(s->counts[g], alive[g]);
        }
    }
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        lanes |= (uint64_t)v_bits(alive[g]) << g * V_LANES;
    }
    return lanes;
}

/* Those of the batch that survive, after `steps` updates, to the pool. */
HM_INLINE void sweep_push(body_t *b, const sweep_t *s, const double *cr, v_double_t ci, int64_t at,
                          uint64_t lanes, int steps) {
    const v_double_t left = v_all((double)b->formula->max_iter - steps);
    points_make_room(&b->fast.pool);
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        const unsigned some = (unsigned)(lanes >> g * V_LANES) & ALL_LANES;
        if (some) {
            const v_double_t place = v_add(v_all((double)(at + g * V_LANES)), v_lane_numbers());
            const v_double_t values[FIELDS_PLAIN] = {s->z[g].x, s->z[g].y, v_load(cr + g * V_LANES),
                                                     ci,        place,     left};
            points_push(&b->fast.pool, some, values, FIELDS_PLAIN);
        }
    }
}

/* One batch; false, and nothing is done, when one of its points wants care. */
HM_INLINE bool sweep_batch(body_t *b, const double *cr, v_double_t ci, bool perhaps_known,
                           form_t form) {
    sweep_t s;
    uint64_t inside = 0;
    uint32_t *out = b->out.iterations + b->at;
    const uint32_t max_iter = b->formula->max_iter;
    const v_double_t limits = v_all(b->limit);
    if (perhaps_known) {
        HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
            const unsigned bits = v_bits(known_inside(v_load(cr + g * V_LANES), ci));
            inside |= (uint64_t)bits << g * V_LANES;
        }
        if (b->saved) {
            b->saved[b->row] += (uint64_t)__builtin_popcountll(inside) * max_iter;
        }
        if (inside == UINT64_MAX >> (64 - LANES_TESTED)) {
            fill_known(b, cr);
            b->finished += LANES_TESTED;
            b->since_poll += LANES_TESTED;
            return true;
        }
    }
    v_mask_t care = v_none();
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) { /* the first update of z = 0 makes c */
        const v_double_t c = v_load(cr + g * V_LANES);
        s.z[g] = tested_begin(c, ci);
        const v_double_t size = square(c, ci, form);
        s.counts[g] = v_int_count(v_int_zero(), v_le(size, limits));
        care = v_or(care, v_and(v_not_le(size, v_all(b->surely)), v_le(size, v_all(b->no_more))));
    }
    if (v_any(care)) {
        if (b->saved) {
            b->saved[b->row] -= (uint64_t)__builtin_popcountll(inside) * max_iter;
        }
        return false;
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
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        v_int_store_low(out + g * V_LANES, s.counts[g]);
    }
    put_no_periods(b);
    put_known(b, cr, inside);
    if (now) {
        sweep_push(b, &s, cr, ci, b->at, now, steps);
    }
    b->early += __builtin_popcountll(first) - __builtin_popcountll(now);
    b->finished += LANES_TESTED - __builtin_popcountll(first);
    b->since_poll += (uint64_t)(steps * LANES_TESTED);
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
    const int enough = b->fast.vectors * V_LANES;
    const double im = b->im[b->row];
    const v_double_t ci = v_all(im);
    double least = 0.0;
    double most = 0.0;
    const bool known = known_of_row(b, im, &least, &most);
    bool some = false;
    while (b->width - b->column >= LANES_TESTED && pool->count < enough && b->raw <= 0 &&
           b->since_poll < UPDATES_PER_POLL) {
        const double *cr = b->re + b->column;
        const double first = cr[0];
        const double last = cr[LANES_TESTED - 1];
        const bool perhaps =
            known && (first < last ? last : first) > least && (first < last ? first : last) < most;
        const bool done = level == LEVEL_COUNT
                              ? sweep_batch(b, cr, ci, perhaps, form)
                              : reach_batch(b, cr, ci, perhaps, form, level == LEVEL_DISTANCE);
        if (!done) {
            break;
        }
        some = true;
        b->at += LANES_TESTED;
        b->column += LANES_TESTED;
        think_over(b);
    }
    if (b->column == b->width) {
        b->column = 0;
        ++b->row;
    }
    return some;
}

static __attribute__((noinline)) bool sweep_plain(body_t *b) {
    return sweep_form(b, FORM_PLAIN, LEVEL_COUNT);
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
                                      : sweep_plain(b);
}

#endif
