/**
 * @file kernel_reach.h
 * The prelude of most points of most views, with channels: side by side in a row, no care needed,
 * as in kernel_sweep.h; those that escape go on until they are far away, and are finished on the
 * spot. The results are those of prelude_form() in kernel_prelude.h, bit by bit. See kernel_body.h
 * for the whole of it.
 */
#ifndef HM_KERNEL_REACH_H
#define HM_KERNEL_REACH_H

#include "kernel_flight.h"

/* What points have that are inside, and of unknown period: `count` of them from `at` on. */
static inline void clear_channels(const hm_channels_t *out, int64_t at, int64_t count,
                                  int64_t points) {
    const int64_t end = points - at < count ? points : at + count;
    for (int64_t k = at; out->smooth && k < end; ++k) {
        out->smooth[k] = (float)NAN;
    }
    if (out->distance && at < end) {
        memset(out->distance + at, 0, (size_t)(end - at) * sizeof *out->distance);
    }
    if (out->period && at < end) {
        memset(out->period + at, 0, (size_t)(end - at) * sizeof *out->period);
    }
}

/* Which points of the row's next batch, of so many vectors, beginning with `cr`, are
 * known_inside()? */
HM_INLINE uint64_t known_lanes(const double *cr, v_double_t ci, int vectors) {
    uint64_t inside = 0;
    HM_UNROLL for (int g = 0; g < vectors; ++g) {
        const unsigned bits = v_bits(known_inside(v_load(cr + g * V_LANES), ci));
        inside |= (uint64_t)bits << g * V_LANES;
    }
    return inside;
}

/* All of them are: the batch is done. */
HM_INLINE void fill_known(body_t *b, const double *cr, int vectors) {
    const v_int_t most = v_int_low_of(v_all(b->formula->max_iter));
    const hm_channels_t *out = &b->out;
    HM_UNROLL for (int g = 0; g < vectors; ++g) {
        const int64_t to = b->at + g * V_LANES;
        v_int_store_low(out->iterations + to, most);
        if (out->smooth) {
            v_store_float(out->smooth + to, v_all(NAN));
        }
        if (out->distance) {
            v_store_float(out->distance + to, v_all(0.0));
        }
        if (out->period) {
            const v_mask_t cardioid = v_le(v_all(HM_DISC_EDGE), v_load(cr + g * V_LANES));
            const v_double_t period = v_select(cardioid, v_all(1.0), v_all(2.0));
            v_int_store_low(out->period + to, v_int_low_of(period));
        }
    }
    if (b->saved) {
        b->saved[b->row] += (uint64_t)(vectors * V_LANES) * b->formula->max_iter;
    }
    b->finished += vectors * V_LANES;
    b->since_poll += (uint64_t)(vectors * V_LANES);
}

/* Its `lanes` are known_inside(): counts and periods. */
HM_INLINE void put_known(const body_t *b, const double *cr, uint64_t lanes) {
    if (b->saved) {
        b->saved[b->row] += (uint64_t)__builtin_popcountll(lanes) * b->formula->max_iter;
    }
    for (; lanes; lanes &= lanes - 1) {
        const int k = __builtin_ctzll(lanes);
        b->out.iterations[b->at + k] = b->formula->max_iter;
        if (b->out.period) {
            b->out.period[b->at + k] = known_period(cr[k]);
        }
    }
}

/* It has no periods. */
HM_INLINE void put_no_periods(const body_t *b, int vectors) {
    if (b->out.period) {
        HM_UNROLL for (int g = 0; g < vectors; ++g) {
            v_int_store_low(b->out.period + b->at + g * V_LANES, v_int_zero());
        }
    }
}

/* A batch on its way. Sets of its lanes are words of 64 bits. */
typedef struct reach_t {
    going_t z;
    uint64_t near;  /* not far away yet */
    uint64_t alive; /* within the bailout */
} reach_t;

/* The batch's row. */
typedef struct reach_row_t {
    const double *cr;
    v_double_t ci, limits, far;
} reach_row_t;

/* The first two updates of z = 0, which make c and c^2 + c. Returns the lanes that want care. */
HM_INLINE v_mask_t reach_first(const body_t *b, reach_t *s, const reach_row_t *row, form_t form) {
    const v_double_t one = v_all(1.0);
    const v_double_t easy = v_all(b->surely < b->far_first ? b->surely : b->far_first);
    const v_double_t y = row->ci;
    v_double_t sizes[V_TESTED];
    v_mask_t care = v_none();
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        const v_double_t x = v_load(row->cr + g * V_LANES);
        tested_t z = tested_begin(x, y);
        const v_double_t size = square(x, y, form);
        sizes[g] = size;
        care = v_or(care, v_not_le(size, easy));
        update_tested(&z, x, y, form);
        going_begin(&s->z, g, z.x, z.y, v_add(v_add(x, x), one), v_add(y, y));
        s->z.counts[g] = v_int_count(s->z.counts[g], v_le(size, row->limits));
    }
    if (v_any(care)) {
        care = v_none();
        HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
            const v_mask_t perhaps =
                v_and(v_not_le(sizes[g], v_all(b->surely)), v_le(sizes[g], v_all(b->no_more)));
            care = v_or(care, v_or(perhaps, v_not_le(sizes[g], v_all(b->far_first))));
        }
    }
    return care;
}

/* `updates`, with `count` those survived are counted; with `hold` of those that are near. They
 * complete a step. */
HM_INLINE void reach_on(reach_t *s, const reach_row_t *row, int updates, form_t form, bool slope,
                        bool count, bool hold) {
    const going_t before = s->z;
    const double *cr = row->cr;
    HM_UNROLL for (int k = 0; k < updates; ++k) {
        HM_OPAQUE(cr);
        HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
            go_update(&s->z, g, v_load(cr + g * V_LANES), row->ci, row->limits, v_all(1.0), form,
                      slope, count);
        }
    }
    s->near = s->alive = 0;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        if (hold) {
            go_back(&s->z, &before, g, slope);
        }
        s->z.steps[g] = v_int_count(s->z.steps[g], s->z.near[g]);
        const v_double_t size = square(s->z.x[g], s->z.y[g], form);
        s->z.near[g] = v_le(size, row->far);
        s->near |= (uint64_t)v_bits(s->z.near[g]) << g * V_LANES;
        if (count) {
            s->alive |= (uint64_t)v_bits(v_le(size, row->limits)) << g * V_LANES;
        }
    }
}

/* The channels of the batch: of those far away, and for the others what stands for inside. */
HM_INLINE void reach_finish(const body_t *b, const reach_t *s, form_t form, bool slope) {
    float unwanted[LANES_TESTED];
    float *smooth = b->out.smooth ? b->out.smooth + b->at : unwanted;
    float *distance = slope ? b->out.distance + b->at : NULL;
    const going_t *z = &s->z;
    finish_t f;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        go_finish(z, &f, g, form, slope);
        f.made[g] = go_made(z, g);
    }
    finish(&f, V_TESTED, b->unit, 0, slope);
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        const int to = g * V_LANES;
        v_store_float(smooth + to, v_select(z->near[g], v_all(NAN), f.smooth[g]));
        if (slope) {
            v_store_float(distance + to, v_select(z->near[g], v_all(0.0), f.distance[g]));
        }
    }
}

/* Nobody is far away. */
HM_INLINE void reach_nowhere(const body_t *b, bool slope) {
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        if (b->out.smooth) {
            v_store_float(b->out.smooth + b->at + g * V_LANES, v_all(NAN));
        }
        if (slope) {
            v_store_float(b->out.distance + b->at + g * V_LANES, v_all(0.0));
        }
    }
}

/* Those of the batch that survive, after `steps` updates, to the pool. */
HM_INLINE void reach_push(body_t *b, const going_t *z, const double *cr, v_double_t ci,
                          uint64_t lanes, int steps, bool slope) {
    points_t *pool = &b->next->pool;
    const v_double_t left = v_all((double)b->formula->max_iter - steps);
    points_make_room(pool);
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        const unsigned some = (unsigned)(lanes >> g * V_LANES) & ALL_LANES;
        if (some) {
            const v_double_t place = v_add(v_all((double)(b->at + g * V_LANES)), v_lane_numbers());
            const v_double_t values[FIELDS] = {
                z->x[g], z->y[g], v_load(cr + g * V_LANES), ci, place, left, z->dx[g], z->dy[g]};
            points_push(pool, some, values, slope ? FIELDS : FIELDS_PLAIN);
        }
    }
}

/* One batch; false, and nothing is done, when one of its points wants care. */
HM_INLINE bool reach_batch(body_t *b, const double *cr, v_double_t ci, bool perhaps_known,
                           form_t form, bool slope) {
    const uint64_t all = UINT64_MAX >> (64 - LANES_TESTED);
    const reach_row_t row = {cr, ci, v_all(b->limit), v_all(b->far)};
    reach_t s;
    uint64_t inside = 0;
    if (perhaps_known) {
        inside = known_lanes(cr, ci, V_TESTED);
        if (inside == all) {
            fill_known(b, cr, V_TESTED);
            return true;
        }
    }
    if (v_any(reach_first(b, &s, &row, form))) {
        return false;
    }
    const uint64_t flying = all & ~inside;
    int steps = HM_FAR_STEP;
    uint64_t before = 0;
    reach_on(&s, &row, HM_FAR_STEP - 2, form, slope, true, false);
    const uint64_t first = s.alive & flying;
    while (s.near & flying) {
        const bool settled = steps >= PRELUDE_MOST || (s.alive == before && steps >= b->patience);
        if (settled && (!(s.near & ~s.alive & flying) || steps >= PRELUDE_MOST + HM_FAR_PATIENCE)) {
            break; /* who is near has survived */
        }
        before = s.alive;
        if (~s.near & flying) {
            reach_on(&s, &row, HM_FAR_STEP, form, slope, true, true);
        } else if (s.alive & flying) {
            reach_on(&s, &row, HM_FAR_STEP, form, slope, true, false);
        } else {
            reach_on(&s, &row, HM_FAR_STEP, form, slope, false, false);
        }
        steps += HM_FAR_STEP;
    }
    const uint64_t survive = s.alive & flying;
    if (~s.near & flying) {
        reach_finish(b, &s, form, slope);
    } else {
        reach_nowhere(b, slope);
    }
    uint32_t *out = b->out.iterations + b->at;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        v_int_store_low(out + g * V_LANES, s.z.counts[g]);
    }
    put_no_periods(b, V_TESTED);
    put_known(b, cr, inside);
    if (survive) {
        reach_push(b, &s.z, cr, ci, survive, steps, slope);
    }
    b->early += __builtin_popcountll(first) - __builtin_popcountll(survive);
    b->finished += LANES_TESTED - __builtin_popcountll(first);
    b->since_poll += (uint64_t)(steps * LANES_TESTED);
    return true;
}

#endif
