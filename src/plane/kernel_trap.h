/**
 * @file kernel_trap.h
 * Orbits that can never leave, by proof: discs that are mapped into themselves. See kernel_body.h
 * for the whole of it.
 *
 * Let z0, z1, ... zk be values of an orbit as computed, and w any value with |w - z0| <= r0. With
 *
 *     r' = 2 |z| r + r^2 + 2e        (e: the rounding of one update)
 *
 * from r0 on, the orbit computed from w stays within rj of zj. If |zk - z0| + rk <= r0, then it is
 * back in the disc after k updates, so it never leaves the discs around z0 to zk. The orbit of z0
 * itself is one of these. So when the discs lie within the bailout, z0 never escapes, for any
 * number of updates and in any of the arithmetics: e bounds the rounding of them all.
 *
 * As computed here, in squares, s >= r^2: s' = s (4.02 |z|^2 + 256 s) + 1e-24. From
 * (a + b)^2 <= (1 + t) a^2 + (1 + 1 / t) b^2 with t = 0.0049, (2 |z| r + (r^2 + 2e))^2 is at most
 * 4.0196 |z|^2 s + 205.1 (s^2 + 4 e s + 4 e^2), and since e < 1e-15 the rest, 50.9 s^2 + 1e-24,
 * covers the terms with e, and 0.0004 |z|^2 s the rounding of this very computation. That e needs
 * |z| and |w| below 2: where 4.02 |z|^2 + 256 s <= 14.4, |z| + r <= 1.92, as its square shows to be
 * greatest at r = 0.03. So |w|^2 < 3.7: no bailout of 2 or more is exceeded either. Squares and the
 * double product, each below 4, are rounded by at most 2^-52, their difference as well, sums with
 * c, which are below 2, by 2^-53: e < 8e-16.
 *
 * The end, |zk - z0| <= r0 - rk, follows from |zk - z0|^2 s0 <= 0.24 (s0 - sk)^2, as
 * r0 - rk = (s0 - sk) / (r0 + rk) >= (s0 - sk) / (2 r0); the 0.24, instead of 0.25, is for
 * rounding.
 */
#ifndef HM_KERNEL_TRAP_H
#define HM_KERNEL_TRAP_H

#include "kernel_settle.h"

/* An orbit that has come this close (its square) to where it was LOOK_EVERY updates before is worth
 * the search. Then r0 is twice the distance. */
#define HM_TRAP_NEAR_SQUARE 1e-6

/* Which of the points are trapped? Only where the bailout is at least 2. */
HM_INLINE uint64_t traps_close_form(const returned_t *traps, form_t form) {
    tested_t z[V_TESTED];
    v_double_t s[V_TESTED], first_s[V_TESTED];
    v_mask_t sane[V_TESTED];
    const uint64_t all = UINT64_MAX >> (64 - traps->count);
    uint64_t trapped = 0;
    uint64_t open = all;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        z[g] = tested_begin(v_load(traps->x + g * V_LANES), v_load(traps->y + g * V_LANES));
        first_s[g] = v_fma(v_all(4.0), v_load(traps->gap + g * V_LANES), v_all(1e-20));
        s[g] = first_s[g];
        sane[g] = v_equal(s[g], s[g]);
    }
    for (int step = 0; step < TRAP_MOST && open; step += 4) {
        uint64_t still = 0;
        HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
            const v_double_t cr = v_load(traps->cr + g * V_LANES);
            const v_double_t ci = v_load(traps->ci + g * V_LANES);
            for (int k = 0; k < 4; ++k) {
                const v_double_t size = v_add(z[g].xx, z[g].yy);
                const v_double_t grow = v_fma(v_all(4.02), size, v_mul(v_all(256.0), s[g]));
                sane[g] = v_and(sane[g], v_le(grow, v_all(14.4)));
                s[g] = v_fma(s[g], grow, v_all(1e-24));
                (void)update_tested(&z[g], cr, ci, form);
                if (form == FORM_FMA) {
                    z[g].xx = v_mul(z[g].x, z[g].x);
                    z[g].yy = v_mul(z[g].y, z[g].y);
                }
            }
            const v_double_t dx = v_sub(z[g].x, v_load(traps->x + g * V_LANES));
            const v_double_t dy = v_sub(z[g].y, v_load(traps->y + g * V_LANES));
            const v_double_t moved = v_mul(first_s[g], v_add(v_mul(dx, dx), v_mul(dy, dy)));
            const v_double_t room = v_sub(first_s[g], s[g]);
            const v_mask_t closed =
                v_and(v_le(v_all(0.0), room), v_le(moved, v_mul(v_all(0.24), v_mul(room, room))));
            trapped |= (uint64_t)v_bits(v_and(sane[g], closed)) << g * V_LANES;
            still |= (uint64_t)v_bits(sane[g]) << g * V_LANES;
        }
        open &= still & ~trapped;
    }
    return trapped & all;
}

static __attribute__((noinline)) uint64_t traps_close(const returned_t *traps, form_t form) {
    return form == FORM_FMA ? traps_close_form(traps, FORM_FMA)
                            : traps_close_form(traps, FORM_PLAIN);
}

/* Are there so few that it is not worth a look every time? */
static inline bool traps_pass(body_t *b) {
    return b->traps_tried > 64 + 8 * b->traps_closed && b->traps_passed++ % 16 != 0;
}

static inline void traps_account(body_t *b, int tried, uint64_t closed) {
    b->traps_tried += tried;
    b->traps_closed += __builtin_popcountll(closed);
    if (b->traps_tried > 1 << 12) { /* what was long ago matters less */
        b->traps_tried /= 2;
        b->traps_closed /= 2;
    }
}

/* Of the lanes that have come near to where they were, `gaps` their squared distances by lane:
 * those that are trapped. */
static uint64_t find_traps(body_t *b, const flight_t *f, uint64_t near, const double *gaps) {
    uint64_t trapped = 0;
    while (near) {
        returned_t traps = {.count = 0};
        near = returned_take(&traps, f, near, gaps);
        uint64_t closed = traps_close(&traps, b->form_tested);
        traps_account(b, traps.count, closed);
        for (; closed; closed &= closed - 1) {
            trapped |= UINT64_C(1) << traps.lane[__builtin_ctzll(closed)];
        }
    }
    return trapped;
}

/* The same where periods are asked for: lanes whose period is known, and stored. */
static uint64_t find_settled(body_t *b, const flight_t *f, uint64_t near, const double *gaps) {
    uint64_t found = 0;
    while (near) {
        returned_t s = {.count = 0};
        near = returned_take(&s, f, near, gaps);
        uint64_t closed = settle_cycles(&s, b->form_tested);
        traps_account(b, s.count, closed);
        for (; closed; closed &= closed - 1) {
            const int k = __builtin_ctzll(closed);
            const group_t *at = &f->group[s.lane[k] / V_LANES];
            b->out.period[(int64_t)at->place[s.lane[k] % V_LANES]] = (uint32_t)s.turn[k];
            found |= UINT64_C(1) << s.lane[k];
        }
    }
    return found;
}

#endif
