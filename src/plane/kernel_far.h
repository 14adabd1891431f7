/**
 * @file kernel_far.h
 * Points that have escaped, on to where their channels can be read off. See kernel_body.h for the
 * whole of it.
 */
#ifndef HM_KERNEL_FAR_H
#define HM_KERNEL_FAR_H

#include "kernel_fly.h"

/* Vectors on their way far away, where they stay. */
typedef struct going_t {
    v_double_t x[V_TESTED], y[V_TESTED], dx[V_TESTED], dy[V_TESTED];
    v_int_t counts[V_TESTED]; /* z that were within the bailout */
    v_int_t made[V_TESTED];   /* updates made */
} going_t;

/* Where they go. */
typedef struct route_t {
    const double *cr, *ci;  /* [LANES_TESTED] */
    v_double_t limits, far; /* |z|^2; limits <= far */
    v_double_t add;
    uint64_t lanes; /* the others do not matter */
} route_t;

HM_INLINE void going_begin(going_t *z, int g, v_double_t x, v_double_t y, v_double_t dx,
                           v_double_t dy) {
    z->x[g] = x;
    z->y[g] = y;
    z->dx[g] = dx;
    z->dy[g] = dy;
    z->counts[g] = v_int_zero();
    z->made[g] = v_int_zero();
}

/* One update; with `hold`, of those that are near. */
HM_INLINE void go_step(going_t *z, const route_t *route, form_t form, bool slope, bool hold) {
    const double *cr = route->cr;
    const double *ci = route->ci;
    HM_OPAQUE(cr);
    HM_OPAQUE(ci);
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        const v_double_t c_re = v_load(cr + g * V_LANES);
        const v_double_t c_im = v_load(ci + g * V_LANES);
        v_double_t x = z->x[g];
        v_double_t y = z->y[g];
        v_double_t dx = z->dx[g];
        v_double_t dy = z->dy[g];
        const v_mask_t near = v_le(square(x, y, form), route->far);
        z->made[g] = v_int_count(z->made[g], near);
        z->counts[g] = v_int_count(z->counts[g], v_le(square(x, y, form), route->limits));
        if (slope) {
            update_both(&x, &y, &dx, &dy, c_re, c_im, route->add, form);
        } else {
            update(&x, &y, c_re, c_im, route->add, form, 1);
        }
        z->x[g] = hold ? v_select(near, x, z->x[g]) : x;
        z->y[g] = hold ? v_select(near, y, z->y[g]) : y;
        if (slope) {
            z->dx[g] = hold ? v_select(near, dx, z->dx[g]) : dx;
            z->dy[g] = hold ? v_select(near, dy, z->dy[g]) : dy;
        }
    }
}

/* Lanes that are near. */
HM_INLINE uint64_t lanes_near(const going_t *z, const route_t *route, form_t form) {
    uint64_t near = 0;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        near |= (uint64_t)v_bits(v_le(square(z->x[g], z->y[g], form), route->far)) << g * V_LANES;
    }
    return near & route->lanes;
}

/* At most `steps` updates, until all are far. As long as all are near nobody has to be held. */
HM_INLINE void go(going_t *z, const route_t *route, int steps, form_t form, bool slope) {
    for (int k = 0; k < steps; ++k) {
        const uint64_t near = lanes_near(z, route, form);
        if (!near) {
            break;
        }
        if (near == route->lanes) {
            go_step(z, route, form, slope, false);
        } else {
            go_step(z, route, form, slope, true);
        }
    }
}

/*
 * Vector g at its goal, after `before` updates and those made on the way: its counts, as doubles,
 * and the channels where the lane has arrived; elsewhere what stands for inside.
 */
HM_INLINE v_double_t arrive(const body_t *b, const going_t *z, const route_t *route, int g,
                            v_double_t before, form_t form, float *smooth, float *distance,
                            bool slope) {
    const v_double_t zero = v_all(0.0);
    const v_double_t one = v_all(1.0);
    const v_double_t most = v_all(b->formula->max_iter);
    const v_double_t made = v_add(before, v_of_counts(z->made[g]));
    const finished_t found =
        finish(z->x[g], z->y[g], z->dx[g], z->dy[g], v_load(route->cr + g * V_LANES),
               v_load(route->ci + g * V_LANES), made, route->add, b->out.pixel_step, form, slope);
    v_double_t count = v_add(v_sub(before, one), v_of_counts(z->counts[g]));
    /* A z that is not far, and so is left, at the end of a prelude, has not been counted yet. */
    count = v_select(v_le(found.size[0], v_all(b->step_limit)), v_add(count, one), count);
    if (b->limit > b->step_limit) {
        const v_double_t limits = v_all(b->limit);
        const v_mask_t far = v_not_le(found.size[0], route->far);
        for (int k = 0; k < 3; ++k) {
            const v_mask_t more = v_and(far, v_le(found.size[k], limits));
            count = v_select(more, v_add(count, one), count);
        }
    }
    count = v_select(v_le(zero, count), count, zero);
    count = v_min(count, most);
    const v_double_t never = v_select(v_le(found.size[0], route->far), v_all(INFINITY), made);
    const v_mask_t arrived = v_and(v_not_le(most, count), v_le(never, v_all(b->far_most)));
    if (smooth) {
        v_store_float(smooth, v_select(arrived, found.smooth, v_all(NAN)));
    }
    if (slope) {
        v_store_float(distance, v_select(arrived, found.distance, zero));
    }
    return count;
}

/* The channels of one lane to their place. */
static inline void put_channels(const hm_channels_t *out, int64_t place, float smooth,
                                float distance) {
    if (out->smooth) {
        out->smooth[place] = smooth;
    }
    if (out->distance) {
        out->distance[place] = distance;
    }
}

/* Repeats the round in which the last points of the replay queue escaped, and goes on; `lanes` of
 * them. */
HM_INLINE void replay_far(body_t *b, int lanes, form_t form, bool slope) {
    points_t *q = &b->replay;
    const double *from = q->field[0] + q->count - lanes;
    const v_double_t most = v_all(b->formula->max_iter);
    uint32_t found[LANES_TESTED];
    float smooth[LANES_TESTED], distance[LANES_TESTED];
    HM_OPAQUE(from);
    const route_t route = {.cr = from + FIELD_CR * POOL,
                           .ci = from + FIELD_CI * POOL,
                           .limits = v_all(b->step_limit),
                           .far = v_all(b->far),
                           .add = v_load(b->fast.add),
                           .lanes = UINT64_MAX >> (64 - lanes)};
    going_t z;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        const double *at = from + g * V_LANES;
        going_begin(&z, g, v_load(at + FIELD_X * POOL), v_load(at + FIELD_Y * POOL),
                    v_load(at + FIELD_DX * POOL), v_load(at + FIELD_DY * POOL));
    }
    go(&z, &route, ROUND + HM_FAR_PATIENCE, form, slope);
    unsigned early = 0;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        const v_double_t before = v_sub(most, v_load(from + FIELD_LEFT * POOL + g * V_LANES));
        const v_double_t n = arrive(b, &z, &route, g, before, form, smooth + g * V_LANES,
                                    distance + g * V_LANES, slope);
        v_int_store_low(found + g * V_LANES, v_int_low_of(n));
        early |= v_bits(v_le(n, v_all(PRELUDE_MOST))) << g * V_LANES;
    }
    b->early += __builtin_popcountll(early & route.lanes);
    float *const smooth_out = b->out.smooth;
    float *const distance_out = slope ? b->out.distance : NULL;
    for (int k = 0; k < lanes; ++k) {
        const int64_t place = (int64_t)from[FIELD_PLACE * POOL + k];
        b->out.iterations[place] = found[k];
        if (smooth_out) {
            smooth_out[place] = smooth[k];
        }
        if (distance_out) {
            distance_out[place] = distance[k];
        }
    }
    q->count -= lanes;
}

#endif
