/**
 * @file kernel_far.h
 * Points that have escaped, on to where their channels can be read off. See kernel_body.h for the
 * whole of it.
 */
#ifndef HM_KERNEL_FAR_H
#define HM_KERNEL_FAR_H

#include "kernel_fly.h"

/* Vectors on their way far away. */
typedef struct going_t {
    v_double_t x[V_TESTED], y[V_TESTED], dx[V_TESTED], dy[V_TESTED];
    v_mask_t near[V_TESTED];  /* not yet far */
    v_int_t counts[V_TESTED]; /* updates survived */
    v_int_t made[V_TESTED];   /* updates made until far */
    /* |z|^2 and the derivative when far was reached. */
    v_double_t size[V_TESTED], far_dx[V_TESTED], far_dy[V_TESTED];
} going_t;

HM_INLINE void going_begin(going_t *z, int g, v_double_t x, v_double_t y, v_double_t dx,
                           v_double_t dy, v_double_t far, form_t form) {
    z->x[g] = x;
    z->y[g] = y;
    z->dx[g] = z->far_dx[g] = dx;
    z->dy[g] = z->far_dy[g] = dy;
    z->size[g] = square(x, y, form);
    z->near[g] = v_le(z->size[g], far);
    z->counts[g] = v_int_zero();
    z->made[g] = v_int_zero();
}

/* `steps` updates; the derivatives with them where they are asked for. */
HM_INLINE void go(going_t *z, const double *cr, const double *ci, int steps, v_double_t limits,
                  v_double_t far, v_double_t add, form_t form, bool slope) {
    for (int k = 0; k < steps; ++k) {
        HM_OPAQUE(cr);
        HM_OPAQUE(ci);
        HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
            const v_mask_t near = z->near[g];
            const v_double_t c_re = v_load(cr + g * V_LANES);
            const v_double_t c_im = v_load(ci + g * V_LANES);
            if (slope) {
                update_both(&z->x[g], &z->y[g], &z->dx[g], &z->dy[g], c_re, c_im, add, form);
                z->far_dx[g] = v_select(near, z->dx[g], z->far_dx[g]);
                z->far_dy[g] = v_select(near, z->dy[g], z->far_dy[g]);
            } else {
                update(&z->x[g], &z->y[g], c_re, c_im, far, form, 1);
            }
            const v_double_t size = square(z->x[g], z->y[g], form);
            z->size[g] = v_select(near, size, z->size[g]);
            z->made[g] = v_int_count(z->made[g], near);
            z->counts[g] = v_int_count(z->counts[g], v_le(size, limits));
            z->near[g] = v_and(near, v_le(size, far));
        }
    }
}

/*
 * The channels of vector g: smooth and distance where the lane has arrived, what stands for inside
 * elsewhere; `before`: the updates before those counted, `within`: the lanes whose count is below
 * max_iter.
 */
HM_INLINE void arrive(const body_t *b, const going_t *z, int g, v_double_t before, v_mask_t within,
                      float *smooth, float *distance, bool slope) {
    const v_double_t made = v_add(before, v_of_counts(z->made[g]));
    const v_double_t never = v_select(z->near[g], v_all(INFINITY), made);
    const v_mask_t arrived = v_and(within, v_le(never, v_all(b->far_most)));
    const v_double_t log_square = finish_log2(z->size[g]);
    if (smooth) {
        v_store_float(smooth, v_select(arrived, finish_smooth(log_square, made), v_all(NAN)));
    }
    if (slope) {
        const v_double_t found = finish_distance(z->size[g], log_square, z->far_dx[g], z->far_dy[g],
                                                 1.0, b->out.pixel_step);
        v_store_float(distance, v_select(arrived, found, v_all(0.0)));
    }
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

/* Is any of the `lanes` still near? */
HM_INLINE bool some_near(const going_t *z, uint64_t lanes) {
    uint64_t near = 0;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        near |= (uint64_t)v_bits(z->near[g]) << g * V_LANES;
    }
    return (near & lanes) != 0;
}

/* Repeats the round in which the last points of the replay queue escaped, and goes on; `lanes` of
 * them. */
HM_INLINE void replay_far(body_t *b, int lanes, form_t form, bool slope) {
    points_t *q = &b->replay;
    const double *from = q->field[0] + q->count - lanes;
    const v_double_t most = v_all(b->formula->max_iter);
    const v_double_t add = v_load(b->fast.add);
    const v_double_t far = v_all(b->far);
    going_t z;
    v_double_t before[V_TESTED];
    uint32_t found[LANES_TESTED];
    float smooth[LANES_TESTED], distance[LANES_TESTED];
    HM_OPAQUE(from);
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        const double *at = from + g * V_LANES;
        going_begin(&z, g, v_load(at + FIELD_X * POOL), v_load(at + FIELD_Y * POOL),
                    v_load(at + FIELD_DX * POOL), v_load(at + FIELD_DY * POOL), far, form);
        before[g] = v_sub(most, v_load(at + FIELD_LEFT * POOL));
    }
    const uint64_t real = UINT64_MAX >> (64 - lanes);
    int steps = 0;
    do {
        const int portion = steps == 0 ? ROUND : 2;
        go(&z, from + FIELD_CR * POOL, from + FIELD_CI * POOL, portion, v_all(b->limit), far, add,
           form, slope);
        steps += portion;
    } while (some_near(&z, real) && steps < ROUND + HM_FAR_PATIENCE);
    unsigned early = 0;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        const v_double_t n = v_min(v_add(before[g], v_of_counts(z.counts[g])), most);
        v_int_store_low(found + g * V_LANES, v_int_low_of(n));
        early += (unsigned)__builtin_popcount(v_bits(v_le(n, v_all(PRELUDE_MOST))));
        arrive(b, &z, g, before[g], v_not_le(most, n), smooth + g * V_LANES, distance + g * V_LANES,
               slope);
    }
    b->early += (int)early;
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
