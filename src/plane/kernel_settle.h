/**
 * @file kernel_settle.h
 * Orbits that have settled on a cycle so closely that their period after max_iter updates is known
 * now, by proof. See kernel_body.h for the whole of it, kernel_known.h and hm_cycle_period() for
 * what the period of a point is.
 *
 * Let w be a value of an orbit as computed, a whole number of turns before the last one, z, and wq
 * that after q more. For |v - w| <= 3r the orbit of v stays near that of w as long as
 *
 *     dq 3r + eq <= 4e-5,  d' = m d,  e' = m e + 2e-15,  m = 2 |w| + 1e-4,  d0 = 1, e0 = 0:
 *
 * dq bounds the derivative of q updates there, eq their rounding, in any of the arithmetics (as in
 * kernel_trap.h, |w|^2 <= 3.6). u' = m u + 2 d^2 bounds the second derivative. Where, for a turn of
 * p updates, |wp - w| + dp r + ep <= r and dp <= 0.97, the disc of radius r around w is mapped into
 * itself: z is in it, and so is a point a that p updates bring back to itself.
 *
 * From z, then, the search finds p and nothing before: |wq - w| >= 1.1e-3 for 0 < q < p leaves more
 * than a thousandth between z and its orbit, while after p updates both are in the disc, of r <=
 * 1.4e-5. Newton's method begins within 2r of a. With 2r u <= 1e-3 a step divides the distance
 * by 30 at least, as |1 - slope| >= 0.03, but for rounding, which is ep / 0.03 <= 1e-11: so it
 * settles (1e-10) within a few steps, well before it has strayed beyond 3r, at a point within 2e-11
 * of a. The slope is at most 0.97: the cycle attracts. z comes nearer to it in a turn, where it is
 * farther than 1e-8 away, as 0.03 * 1e-8 exceeds those errors; and no earlier point of the cycle is
 * within 1e-8. The period is p.
 */
#ifndef HM_KERNEL_SETTLE_H
#define HM_KERNEL_SETTLE_H

#include "kernel_state.h"

enum { TURN_MOST = 30 }; /* less than period_most() in any case */

/* The square of how near an orbit has to come to where it was. Then r is twice that. */
#define HM_SETTLE_NEAR_SQUARE 4e-11
/* 1.1e-3, squared */
#define HM_APART_SQUARE 1.21e-6

/* Points that have come near to where they were, looked at together. */
typedef struct returned_t {
    double x[LANES_TESTED], y[LANES_TESTED], cr[LANES_TESTED], ci[LANES_TESTED];
    double gap[LANES_TESTED];  /* the square of how near */
    double turn[LANES_TESTED]; /* updates to the first return; 0: unknown */
    double left[LANES_TESTED]; /* updates to max_iter */
    int lane[LANES_TESTED];    /* of the flight */
    int count;
} returned_t;

/* Takes as many of the lanes `near` as there is room for, `gaps` by lane. Returns the others. */
static inline uint64_t returned_take(returned_t *r, const flight_t *f, uint64_t near,
                                     const double *gaps) {
    for (r->count = 0; near && r->count < LANES_TESTED; near &= near - 1) {
        const int lane = __builtin_ctzll(near);
        const group_t *at = &f->group[lane / V_LANES];
        const int k = lane % V_LANES;
        const int to = r->count++;
        r->x[to] = at->x[k];
        r->y[to] = at->y[k];
        r->cr[to] = at->cr[k];
        r->ci[to] = at->ci[k];
        r->gap[to] = gaps[lane];
        r->left[to] = at->due[k] - (double)f->time;
        r->lane[to] = lane;
    }
    return near;
}

/* Finds `turn`, and goes on from x and y to where a whole number of turns is left. Returns the
 * longest turn. */
HM_INLINE int settle_turns(returned_t *s, form_t form) {
    double orbit_x[TURN_MOST + 1][LANES_TESTED], orbit_y[TURN_MOST + 1][LANES_TESTED];
    v_double_t x[V_TESTED], y[V_TESTED], turn[V_TESTED];
    const uint64_t all = UINT64_MAX >> (64 - s->count);
    uint64_t open = all;
    int longest = 0;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        x[g] = v_load(s->x + g * V_LANES);
        y[g] = v_load(s->y + g * V_LANES);
        turn[g] = v_all(0.0);
    }
    for (int q = 1; q <= TURN_MOST && open; ++q) {
        HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
            v_store(orbit_x[q - 1] + g * V_LANES, x[g]);
            v_store(orbit_y[q - 1] + g * V_LANES, y[g]);
            update(&x[g], &y[g], v_load(s->cr + g * V_LANES), v_load(s->ci + g * V_LANES),
                   v_all(2.0), form, 1);
            const v_double_t dx = v_sub(x[g], v_load(s->x + g * V_LANES));
            const v_double_t dy = v_sub(y[g], v_load(s->y + g * V_LANES));
            const v_mask_t back =
                v_and(v_le(v_add(v_mul(dx, dx), v_mul(dy, dy)), v_all(HM_APART_SQUARE)),
                      v_equal(turn[g], v_all(0.0)));
            turn[g] = v_select(back, v_all(q), turn[g]);
            open &= ~((uint64_t)v_bits(back) << g * V_LANES);
        }
        longest = q;
    }
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        v_store(s->turn + g * V_LANES, turn[g]);
    }
    for (int k = 0; k < s->count; ++k) {
        const uint32_t at = s->turn[k] > 0.0 ? (uint32_t)s->left[k] % (uint32_t)s->turn[k] : 0;
        s->x[k] = orbit_x[at][k];
        s->y[k] = orbit_y[at][k];
    }
    return longest;
}

/* Which of the points have settled on a cycle of `turn` updates? See the top of the file. */
HM_INLINE uint64_t settle_close(const returned_t *s, int longest, form_t form) {
    v_double_t x[V_TESTED], y[V_TESTED], d[V_TESTED], e[V_TESTED], u[V_TESTED], r[V_TESTED];
    v_mask_t sane[V_TESTED];
    uint64_t settled = 0;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        x[g] = v_load(s->x + g * V_LANES);
        y[g] = v_load(s->y + g * V_LANES);
        d[g] = v_all(1.0);
        e[g] = u[g] = v_all(0.0);
        r[g] = v_fma(v_sqrt(v_load(s->gap + g * V_LANES)), v_all(2.0), v_all(1e-9));
        sane[g] = v_le(r[g], v_all(1.4e-5));
    }
    for (int q = 1; q <= longest; ++q) {
        HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
            const v_double_t size = v_add(v_mul(x[g], x[g]), v_mul(y[g], y[g]));
            const v_double_t m = v_fma(v_sqrt(size), v_all(2.0), v_all(1e-4));
            sane[g] = v_and(sane[g], v_le(size, v_all(3.6)));
            u[g] = v_fma(m, u[g], v_mul(v_add(d[g], d[g]), d[g]));
            e[g] = v_fma(m, e[g], v_all(2e-15));
            d[g] = v_mul(m, d[g]);
            update(&x[g], &y[g], v_load(s->cr + g * V_LANES), v_load(s->ci + g * V_LANES),
                   v_all(2.0), form, 1);
            const v_double_t dx = v_sub(x[g], v_load(s->x + g * V_LANES));
            const v_double_t dy = v_sub(y[g], v_load(s->y + g * V_LANES));
            const v_double_t gap = v_add(v_mul(dx, dx), v_mul(dy, dy));
            const v_double_t spread = v_fma(d[g], r[g], e[g]);
            sane[g] = v_and(sane[g], v_le(v_fma(spread, v_all(3.0), e[g]), v_all(4e-5)));
            const v_mask_t stays = v_le(v_add(v_sqrt(gap), spread), r[g]);
            const v_mask_t attracts =
                v_and(v_le(d[g], v_all(0.969)),
                      v_and(v_le(e[g], v_all(3e-13)), v_le(v_mul(r[g], u[g]), v_all(5e-4))));
            const v_mask_t now = v_equal(v_load(s->turn + g * V_LANES), v_all(q));
            const v_mask_t close = v_and(v_and(now, sane[g]), v_and(stays, attracts));
            settled |= (uint64_t)v_bits(close) << g * V_LANES;
            sane[g] = v_and(sane[g], v_not_le(gap, v_all(HM_APART_SQUARE)));
        }
    }
    return settled & UINT64_MAX >> (64 - s->count);
}

static __attribute__((noinline)) uint64_t settle_cycles(returned_t *s, form_t form) {
    return form == FORM_FMA ? settle_close(s, settle_turns(s, FORM_FMA), FORM_FMA)
                            : settle_close(s, settle_turns(s, FORM_PLAIN), FORM_PLAIN);
}

#endif
