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
    v_mask_t near[V_TESTED]; /* not far away yet */
    uint64_t some_near;      /* the same */
    uint64_t alive;          /* within the bailout */
} reach_t;

/* Where is everyone? */
HM_INLINE void reach_look(reach_t *s, int g, v_double_t limits, v_double_t far, form_t form) {
    const v_double_t size = square(s->z.x[g], s->z.y[g], form);
    const v_mask_t survives = v_le(size, limits);
    s->near[g] = v_le(size, far);
    s->z.counts[g] = v_int_count(s->z.counts[g], survives);
    s->some_near |= (uint64_t)v_bits(s->near[g]) << g * V_LANES;
    s->alive |= (uint64_t)v_bits(survives) << g * V_LANES;
}

/* One update; with `hold`, of those that are near. */
HM_INLINE void reach_on(reach_t *s, const double *cr, v_double_t ci, v_double_t limits,
                        v_double_t far, form_t form, bool slope, bool hold) {
    const v_double_t one = v_all(1.0);
    going_t *z = &s->z;
    s->some_near = s->alive = 0;
    HM_OPAQUE(cr);
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        const v_double_t c = v_load(cr + g * V_LANES);
        v_double_t x = z->x[g];
        v_double_t y = z->y[g];
        v_double_t dx = z->dx[g];
        v_double_t dy = z->dy[g];
        if (slope) {
            update_both(&x, &y, &dx, &dy, c, ci, one, form);
        } else {
            update(&x, &y, c, ci, one, form, 1);
        }
        if (hold) {
            z->made[g] = v_int_count(z->made[g], s->near[g]);
            x = v_select(s->near[g], x, z->x[g]);
            y = v_select(s->near[g], y, z->y[g]);
            dx = slope ? v_select(s->near[g], dx, z->dx[g]) : dx;
            dy = slope ? v_select(s->near[g], dy, z->dy[g]) : dy;
        }
        z->x[g] = x;
        z->y[g] = y;
        z->dx[g] = dx;
        z->dy[g] = dy;
        reach_look(s, g, limits, far, form);
    }
}

/* The channels of the batch: of those far away, and for the others what stands for inside. */
HM_INLINE void reach_finish(const body_t *b, const reach_t *s, const double *cr, v_double_t ci,
                            int free_steps, form_t form, bool slope) {
    const v_double_t one = v_all(1.0);
    const v_double_t steps = v_all(free_steps);
    float *smooth = b->out.smooth ? b->out.smooth + b->at : NULL;
    float *distance = slope ? b->out.distance + b->at : NULL;
    HM_OPAQUE(cr);
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        const v_double_t made = v_add(steps, v_of_counts(s->z.made[g]));
        const finished_t found =
            finish(s->z.x[g], s->z.y[g], s->z.dx[g], s->z.dy[g], v_load(cr + g * V_LANES), ci, made,
                   one, b->out.pixel_step, form, slope);
        if (smooth) {
            v_store_float(smooth + g * V_LANES, v_select(s->near[g], v_all(NAN), found.smooth));
        }
        if (slope) {
            v_store_float(distance + g * V_LANES, v_select(s->near[g], v_all(0.0), found.distance));
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
    const v_double_t limits = v_all(b->limit);
    const v_double_t far = v_all(b->far);
    reach_t s;
    uint64_t inside = 0;
    if (perhaps_known) {
        inside = known_lanes(cr, ci, V_TESTED);
        if (inside == all) {
            fill_known(b, cr, V_TESTED);
            return true;
        }
    }
    v_mask_t care = v_none();
    s.some_near = s.alive = 0;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) { /* the first update of z = 0 makes c */
        const v_double_t c = v_load(cr + g * V_LANES);
        const v_double_t size = square(c, ci, form);
        going_begin(&s.z, g, c, ci, v_all(1.0), v_all(0.0));
        reach_look(&s, g, limits, far, form);
        care = v_or(care, v_and(v_not_le(size, v_all(b->surely)), v_le(size, v_all(b->no_more))));
        care = v_or(care, v_not_le(size, v_all(b->far_first)));
    }
    if (v_any(care)) {
        return false;
    }
    int steps = 1;
    int free_steps = 1;
    uint64_t before = 0;
    uint64_t first = s.alive;
    bool settled = false;
    const uint64_t flying = all & ~inside;
    for (; s.some_near & flying; ++steps) {
        if (settled && !(s.some_near & ~s.alive & flying)) {
            break; /* who is near has survived */
        }
        if (steps >= PRELUDE_MOST + HM_FAR_PATIENCE) {
            break;
        }
        if ((~s.some_near & flying) == 0) {
            reach_on(&s, cr, ci, limits, far, form, slope, false);
            ++free_steps;
        } else {
            reach_on(&s, cr, ci, limits, far, form, slope, true);
        }
        if (steps % 4 == 3) {
            first = steps == 3 ? s.alive : first;
            settled = steps + 1 >= PRELUDE_MOST || (s.alive == before && steps + 1 >= b->patience);
            before = s.alive;
        }
    }
    const uint64_t survive = s.alive & flying;
    first &= flying;
    if (~s.some_near & flying) {
        reach_finish(b, &s, cr, ci, free_steps, form, slope);
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
