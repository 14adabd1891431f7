/**
 * @file kernel_flight.h
 * Lanes in and out of a flight: escaped ones to the replay, others from the pool. See kernel_body.h
 * for the whole of it.
 */
#ifndef HM_KERNEL_FLIGHT_H
#define HM_KERNEL_FLIGHT_H

#include "kernel_far.h"
#include "kernel_period.h"
#include "kernel_scout.h"
#include "kernel_trap.h"

/* --- results --------------------------------------------------------------------------------- */

static inline void settle(const body_t *b, double place, double count) {
    const double most = b->formula->max_iter;
    b->out.iterations[(int64_t)place] = (uint32_t)(count < most ? count : most);
}

/* A point of the set; `spent` updates were made of it. */
static inline void settle_inside(const body_t *b, double place, double spent) {
    b->out.iterations[(int64_t)place] = b->formula->max_iter;
    if (b->saved && spent < b->formula->max_iter) {
        b->saved[(int64_t)place / b->width] += b->formula->max_iter - (uint64_t)spent;
    }
}

/* Repeats the round in which the last points of the replay queue escaped, `lanes` of them. */
HM_INLINE void replay_form(body_t *b, int lanes, form_t form) {
    points_t *q = &b->replay;
    const double *from = q->field[0] + q->count - lanes;
    v_double_t x[V_TESTED], y[V_TESTED];
    v_mask_t alive[V_TESTED];
    v_int_t counts[V_TESTED];
    uint32_t found[LANES_TESTED];
    const v_double_t most = v_all(b->formula->max_iter);
    HM_OPAQUE(from);
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        x[g] = v_load(from + FIELD_X * POOL + g * V_LANES);
        y[g] = v_load(from + FIELD_Y * POOL + g * V_LANES);
        counts[g] = v_int_zero();
    }
    step_tested(x, y, from + FIELD_CR * POOL, from + FIELD_CI * POOL, alive, counts, ROUND,
                v_all(b->limit), form, true);
    unsigned early = 0;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        const v_double_t left = v_load(from + FIELD_LEFT * POOL + g * V_LANES);
        const v_double_t n = v_min(v_add(v_sub(most, left), v_of_counts(counts[g])), most);
        v_int_store_low(found + g * V_LANES, v_int_low_of(n));
        early |= v_bits(v_le(n, v_all(PRELUDE_MOST))) << g * V_LANES;
    }
    b->early += __builtin_popcount(early);
    for (int k = 0; k < lanes; ++k) {
        b->out.iterations[(int64_t)from[FIELD_PLACE * POOL + k]] = found[k];
    }
    q->count -= lanes;
}

static __attribute__((noinline)) void replay_plain(body_t *b, int lanes) {
    replay_form(b, lanes, FORM_PLAIN);
}
static __attribute__((noinline)) void replay_fma(body_t *b, int lanes) {
    replay_form(b, lanes, FORM_FMA);
}
static __attribute__((noinline)) void replay_channels(body_t *b, int lanes) {
    const bool slope = b->level == LEVEL_DISTANCE;
    if (b->form_tested == FORM_FMA && slope) {
        replay_far(b, lanes, FORM_FMA, true);
    } else if (b->form_tested == FORM_FMA) {
        replay_far(b, lanes, FORM_FMA, false);
    } else if (slope) {
        replay_far(b, lanes, FORM_PLAIN, true);
    } else {
        replay_far(b, lanes, FORM_PLAIN, false);
    }
}

static void replay(body_t *b) {
    const int lanes = b->replay.count < LANES_TESTED ? b->replay.count : LANES_TESTED;
    if (b->level > LEVEL_COUNT) {
        replay_channels(b, lanes);
    } else if (b->form_tested == FORM_FMA) {
        replay_fma(b, lanes);
    } else {
        replay_plain(b, lanes);
    }
}

/* --- lanes in and out ------------------------------------------------------------------------ */

/* Escaped lanes of vector g: to the replay queue with the state at the start of the round in which
 * they escaped. */
HM_INLINE void depart(body_t *b, const flight_t *f, int g, unsigned lanes, form_t form,
                      bool slope) {
    const group_t *from = &f->group[g];
    const v_double_t limits = v_load(f->limit);
    const v_double_t round_length = v_all(ROUND);
    HM_OPAQUE(from);
    v_double_t x = v_load(from->kept[0].x);
    v_double_t y = v_load(from->kept[0].y);
    v_double_t dx = slope ? v_load(f->slope[g].kept[0].x) : x;
    v_double_t dy = slope ? v_load(f->slope[g].kept[0].y) : y;
    v_double_t began = v_all((double)(f->time - (int64_t)f->rounds * ROUND));
    for (int round = 1; round < f->rounds; ++round) {
        const v_double_t later_x = v_load(from->kept[round].x);
        const v_double_t later_y = v_load(from->kept[round].y);
        const v_mask_t survives = v_le(square(later_x, later_y, form), limits);
        x = v_select(survives, later_x, x);
        y = v_select(survives, later_y, y);
        began = v_select(survives, v_add(began, round_length), began);
        if (slope) {
            dx = v_select(survives, v_load(f->slope[g].kept[round].x), dx);
            dy = v_select(survives, v_load(f->slope[g].kept[round].y), dy);
        }
    }
    const v_double_t left = v_sub(v_load(from->due), began);
    const v_double_t values[FIELDS] = {
        x, y, v_load(from->cr), v_load(from->ci), v_load(from->place), left, dx, dy};
    points_push(&b->replay, lanes, values, slope ? FIELDS : FIELDS_PLAIN);
}

/* Escaped lanes of the careful flight: their counts are known. With a bailout below 2, orbits that
 * leave after max_iter may well come back: they have periods as others have. */
static void depart_careful(body_t *b, const flight_t *f, uint64_t lanes) {
    const double most = b->formula->max_iter;
    const double began = (double)(f->time - ROUNDS_CAREFUL * ROUND);
    for (; lanes; lanes &= lanes - 1) {
        const group_t *from = &f->group[__builtin_ctzll(lanes) / V_LANES];
        const int k = __builtin_ctzll(lanes) % V_LANES;
        const double left = from->due[k] - began;
        const double survived = (double)from->counts[k];
        settle(b, from->place[k], most - left + survived);
        if (b->out.period && survived >= left) {
            periods_push(b, from->kept[0].x[k], from->kept[0].y[k], from->cr[k], from->ci[k],
                         from->place[k], left, false);
        }
    }
}

/* Why points of the set leave a flight. */
typedef enum leave_t {
    LEAVE_DUE,     /* at max_iter */
    LEAVE_REPEATS, /* on the way to it: their orbits repeat */
    LEAVE_TRAPPED  /* the same: they cannot leave; no period is asked for, or it is stored */
} leave_t;

static void depart_inside(body_t *b, const flight_t *f, uint64_t lanes, leave_t why) {
    const double now = (double)f->time;
    for (; lanes; lanes &= lanes - 1) {
        const group_t *from = &f->group[__builtin_ctzll(lanes) / V_LANES];
        const int k = __builtin_ctzll(lanes) % V_LANES;
        const double spent = b->formula->max_iter - (from->due[k] - now);
        settle_inside(b, from->place[k], spent);
        b->stayed += f == b->next ? spent : 0.0;
        if (!b->out.period || why == LEAVE_TRAPPED) {
            continue;
        }
        if (why == LEAVE_REPEATS) {
            periods_push(b, from->x[k], from->y[k], from->cr[k], from->ci[k], from->place[k],
                         from->due[k] - now, true);
        } else { /* the last state kept that is not beyond max_iter */
            int round = f->careful ? 0 : f->rounds - 1;
            double at = now - (f->careful ? ROUNDS_CAREFUL * ROUND : ROUND);
            for (; round > 0 && at > from->due[k]; --round) {
                at -= ROUND;
            }
            periods_push(b, from->kept[round].x[k], from->kept[round].y[k], from->cr[k],
                         from->ci[k], from->place[k], from->due[k] - at, false);
        }
    }
}

HM_INLINE void fill(double *array, v_double_t fresh, v_filling_t filling) {
    v_store(array, v_expand(v_load(array), fresh, filling));
}

/* The same where all lanes get one value. */
HM_INLINE void fill_all(double *array, double value, v_filling_t filling) {
    v_store(array, v_refill(v_load(array), v_all(value), filling));
}

/* Is there a vector of points side by side that need no prelude? */
static inline bool raw_points(const body_t *b, const flight_t *f) {
    return b->raw > 0 && b->at < b->points && f == b->next;
}

/* The last few points of a row, fewer than a vector, to the pool. */
static void raw_tail(body_t *b, points_t *q) {
    const hm_formula_t *formula = b->formula;
    double re[V_LANES] = {0};
    const int count = (int)(b->width - b->column);
    memcpy(re, b->re + b->column, (size_t)count * sizeof *re);
    const v_double_t zr = v_load(re);
    const v_double_t zi = v_all(b->im[b->row]);
    const bool at_z = formula->julia || b->from_c;
    const v_double_t values[FIELDS] = {
        at_z ? zr : v_all(0.0),
        at_z ? zi : v_all(0.0),
        formula->julia ? v_all(formula->julia_re) : zr,
        formula->julia ? v_all(formula->julia_im) : zi,
        v_add(v_all((double)b->at), v_lane_numbers()),
        v_all(b->left_first),
        v_all(at_z ? 1.0 : 0.0),
        v_all(0.0),
    };
    points_make_room(q);
    points_push(q, (1u << count) - 1u, values, FIELDS);
    b->at += count;
    b->raw -= count;
    b->column = 0;
    ++b->row;
}

/* Free lanes of vector g: the next points of the row, as they are. */
HM_INLINE void board_raw(body_t *b, flight_t *f, int g, unsigned lanes, bool slope) {
    const hm_formula_t *formula = b->formula;
    group_t *to = &f->group[g];
    HM_OPAQUE(to);
    const v_filling_t filling = v_route_expand(lanes);
    const v_double_t zr = v_load(b->re + b->column);
    const double zi = b->im[b->row];
    if (formula->julia) {
        fill(to->x, zr, filling);
        fill_all(to->y, zi, filling);
        fill_all(to->cr, formula->julia_re, filling);
        fill_all(to->ci, formula->julia_im, filling);
    } else {
        fill(to->x, b->from_c ? zr : v_all(0.0), filling);
        fill_all(to->y, b->from_c ? zi : 0.0, filling);
        fill(to->cr, zr, filling);
        fill_all(to->ci, zi, filling);
    }
    fill(to->place, v_add(v_all((double)b->at), v_lane_numbers()), filling);
    fill_all(to->due, b->left_first + (double)f->time, filling);
    if (b->exact) {
        fill_all(to->seen_x, NAN, filling);
    }
    if (slope) {
        fill_all(f->slope[g].x, formula->julia || b->from_c ? 1.0 : 0.0, filling);
        fill_all(f->slope[g].y, 0.0, filling);
    }
    const int count = __builtin_popcount(lanes);
    b->at += count;
    b->raw -= count;
    b->column += count;
}

/* Free lanes of vector g: the next points of the pool, or a point that stays at 0. */
HM_INLINE void board_pool(body_t *b, flight_t *f, int g, unsigned lanes, bool slope) {
    points_t *q = &f->pool;
    group_t *to = &f->group[g];
    unsigned taken = lanes;
    int count = __builtin_popcount(lanes);
    HM_OPAQUE(to);
    if (q->count < count) {
        const v_filling_t all = v_route_expand(lanes);
        fill_all(to->x, 0.0, all);
        fill_all(to->y, 0.0, all);
        fill_all(to->cr, 0.0, all);
        fill_all(to->ci, 0.0, all);
        fill_all(to->due, INFINITY, all);
        for (; count > q->count; --count) {
            taken &= taken - 1;
        }
        f->flown &= ~((uint64_t)lanes << g * V_LANES);
        f->flown |= (uint64_t)taken << g * V_LANES;
    }
    const double *from = q->field[0] + q->first;
    HM_OPAQUE(from);
    const v_filling_t filling = v_route_expand(taken);
    const v_double_t now = v_all((double)f->time);
    fill(to->x, v_load(from + FIELD_X * POOL), filling);
    fill(to->y, v_load(from + FIELD_Y * POOL), filling);
    fill(to->cr, v_load(from + FIELD_CR * POOL), filling);
    fill(to->ci, v_load(from + FIELD_CI * POOL), filling);
    fill(to->place, v_load(from + FIELD_PLACE * POOL), filling);
    fill(to->due, v_add(v_load(from + FIELD_LEFT * POOL), now), filling);
    if (b->exact) {
        fill_all(to->seen_x, NAN, filling);
    }
    if (slope) {
        fill(f->slope[g].x, v_load(from + FIELD_DX * POOL), filling);
        fill(f->slope[g].y, v_load(from + FIELD_DY * POOL), filling);
    }
    q->first += count;
    q->count -= count;
}

HM_INLINE void board(body_t *b, flight_t *f, int g, unsigned lanes, bool slope) {
    if (f->pool.count < V_LANES && raw_points(b, f)) {
        if (b->width - b->column < V_LANES) {
            raw_tail(b, &f->pool);
        }
        if (b->at < b->points) {
            board_raw(b, f, g, lanes, slope);
            return;
        }
    }
    board_pool(b, f, g, lanes, slope);
}

/* Lanes that have reached max_iter. */
static uint64_t lanes_due(const flight_t *f) {
    uint64_t lanes = 0;
    for (int g = 0; g < f->vectors; ++g) {
        lanes |= (uint64_t)v_bits(v_le(v_load(f->group[g].due), v_all((double)f->time)))
                 << g * V_LANES;
    }
    return lanes;
}

static int64_t soonest_due(const flight_t *f) {
    v_double_t soonest = v_all(0x1p62);
    for (int g = 0; g < f->vectors; ++g) {
        soonest = v_min(soonest, v_load(f->group[g].due));
    }
    double each[V_LANES];
    v_store(each, soonest);
    double least = each[0];
    for (int k = 1; k < V_LANES; ++k) {
        least = each[k] < least ? each[k] : least;
    }
    return (int64_t)least;
}

/* After blocks: `escaped` lanes and lanes at max_iter leave, free ones are filled. */
HM_INLINE void turn_over_form(body_t *b, flight_t *f, uint64_t escaped, form_t form, bool slope) {
    const bool some_due = f->time >= f->next_due;
    escaped &= f->flown;
    uint64_t out = escaped;
    f->escapes += __builtin_popcountll(escaped);
    if (some_due) {
        const uint64_t due = lanes_due(f) & ~escaped;
        depart_inside(b, f, due, LEAVE_DUE);
        out |= due;
    }
    if (f->careful) {
        depart_careful(b, f, escaped);
        escaped = 0;
    }
    if (f->flown != f->all) {
        out |= f->all & ~f->flown;
        f->flown = f->all; /* board() takes back what it cannot fill */
    }
    for (uint64_t rest = out; rest;) {
        const int g = __builtin_ctzll(rest) / V_LANES;
        const unsigned gone = (unsigned)(escaped >> g * V_LANES) & ALL_LANES;
        if (gone && f->scout) {
            depart_again(b, f, g, gone);
        } else if (gone) {
            depart(b, f, g, gone, form, slope);
        }
        board(b, f, g, (unsigned)(out >> g * V_LANES) & ALL_LANES, slope);
        rest &= ~((uint64_t)ALL_LANES << g * V_LANES);
    }
    while (b->replay.count >= LANES_TESTED) {
        replay(b);
    }
    const int64_t soonest = f->time + b->formula->max_iter - b->prelude_longest;
    f->next_due = some_due ? soonest_due(f) : f->next_due < soonest ? f->next_due : soonest;
}

static __attribute__((noinline)) void turn_over_plain(body_t *b, flight_t *f, uint64_t escaped) {
    turn_over_form(b, f, escaped, FORM_PLAIN, false);
}
static __attribute__((noinline)) void turn_over_fma(body_t *b, flight_t *f, uint64_t escaped) {
    turn_over_form(b, f, escaped, FORM_FMA, false);
}
static __attribute__((noinline)) void turn_over_slope(body_t *b, flight_t *f, uint64_t escaped) {
    if (b->form_tested == FORM_FMA) {
        turn_over_form(b, f, escaped, FORM_FMA, true);
    } else {
        turn_over_form(b, f, escaped, FORM_PLAIN, true);
    }
}

static inline void turn_over(body_t *b, flight_t *f, uint64_t escaped) {
    if (b->level == LEVEL_DISTANCE && !f->scout) {
        turn_over_slope(b, f, escaped);
    } else if (b->form_tested == FORM_FMA) {
        turn_over_fma(b, f, escaped);
    } else {
        turn_over_plain(b, f, escaped);
    }
}

/* --- looking up ------------------------------------------------------------------------------ */

/*
 * Orbits that repeat, exactly, in their doubles, repeat for ever: the point never escapes (Brent's
 * cycle detection, 1980, with a reference that is renewed when its age exceeds a quarter of the
 * orbit's, or a look). Orbits that have come near their reference may be trapped for ever, which is
 * as good. Leaves the lanes free for the next turn_over().
 */
static void find_cycles(body_t *b, flight_t *f) {
    const v_double_t now = v_all((double)f->time);
    const v_double_t most = v_all(b->formula->max_iter);
    const v_double_t nearby = v_all(b->out.period ? HM_SETTLE_NEAR_SQUARE : HM_TRAP_NEAR_SQUARE);
    /* Who has not settled now may need long: periods are tried when references are renewed. */
    const v_double_t patient = v_all(b->out.period ? (double)f->time : INFINITY);
    uint64_t cycles = 0;
    uint64_t near = 0;
    double gaps[LANES_MOST];
    for (int g = 0; g < f->vectors; ++g) {
        group_t *at = &f->group[g];
        const v_double_t x = v_load(at->x);
        const v_double_t y = v_load(at->y);
        const v_double_t seen_x = v_load(at->seen_x);
        const v_double_t seen_y = v_load(at->seen_y);
        cycles |= (uint64_t)v_bits(v_and(v_equal(x, seen_x), v_equal(y, seen_y))) << g * V_LANES;
        const v_double_t dx = v_sub(x, seen_x);
        const v_double_t dy = v_sub(y, seen_y);
        const v_double_t gap = v_add(v_mul(dx, dx), v_mul(dy, dy));
        v_store(gaps + g * V_LANES, gap);
        const v_double_t renew = v_load(at->renew);
        const v_mask_t tried = v_and(v_le(gap, nearby), v_le(renew, patient));
        near |= (uint64_t)v_bits(tried) << g * V_LANES;
        const v_mask_t old = v_or(v_le(renew, now), v_not_le(seen_x, seen_x));
        const v_double_t age = v_sub(most, v_sub(v_load(at->due), now));
        const v_double_t hold = v_mul(age, v_all(0.25));
        v_store(at->seen_x, v_select(old, x, seen_x));
        v_store(at->seen_y, v_select(old, y, seen_y));
        v_store(at->renew, v_select(old, v_add(now, hold), renew));
    }
    cycles &= f->flown;
    near &= f->flown;
    near &= b->out.period ? near : ~cycles;
    uint64_t trapped = 0;
    if (b->traps && near && !traps_pass(b)) {
        trapped = b->out.period ? find_settled(b, f, near, gaps) : find_traps(b, f, near, gaps);
        depart_inside(b, f, trapped, LEAVE_TRAPPED);
    }
    depart_inside(b, f, cycles & ~trapped, LEAVE_REPEATS);
    cycles |= trapped;
    if (b->known && cycles) {
        b->raw = 0; /* perhaps a prelude would recognise the next ones */
    }
    f->flown &= ~cycles;
    for (; cycles; cycles &= cycles - 1) {
        const int lane = __builtin_ctzll(cycles);
        f->group[lane / V_LANES].due[lane % V_LANES] = INFINITY;
    }
}

/*
 * Rounds in a block, whose updates must be a divisor of LOOK_EVERY. A block costs its test and the
 * exchange of lanes, about 4 updates of every lane; an escape costs the lane half a block, and some
 * for finding its round. The sum is least when a block has the square root of 4 times the updates
 * of a point's life.
 */
static int best_rounds(int64_t updates, int64_t escapes) {
    const int64_t best_square = 4 * updates / (escapes + 1);
    return best_square < 14 * 14 ? 1 : best_square < 31 * 31 ? 3 : 5;
}

static void look(body_t *b, flight_t *f) {
    f->next_look += LOOK_EVERY;
    if (b->exact) {
        find_cycles(b, f);
    }
    if (!f->careful) {
        f->rounds = best_rounds((int64_t)LOOK_EVERY * f->vectors * V_LANES, f->escapes);
    }
    f->escapes = 0;
    if (b->level == LEVEL_DISTANCE) {
        choose_next(b, f);
    }
    if (b->early > RAW_RUN / 20) {
        b->raw = 0; /* a prelude does those cheaper */
    }
}

/* --- a flight -------------------------------------------------------------------------------- */

/* Flies until the pool runs low, or, when draining, until no lane is in use. HM_STOPPED when asked
 * to give up. */
static hm_status_t fly_on(body_t *b, flight_t *f, bool drain) {
    hm_status_t status = HM_OK;
    const int lanes = f->vectors * V_LANES;
    while (drain ? f->pool.count > 0 || f->flown : f->pool.count >= lanes || raw_points(b, f)) {
        uint64_t escaped = 0;
        const int64_t began = f->time;
        if (f->flown) { /* else the first points board */
            const int64_t until = f->next_due < f->next_look ? f->next_due : f->next_look;
            escaped = f->careful ? fly_careful(f, b->form_tested)
                      : f->scout ? fly_fast(f, until, b->form_scout, false)
                                 : fly_fast(f, until, b->form, b->level == LEVEL_DISTANCE);
        }
        turn_over(b, f, escaped);
        if (f->scout && b->fast.pool.count >= b->fast.vectors * V_LANES) {
            HM_TRY(fly_on(b, &b->fast, false));
        }
        if (f->time >= f->next_look) {
            look(b, f);
        }
        b->since_poll += (uint64_t)((f->time - began) * lanes);
        if (asked_to_stop(b)) {
            status = HM_STOPPED;
            goto cleanup;
        }
    }
cleanup:
    return status;
}

/* With `slope` it has derivatives. Queues are written before they are read. */
static void flight_clear(flight_t *f, double limit, double add, bool careful, bool slope) {
    memset(f->group, 0, sizeof f->group);
    if (slope) {
        memset(f->slope, 0, sizeof f->slope);
    }
    f->pool.first = f->pool.count = 0;
    f->flown = 0;
    f->time = f->escapes = 0;
    f->scout = false;
    for (int k = 0; k < V_LANES; ++k) {
        f->limit[k] = limit;
        f->add[k] = add;
        for (int g = 0; g < VECTORS_MOST; ++g) {
            f->group[g].due[k] = INFINITY;
            f->group[g].seen_x[k] = NAN;
        }
    }
    f->next_due = INT64_MAX;
    f->next_look = LOOK_EVERY;
    f->careful = careful;
    f->vectors = careful ? V_TESTED : slope ? VECTORS_SLOPE : VECTORS_FLIGHT;
    f->all = UINT64_MAX >> (64 - f->vectors * V_LANES);
    f->rounds = careful ? ROUNDS_CAREFUL : 3;
}

#endif
