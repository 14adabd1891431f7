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
    v_int_t counts[V_TESTED]; /* z before the last one that were within the bailout */
    v_int_t steps[V_TESTED];  /* of HM_FAR_STEP updates, made before it was found far away */
    v_mask_t near[V_TESTED];  /* not found far away */
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
    z->steps[g] = v_int_zero();
    z->near[g] = v_equal(v_all(0.0), v_all(0.0));
}

/* One update of vector g. With `count` the z before is counted where it is within the bailout. */
HM_INLINE void go_update(going_t *z, int g, v_double_t cr, v_double_t ci, v_double_t limits,
                         v_double_t add, form_t form, bool slope, bool count) {
    v_double_t size = limits;
    if (slope) {
        update_both(&z->x[g], &z->y[g], &z->dx[g], &z->dy[g], cr, ci, add, form,
                    count ? &size : NULL);
    } else {
        tested_t at = tested_begin(z->x[g], z->y[g]);
        size = square(z->x[g], z->y[g], form);
        update_tested(&at, cr, ci, form);
        z->x[g] = at.x;
        z->y[g] = at.y;
    }
    if (count) {
        z->counts[g] = v_int_count(z->counts[g], v_le(size, limits));
    }
}

/* What was far away `before` stays there. */
HM_INLINE void go_back(going_t *z, const going_t *before, int g, bool slope) {
    z->x[g] = v_select(z->near[g], z->x[g], before->x[g]);
    z->y[g] = v_select(z->near[g], z->y[g], before->y[g]);
    if (slope) {
        z->dx[g] = v_select(z->near[g], z->dx[g], before->dx[g]);
        z->dy[g] = v_select(z->near[g], z->dy[g], before->dy[g]);
    }
}

/* At most HM_FAR_STEP updates of those that are near. */
HM_INLINE void go(going_t *z, const route_t *route, int updates, form_t form, bool slope) {
    const going_t before = *z;
    const double *cr = route->cr;
    const double *ci = route->ci;
    for (int k = 0; k < updates; ++k) {
        HM_OPAQUE(cr);
        HM_OPAQUE(ci);
        HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
            go_update(z, g, v_load(cr + g * V_LANES), v_load(ci + g * V_LANES), route->limits,
                      route->add, form, slope, true);
        }
    }
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        go_back(z, &before, g, slope);
    }
}

/* Who is near? */
HM_INLINE uint64_t go_look(going_t *z, const route_t *route, form_t form) {
    uint64_t near = 0;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        z->near[g] = v_le(square(z->x[g], z->y[g], form), route->far);
        near |= (uint64_t)v_bits(z->near[g]) << g * V_LANES;
    }
    return near & route->lanes;
}

/* A step of HM_FAR_STEP updates is over. */
HM_INLINE uint64_t go_step_over(going_t *z, const route_t *route, form_t form) {
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        z->steps[g] = v_int_count(z->steps[g], z->near[g]);
    }
    return go_look(z, route, form);
}

/* Updates made in the steps of vector g. */
HM_INLINE v_double_t go_made(const going_t *z, int g) {
    return v_mul(v_of_counts(z->steps[g]), v_all(HM_FAR_STEP));
}

/* What to finish of vector g. */
HM_INLINE void go_finish(const going_t *z, finish_t *f, int g, form_t form, bool slope) {
    f->size[g] = square(z->x[g], z->y[g], form);
    f->steep[g] = slope ? v_fma(z->dx[g], z->dx[g], v_mul(z->dy[g], z->dy[g])) : f->size[g];
}

/* What has been computed of points. */
typedef struct arrived_t {
    uint32_t counts[LANES_TESTED];
    float smooth[LANES_TESTED], distance[LANES_TESTED];
    uint64_t early; /* lanes that escaped within PRELUDE_MOST updates */
} arrived_t;

/*
 * The vectors at their goal: counts, and the channels where a lane has arrived; elsewhere what
 * stands for inside. `before`: updates before the first z that was counted; `start`: before the
 * first step; of vector g.
 */
HM_INLINE void arrive(const body_t *b, const going_t *z, const route_t *route,
                      const v_double_t *before, const v_double_t *start, form_t form, bool slope,
                      arrived_t *to) {
    const v_double_t zero = v_all(0.0);
    const v_double_t one = v_all(1.0);
    const v_double_t most = v_all(b->formula->max_iter);
    finish_t f;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        go_finish(z, &f, g, form, slope);
        f.made[g] = v_add(start[g], go_made(z, g));
    }
    finish(&f, V_TESTED, b->unit, 0, slope);
    to->early = 0;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        v_double_t count = v_add(v_sub(before[g], one), v_of_counts(z->counts[g]));
        /* A z that is left near, at the end of a prelude, has not been counted yet. */
        count = v_select(v_le(f.size[g], route->limits), v_add(count, one), count);
        count = v_select(v_le(zero, count), count, zero);
        count = v_min(count, most);
        to->early |= (uint64_t)v_bits(v_le(count, v_all(PRELUDE_MOST))) << g * V_LANES;
        v_int_store_low(to->counts + g * V_LANES, v_int_low_of(count));
        const v_double_t never = v_select(v_le(f.size[g], route->far), v_all(INFINITY), f.made[g]);
        const v_mask_t arrived = v_and(v_not_le(most, count), v_le(never, v_all(b->far_most)));
        v_store_float(to->smooth + g * V_LANES, v_select(arrived, f.smooth[g], v_all(NAN)));
        if (slope) {
            v_store_float(to->distance + g * V_LANES, v_select(arrived, f.distance[g], zero));
        }
    }
}

/* Of one lane to its place. */
static inline void arrived_put(const hm_channels_t *out, int64_t place, const arrived_t *from,
                               int k, bool slope) {
    out->iterations[place] = from->counts[k];
    if (out->smooth) {
        out->smooth[place] = from->smooth[k];
    }
    if (slope) {
        out->distance[place] = from->distance[k];
    }
}

/* Repeats the round in which the last points of the replay queue escaped, and goes on; `lanes` of
 * them. */
HM_INLINE void replay_far(body_t *b, int lanes, form_t form, bool slope) {
    points_t *q = &b->replay;
    const double *from = q->field[0] + q->count - lanes;
    const v_double_t most = v_all(b->formula->max_iter);
    v_double_t before[V_TESTED];
    arrived_t arrived;
    HM_OPAQUE(from);
    const route_t route = {.cr = from + FIELD_CR * POOL,
                           .ci = from + FIELD_CI * POOL,
                           .limits = v_all(b->limit),
                           .far = v_all(b->far),
                           .add = v_load(b->fast.add),
                           .lanes = UINT64_MAX >> (64 - lanes)};
    going_t z;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        const double *at = from + g * V_LANES;
        going_begin(&z, g, v_load(at + FIELD_X * POOL), v_load(at + FIELD_Y * POOL),
                    v_load(at + FIELD_DX * POOL), v_load(at + FIELD_DY * POOL));
    }
    uint64_t near = route.lanes; /* a round begins after a whole number of steps */
    for (int made = 0; near && made < ROUND + HM_FAR_PATIENCE; made += HM_FAR_STEP) {
        go(&z, &route, HM_FAR_STEP, form, slope);
        near = go_step_over(&z, &route, form);
    }
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        before[g] = v_sub(most, v_load(from + FIELD_LEFT * POOL + g * V_LANES));
    }
    arrive(b, &z, &route, before, before, form, slope, &arrived);
    b->early += __builtin_popcountll(arrived.early & route.lanes);
    for (int k = 0; k < lanes; ++k) {
        arrived_put(&b->out, (int64_t)from[FIELD_PLACE * POOL + k], &arrived, k, slope);
    }
    q->count -= lanes;
}

#endif
