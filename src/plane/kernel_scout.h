/**
 * @file kernel_scout.h
 * Which points fly with their derivative? See kernel_body.h for the whole of it.
 *
 * A derivative costs more than the orbit itself, and that of a point of the set is thrown away. So
 * where most updates are of such points, points fly without it first, in the flight called the
 * scout; those that escape begin again, in the flight with derivatives. The results are the same
 * either way, bit by bit: it is a matter of speed alone, decided by what became of the points
 * before.
 */
#ifndef HM_KERNEL_SCOUT_H
#define HM_KERNEL_SCOUT_H

#include "kernel_state.h"

/* What was seen is forgotten by halves whenever it is so many updates. */
#define HM_SEEN_MOST 0x1p22

/* Escaped lanes of vector g of the scout: once more from the beginning, with derivatives. */
static void depart_again(body_t *b, const flight_t *f, int g, unsigned lanes) {
    const hm_formula_t *formula = b->formula;
    const bool at_z = formula->julia || b->from_c;
    points_t *q = &b->fast.pool;
    points_make_room(q);
    for (; lanes; lanes &= lanes - 1) {
        const int k = __builtin_ctz(lanes);
        const int64_t place = (int64_t)f->group[g].place[k];
        const double re = b->re[place % b->width];
        const double im = b->im[place / b->width];
        const double values[FIELDS] = {
            at_z ? re : 0.0,      at_z ? im : 0.0,
            f->group[g].cr[k],    f->group[g].ci[k],
            f->group[g].place[k], (double)formula->max_iter - b->from_c,
            at_z ? 1.0 : 0.0,     0.0,
        };
        for (int field = 0; field < FIELDS; ++field) {
            q->field[field][q->first + q->count] = values[field];
        }
        ++q->count;
    }
}

/* Updates made so far of the points in flight. */
static double updates_aloft(const body_t *b, const flight_t *f) {
    const v_double_t most = v_all(b->formula->max_iter);
    const v_double_t now = v_all((double)f->time);
    v_double_t sum = v_all(0.0);
    double each[V_LANES];
    for (int g = 0; g < f->vectors; ++g) { /* free lanes are never due */
        const v_double_t left = v_sub(v_load(f->group[g].due), now);
        sum = v_add(sum, v_sub(most, v_min(left, most)));
    }
    v_store(each, sum);
    for (int k = 1; k < V_LANES; ++k) {
        each[0] += each[k];
    }
    return each[0];
}

/*
 * After a look's updates of flight f. With derivatives an update takes about twice the time. So the
 * scout pays where the points that stay take more updates than those that escape and are done
 * again. Points in flight are taken for ones that stay, as none of them has escaped so far.
 */
static void choose_next(body_t *b, const flight_t *f) {
    if (f != b->next) {
        return;
    }
    b->flown += (double)(LOOK_EVERY * __builtin_popcountll(f->flown));
    const double aloft = updates_aloft(b, f);
    flight_t *next = 2.0 * (b->stayed + aloft) >= b->flown ? &b->scout : &b->fast;
    if (next != f) {
        b->flown += updates_aloft(b, next) - aloft;
        b->next = next;
    }
    if (b->flown > HM_SEEN_MOST) {
        b->flown *= 0.5;
        b->stayed *= 0.5;
    }
}

#endif
