/**
 * @file kernel_period.h
 * The periods of points of the set, from z after max_iter updates (see kernel_known.h for what is
 * looked for). See kernel_body.h for the whole of it.
 */
#ifndef HM_KERNEL_PERIOD_H
#define HM_KERNEL_PERIOD_H

#include "kernel_state.h"

/* Vectors of the queue's last points while their periods are looked for. */
typedef struct cycling_t {
    v_double_t x[V_TESTED], y[V_TESTED];
    v_double_t cr[V_TESTED], ci[V_TESTED];
} cycling_t;

/* One update of the vectors; lanes outside of `moving` stay. */
HM_INLINE void cycle_step(cycling_t *z, const v_mask_t *moving, form_t form) {
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        v_double_t x = z->x[g];
        v_double_t y = z->y[g];
        update(&x, &y, z->cr[g], z->ci[g], x, form, 1);
        z->x[g] = v_select(moving[g], x, z->x[g]);
        z->y[g] = v_select(moving[g], y, z->y[g]);
    }
}

/* Orbits that repeat: after how many updates? `left` becomes what is left after whole turns. */
HM_INLINE void take_whole_turns(cycling_t *z, const double *repeats, double *left, int lanes,
                                form_t form) {
    const cycling_t start = *z;
    double turn[LANES_TESTED] = {0};
    v_mask_t all[V_TESTED];
    int unknown = 0;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        all[g] = v_equal(v_all(0.0), v_all(0.0));
    }
    for (int k = 0; k < lanes; ++k) {
        unknown += repeats[k] != 0.0;
    }
    for (double made = 1.0; unknown > 0; made += 1.0) {
        cycle_step(z, all, form);
        uint64_t back = 0;
        HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
            back |=
                (uint64_t)v_bits(v_and(v_equal(z->x[g], start.x[g]), v_equal(z->y[g], start.y[g])))
                << g * V_LANES;
        }
        for (back &= UINT64_MAX >> (64 - lanes); back; back &= back - 1) {
            const int k = __builtin_ctzll(back);
            if (repeats[k] != 0.0 && turn[k] == 0.0) {
                turn[k] = made;
                left[k] = fmod(left[k], made);
                --unknown;
            }
        }
    }
    *z = start;
}

/* Makes the `left` updates of every lane. */
HM_INLINE void go_on_to_limit(cycling_t *z, const double *left, int lanes, form_t form) {
    double most = 0.0;
    for (int k = 0; k < lanes; ++k) {
        most = left[k] > most ? left[k] : most;
    }
    for (int64_t made = 0; (double)made < most; ++made) {
        v_mask_t moving[V_TESTED];
        HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
            moving[g] = v_not_le(v_load(left + g * V_LANES), v_all((double)made));
        }
        cycle_step(z, moving, form);
    }
}

HM_INLINE void find_periods_form(body_t *b, int lanes, form_t form) {
    points_t *q = &b->periods;
    const double *from = q->field[0] + q->count - lanes;
    double left[LANES_TESTED], x[LANES_TESTED], y[LANES_TESTED], gaps[LANES_TESTED];
    double nearest[LANES_TESTED];
    uint32_t period[LANES_TESTED] = {0};
    cycling_t z;
    v_mask_t all[V_TESTED];
    uint64_t open = UINT64_MAX >> (64 - lanes);
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        z.x[g] = v_load(from + FIELD_X * POOL + g * V_LANES);
        z.y[g] = v_load(from + FIELD_Y * POOL + g * V_LANES);
        z.cr[g] = v_load(from + FIELD_CR * POOL + g * V_LANES);
        z.ci[g] = v_load(from + FIELD_CI * POOL + g * V_LANES);
        v_store(left + g * V_LANES, v_load(from + FIELD_LEFT * POOL + g * V_LANES));
        v_store(nearest + g * V_LANES, v_all(HM_PERIOD_NEAR_SQUARE));
        all[g] = v_equal(v_all(0.0), v_all(0.0));
        if (b->knowable) { /* the same, whether short cuts were taken or not */
            const unsigned known = v_bits(known_inside(z.cr[g], z.ci[g]));
            for (unsigned rest = known; rest; rest &= rest - 1) {
                const int k = g * V_LANES + __builtin_ctz(rest);
                period[k] = known_period(from[FIELD_CR * POOL + k]);
            }
            open &= ~((uint64_t)known << g * V_LANES);
        }
    }
    if (open) {
        take_whole_turns(&z, from + FIELD_DX * POOL, left, lanes, form);
        go_on_to_limit(&z, left, lanes, form);
    }
    const cycling_t start = z;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        v_store(x + g * V_LANES, z.x[g]);
        v_store(y + g * V_LANES, z.y[g]);
    }
    const int most = period_most(b->formula->max_iter);
    for (int p = 1; p <= most && open; ++p) {
        uint64_t nearer = 0;
        cycle_step(&z, all, form);
        HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
            const v_double_t gap_x = v_sub(z.x[g], start.x[g]);
            const v_double_t gap_y = v_sub(z.y[g], start.y[g]);
            const v_double_t gap = v_add(v_mul(gap_x, gap_x), v_mul(gap_y, gap_y));
            v_store(gaps + g * V_LANES, gap);
            /* An orbit that escapes after max_iter becomes not a number: that is not near. */
            const v_mask_t now = v_and(v_le(gap, v_all(HM_PERIOD_NEAR_SQUARE)),
                                       v_not_le(v_load(nearest + g * V_LANES), gap));
            nearer |= (uint64_t)v_bits(now) << g * V_LANES;
        }
        for (nearer &= open; nearer; nearer &= nearer - 1) {
            const int k = __builtin_ctzll(nearer);
            nearest[k] = gaps[k];
            period[k] = hm_cycle_period(x[k], y[k], from[FIELD_CR * POOL + k],
                                        from[FIELD_CI * POOL + k], p);
            open &= ~((uint64_t)(period[k] != 0) << k);
        }
    }
    for (int k = 0; k < lanes; ++k) {
        b->out.period[(int64_t)from[FIELD_PLACE * POOL + k]] = period[k];
    }
    b->since_poll += (uint64_t)(most * LANES_TESTED);
    q->count -= lanes;
}

static __attribute__((noinline)) void find_periods(body_t *b) {
    const int lanes = b->periods.count < LANES_TESTED ? b->periods.count : LANES_TESTED;
    if (b->form_tested == FORM_FMA) {
        find_periods_form(b, lanes, FORM_FMA);
    } else {
        find_periods_form(b, lanes, FORM_PLAIN);
    }
}

/* Appends one point of the set: z with `left` updates to max_iter. */
static void periods_push(body_t *b, double x, double y, double cr, double ci, double place,
                         double left, bool repeats) {
    points_t *q = &b->periods;
    const double values[FIELDS] = {x, y, cr, ci, place, left, repeats ? 1.0 : 0.0, 0.0};
    for (int k = 0; k < FIELDS; ++k) {
        q->field[k][q->count] = values[k];
    }
    if (++q->count >= LANES_TESTED) {
        find_periods(b);
    }
}

#endif
