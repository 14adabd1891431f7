/**
 * @file kernel_far.h
 * Points that have escaped, on to where their channels can be read off. See kernel_body.h for the
 * whole of it.
 */
#ifndef HM_KERNEL_FAR_H
#define HM_KERNEL_FAR_H

#include "kernel_fly.h"

/* Vectors on their way far away; lanes that have arrived stay as they are. */
typedef struct going_t {
    v_double_t x[V_TESTED], y[V_TESTED], dx[V_TESTED], dy[V_TESTED];
    v_mask_t near[V_TESTED];  /* not yet far */
    v_int_t counts[V_TESTED]; /* updates survived */
    v_int_t made[V_TESTED];   /* updates made */
} going_t;

/* `steps` updates; the derivatives with them where they are asked for. */
HM_INLINE void go(going_t *z, const double *cr, const double *ci, int steps, v_double_t limits,
                  v_double_t add, form_t form, bool slope) {
    const v_double_t far = v_all(HM_FAR);
    for (int k = 0; k < steps; ++k) {
        HM_OPAQUE(cr);
        HM_OPAQUE(ci);
        HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
            const v_mask_t near = z->near[g];
            v_double_t x = z->x[g];
            v_double_t y = z->y[g];
            if (slope) {
                v_double_t dx = z->dx[g];
                v_double_t dy = z->dy[g];
                update_slope(&dx, &dy, x, y, add);
                z->dx[g] = v_select(near, dx, z->dx[g]);
                z->dy[g] = v_select(near, dy, z->dy[g]);
            }
            update(&x, &y, v_load(cr + g * V_LANES), v_load(ci + g * V_LANES), x, form, 1);
            x = v_select(near, x, z->x[g]);
            y = v_select(near, y, z->y[g]);
            z->x[g] = x;
            z->y[g] = y;
            z->made[g] = v_int_count(z->made[g], near);
            const v_double_t size = square(x, y, form);
            z->counts[g] = v_int_count(z->counts[g], v_le(size, limits));
            z->near[g] = v_le(size, far);
        }
    }
}

/* Channels of vectors that have arrived, into smooth[LANES_TESTED], distance[LANES_TESTED];
 * `before`: the updates before those counted. Lanes that have not get what stands for inside. */
HM_INLINE void arrive(const body_t *b, const going_t *z, const v_double_t before[V_TESTED],
                      float *smooth, float *distance, bool slope) {
    const v_double_t most = v_all(b->far_most);
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        const v_double_t made = v_add(before[g], v_of_counts(z->made[g]));
        const finished_t end =
            finish(z->x[g], z->y[g], z->dx[g], z->dy[g], made, b->out.pixel_step, slope);
        const v_double_t never = v_select(z->near[g], v_all(INFINITY), made);
        const v_mask_t arrived = v_le(never, most);
        v_store_float(smooth + g * V_LANES, v_select(arrived, end.smooth, v_all(NAN)));
        v_store_float(distance + g * V_LANES, v_select(arrived, end.distance, v_all(0.0)));
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
    going_t z;
    v_double_t before[V_TESTED];
    uint32_t found[LANES_TESTED];
    float smooth[LANES_TESTED], distance[LANES_TESTED];
    HM_OPAQUE(from);
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        const double *at = from + g * V_LANES;
        z.x[g] = v_load(at + FIELD_X * POOL);
        z.y[g] = v_load(at + FIELD_Y * POOL);
        z.dx[g] = v_load(at + FIELD_DX * POOL);
        z.dy[g] = v_load(at + FIELD_DY * POOL);
        z.near[g] = v_equal(v_all(0.0), v_all(0.0));
        z.counts[g] = v_int_zero();
        z.made[g] = v_int_zero();
        before[g] = v_sub(most, v_load(at + FIELD_LEFT * POOL));
    }
    const uint64_t real = UINT64_MAX >> (64 - lanes);
    int steps = 0;
    do {
        const int portion = steps == 0 ? ROUND : 2;
        go(&z, from + FIELD_CR * POOL, from + FIELD_CI * POOL, portion, v_all(b->limit), add, form,
           slope);
        steps += portion;
    } while (some_near(&z, real) && steps < ROUND + HM_FAR_PATIENCE);
    arrive(b, &z, before, smooth, distance, slope);
    unsigned early = 0;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        const v_double_t n = v_min(v_add(before[g], v_of_counts(z.counts[g])), most);
        v_int_store_low(found + g * V_LANES, v_int_low_of(n));
        early += (unsigned)__builtin_popcount(v_bits(v_le(n, v_all(PRELUDE_MOST))));
    }
    b->early += (int)early;
    for (int k = 0; k < lanes; ++k) {
        const int64_t place = (int64_t)from[FIELD_PLACE * POOL + k];
        b->out.iterations[place] = found[k];
        if (found[k] < b->formula->max_iter) {
            put_channels(&b->out, place, smooth[k], distance[k]);
        }
    }
    q->count -= lanes;
}

#endif
