/**
 * @file kernel_flight.h
 * Flights: lanes that make blocks of updates, are filled from a pool and emptied into a replay
 * queue. See kernel_body.h for the whole of it.
 *
 * Everything a lane has is a double, whole numbers included (exact to 2^53), so that one kind of
 * vector moves it all.
 */
#ifndef HM_KERNEL_FLIGHT_H
#define HM_KERNEL_FLIGHT_H

#include <math.h>
#include <string.h>

#include "kernel_private.h"
#include "kernel_update.h"

enum {
    LANES_FLIGHT = V_FLIGHT * V_LANES,
    LANES_TESTED = V_TESTED * V_LANES, /* points prepared, or replayed, at once */
    LANES_MOST = LANES_FLIGHT > LANES_TESTED ? LANES_FLIGHT : LANES_TESTED,
    VECTORS_MOST = LANES_MOST / V_LANES,
    ALL_LANES = (1 << V_LANES) - 1,
    POOL = 4 * LANES_MOST + LANES_TESTED + V_LANES,
    STEPS_UNROLLED = 4,
    ROUND = 8,         /* updates between two states kept */
    ROUNDS_MOST = 6,   /* in a block */
    PRELUDE_MOST = 32, /* updates that a point may have behind it when it boards */
    /* Every so many updates a flight looks up: orbits that repeat are found, blocks get their
     * length. It has many divisors: an orbit whose period is one of them is found at once. */
    LOOK_EVERY = 240,
    UPDATES_PER_POLL = 1 << 22
};

/* A queue of points, consecutive in arrays: vectors are stored and loaded at any place. */
typedef struct points_t {
    double x[POOL], y[POOL];   /* z */
    double cr[POOL], ci[POOL]; /* c */
    double place[POOL];        /* index into the outputs */
    double left[POOL];         /* max_iter less the updates behind z */
    int first, count;
} points_t;

/* The state of all lanes at the start of a round. */
typedef struct state_t {
    double x[LANES_MOST], y[LANES_MOST];
} state_t;

/* The lanes of a flight. Sets of lanes are words of 64 bits, lane 0 lowest. */
typedef struct flight_t {
    _Alignas(64) double x[LANES_MOST];
    double y[LANES_MOST];
    double cr[LANES_MOST], ci[LANES_MOST];
    double limit[V_LANES];                         /* bailout^2 */
    state_t kept[ROUNDS_MOST];                     /* of the rounds of the last block */
    double place[LANES_MOST];                      /* index into the outputs */
    double due[LANES_MOST];                        /* when max_iter is reached; infinite: free */
    double seen_x[LANES_MOST], seen_y[LANES_MOST]; /* an earlier z; not a number: none yet */
    double renew[LANES_MOST];                      /* when that is to be replaced */
    int64_t counts[LANES_MOST];                    /* careful: updates survived in the block */
    points_t pool;
    uint64_t flown;    /* lanes in use */
    uint64_t all;      /* lanes there are */
    int64_t time;      /* updates made by every lane so far */
    int64_t next_due;  /* a lower bound of all `due` */
    int64_t next_look; /* a multiple of LOOK_EVERY */
    int64_t escapes;   /* since the last look */
    int vectors;
    int rounds; /* in a block, whose updates are a divisor of LOOK_EVERY */
    bool careful;
} flight_t;

/* What is being computed. */
typedef struct body_t {
    const hm_formula_t *formula;
    const hm_poll_t *poll;
    const double *re, *im;
    int64_t width;
    uint32_t *iterations;
    uint64_t *saved;         /* per row: updates that a short cut made unnecessary; may be NULL */
    int64_t points;          /* in this portion of the tile */
    int64_t at, row, column; /* next point to prepare */
    form_t form, form_tested;
    bool exact;             /* short cuts? */
    bool known;             /* among them: does known_inside() hold here? */
    double limit;           /* bailout^2 */
    double surely, no_more; /* |c|^2 between these: careful */
    bool all_careful;
    uint64_t since_poll;
    points_t replay;
    flight_t fast, careful;
} body_t;

/* --- blocks of updates ----------------------------------------------------------------------- */

/* Keeps the compiler from carrying c in registers: x and y need them all. */
#define HM_OPAQUE(pointer) __asm__ volatile("" : "+r"(pointer))

/* One round of the vectors in flight. */
HM_INLINE void fly_round(v_double_t *x, v_double_t *y, const flight_t *f, form_t form) {
    const v_double_t two = v_all(2.0);
    HM_UNROLL for (int g = 0; g < V_FLIGHT; ++g) {
        V_PIN(x[g]); /* or squares are kept from before, and spilled */
        V_PIN(y[g]);
    }
    for (int step = 0; step < ROUND; step += STEPS_UNROLLED) {
        HM_UNROLL for (int k = 0; k < STEPS_UNROLLED; ++k) {
            HM_OPAQUE(f);
            HM_UNROLL for (int g = 0; g < V_FLIGHT; ++g) {
                update(&x[g], &y[g], v_load(f->cr + g * V_LANES), v_load(f->ci + g * V_LANES), two,
                       form, g);
            }
        }
    }
}

/* Blocks until the time is `until` or more, or lanes have escaped. Returns those lanes. */
HM_INLINE uint64_t fly(flight_t *f, int64_t until, form_t form) {
    v_double_t x[V_FLIGHT], y[V_FLIGHT];
    HM_UNROLL for (int g = 0; g < V_FLIGHT; ++g) {
        x[g] = v_load(f->x + g * V_LANES);
        y[g] = v_load(f->y + g * V_LANES);
    }
    bool some = false;
    do {
        state_t *kept = f->kept;
        for (int round = f->rounds; round > 0; --round) {
            HM_UNROLL for (int g = 0; g < V_FLIGHT; ++g) {
                v_store(kept->x + g * V_LANES, x[g]);
                v_store(kept->y + g * V_LANES, y[g]);
            }
            ++kept;
            fly_round(x, y, f, form);
        }
        HM_OPAQUE(f);
        v_mask_t escaped = v_none();
        HM_UNROLL for (int g = 0; g < V_FLIGHT; ++g) {
            escaped = v_or(escaped, v_not_le(square(x[g], y[g], form), v_load(f->limit)));
        }
        some = v_any(escaped);
        f->time += (int64_t)f->rounds * ROUND;
    } while (!some && f->time < until);
    uint64_t lanes = 0;
    HM_UNROLL for (int g = 0; g < V_FLIGHT; ++g) {
        v_store(f->x + g * V_LANES, x[g]);
        v_store(f->y + g * V_LANES, y[g]);
        if (some) {
            lanes |= (uint64_t)v_bits(v_not_le(square(x[g], y[g], form), v_load(f->limit)))
                     << g * V_LANES;
        }
    }
    return lanes;
}

static __attribute__((noinline)) uint64_t fly_plain(flight_t *f, int64_t until) {
    return fly(f, until, FORM_PLAIN);
}
static __attribute__((noinline)) uint64_t fly_mixed(flight_t *f, int64_t until) {
    return fly(f, until, FORM_MIXED);
}
static __attribute__((noinline)) uint64_t fly_fma(flight_t *f, int64_t until) {
    return fly(f, until, FORM_FMA);
}

/**
 * `steps` updates of V_TESTED vectors, every one tested. counts: one more for every update that the
 * lane survives; alive: the lanes that survived the last. With `sticky` who has escaped is known to
 * stay escaped; without, `alive` also goes in, and remembers.
 */
HM_INLINE void step_tested(v_double_t *x, v_double_t *y, const double *cr, const double *ci,
                           v_mask_t *alive, v_int_t *counts, int steps, v_double_t limits,
                           form_t form, bool sticky) {
    tested_t z[V_TESTED];
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        z[g] = tested_begin(x[g], y[g]);
    }
    for (int k = 0; k < steps; ++k) {
        HM_OPAQUE(cr);
        HM_OPAQUE(ci);
        HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
            const v_double_t size =
                update_tested(&z[g], v_load(cr + g * V_LANES), v_load(ci + g * V_LANES), form);
            const v_mask_t survives = v_le(size, limits);
            alive[g] = sticky ? survives : v_and(alive[g], survives);
            counts[g] = v_int_count(counts[g], alive[g]);
        }
    }
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        x[g] = z[g].x;
        y[g] = z[g].y;
    }
}

/* --- results --------------------------------------------------------------------------------- */

static inline void settle(const body_t *b, double place, double count) {
    const double most = b->formula->max_iter;
    b->iterations[(int64_t)place] = (uint32_t)(count < most ? count : most);
}

/* Points of the set; `spent` updates were made of each. */
static inline void settle_inside(const body_t *b, double place, double spent) {
    b->iterations[(int64_t)place] = b->formula->max_iter;
    if (b->saved && spent < b->formula->max_iter) {
        b->saved[(int64_t)place / b->width] += b->formula->max_iter - (uint64_t)spent;
    }
}

/* Repeats the round in which the last points of the replay queue escaped, `lanes` of them. */
HM_INLINE void replay_form(body_t *b, int lanes, form_t form) {
    points_t *q = &b->replay;
    v_double_t x[V_TESTED], y[V_TESTED];
    v_mask_t alive[V_TESTED];
    v_int_t counts[V_TESTED];
    uint32_t found[LANES_TESTED];
    const v_double_t most = v_all(b->formula->max_iter);
    const int from = q->count - lanes;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        x[g] = v_load(q->x + from + g * V_LANES);
        y[g] = v_load(q->y + from + g * V_LANES);
        counts[g] = v_int_zero();
    }
    step_tested(x, y, q->cr + from, q->ci + from, alive, counts, ROUND, v_all(b->limit), form,
                true);
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        const v_double_t before = v_sub(most, v_load(q->left + from + g * V_LANES));
        const v_double_t n = v_min(v_add(before, v_of_counts(counts[g])), most);
        v_int_store_low(found + g * V_LANES, v_int_low_of(n));
    }
    for (int k = 0; k < lanes; ++k) {
        b->iterations[(int64_t)q->place[from + k]] = found[k];
    }
    q->count = from;
}

static __attribute__((noinline)) void replay(body_t *b) {
    const int lanes = b->replay.count < LANES_TESTED ? b->replay.count : LANES_TESTED;
    if (b->form_tested == FORM_FMA) {
        replay_form(b, lanes, FORM_FMA);
    } else {
        replay_form(b, lanes, FORM_PLAIN);
    }
}

static inline void replay_all(body_t *b) {
    while (b->replay.count > 0) {
        replay(b);
    }
}

/* --- lanes in and out ------------------------------------------------------------------------ */

/* Makes room for LANES_TESTED more points behind the last one. */
static inline void pool_make_room(points_t *q) {
    if (q->first + q->count + LANES_TESTED + V_LANES > POOL) {
        double *const arrays[] = {q->x, q->y, q->cr, q->ci, q->place, q->left};
        for (int k = 0; k < 6; ++k) {
            memmove(arrays[k], arrays[k] + q->first, (size_t)q->count * sizeof(double));
        }
        q->first = 0;
    }
}

HM_INLINE void points_push(points_t *q, unsigned lanes, const v_double_t values[6]) {
    const int to = q->first + q->count;
    const v_route_t route = v_route_compress(lanes);
    v_store(q->x + to, v_compress(values[0], route));
    v_store(q->y + to, v_compress(values[1], route));
    v_store(q->cr + to, v_compress(values[2], route));
    v_store(q->ci + to, v_compress(values[3], route));
    v_store(q->place + to, v_compress(values[4], route));
    v_store(q->left + to, v_compress(values[5], route));
    q->count += __builtin_popcount(lanes);
}

/* Escaped lanes of vector g: to the replay queue with the state at the start of the round in which
 * they escaped. */
HM_INLINE void depart(body_t *b, const flight_t *f, int g, unsigned lanes, form_t form) {
    const int from = g * V_LANES;
    const v_double_t limits = v_all(b->limit);
    v_double_t x = v_load(f->kept[0].x + from);
    v_double_t y = v_load(f->kept[0].y + from);
    v_double_t began = v_all((double)(f->time - (int64_t)f->rounds * ROUND));
    for (int round = 1; round < f->rounds; ++round) {
        const v_double_t later_x = v_load(f->kept[round].x + from);
        const v_double_t later_y = v_load(f->kept[round].y + from);
        const v_mask_t survives = v_le(square(later_x, later_y, form), limits);
        x = v_select(survives, later_x, x);
        y = v_select(survives, later_y, y);
        began = v_select(survives, v_all((double)(f->time - (int64_t)(f->rounds - round) * ROUND)),
                         began);
    }
    const v_double_t values[6] = {x,
                                  y,
                                  v_load(f->cr + from),
                                  v_load(f->ci + from),
                                  v_load(f->place + from),
                                  v_sub(v_load(f->due + from), began)};
    points_push(&b->replay, lanes, values);
}

/* Escaped lanes of the careful flight: their counts are known. */
static void depart_careful(const body_t *b, const flight_t *f, uint64_t lanes) {
    const double most = b->formula->max_iter;
    const double began = (double)(f->time - (int64_t)f->rounds * ROUND);
    for (; lanes; lanes &= lanes - 1) {
        const int lane = __builtin_ctzll(lanes);
        settle(b, f->place[lane], most - (f->due[lane] - began) + (double)f->counts[lane]);
    }
}

/* Lanes that are points of the set. */
static void depart_inside(const body_t *b, const flight_t *f, uint64_t lanes) {
    for (; lanes; lanes &= lanes - 1) {
        const int lane = __builtin_ctzll(lanes);
        settle_inside(b, f->place[lane], b->formula->max_iter - (f->due[lane] - (double)f->time));
    }
}

HM_INLINE void fill(double *array, v_double_t fresh, v_filling_t filling) {
    v_store(array, v_expand(v_load(array), fresh, filling));
}

/* Free lanes of vector g: the next points of the pool, or a point that stays at 0. */
HM_INLINE void board(const body_t *b, flight_t *f, int g, unsigned lanes) {
    points_t *q = &f->pool;
    const int to = g * V_LANES;
    const int wanted = __builtin_popcount(lanes);
    unsigned taken = lanes;
    if (q->count < wanted) {
        const v_filling_t all = v_route_expand(lanes);
        const v_double_t zero = v_all(0.0);
        fill(f->x + to, zero, all);
        fill(f->y + to, zero, all);
        fill(f->cr + to, zero, all);
        fill(f->ci + to, zero, all);
        fill(f->due + to, v_all(INFINITY), all);
        for (int extra = wanted - q->count; extra > 0; --extra) {
            taken &= taken - 1;
        }
        f->flown &= ~((uint64_t)lanes << to);
        f->flown |= (uint64_t)taken << to;
    }
    const int from = q->first;
    const v_filling_t filling = v_route_expand(taken);
    fill(f->x + to, v_load(q->x + from), filling);
    fill(f->y + to, v_load(q->y + from), filling);
    fill(f->cr + to, v_load(q->cr + from), filling);
    fill(f->ci + to, v_load(q->ci + from), filling);
    fill(f->place + to, v_load(q->place + from), filling);
    fill(f->due + to, v_add(v_load(q->left + from), v_all((double)f->time)), filling);
    if (b->exact) {
        fill(f->seen_x + to, v_all(NAN), filling);
        fill(f->renew + to, v_all((double)f->time), filling);
    }
    const int count = __builtin_popcount(taken);
    q->first += count;
    q->count -= count;
}

/* Lanes that have reached max_iter. */
static uint64_t lanes_due(const flight_t *f) {
    uint64_t lanes = 0;
    for (int g = 0; g < f->vectors; ++g) {
        lanes |= (uint64_t)v_bits(v_le(v_load(f->due + g * V_LANES), v_all((double)f->time)))
                 << g * V_LANES;
    }
    return lanes;
}

static int64_t soonest_due(const flight_t *f) {
    double soonest = 0x1p62;
    for (int k = 0; k < f->vectors * V_LANES; ++k) {
        soonest = f->due[k] < soonest ? f->due[k] : soonest;
    }
    return (int64_t)soonest;
}

/* After blocks: `escaped` lanes and lanes at max_iter leave, free ones are filled. */
HM_INLINE void turn_over_form(body_t *b, flight_t *f, uint64_t escaped, form_t form) {
    const bool some_due = f->time >= f->next_due;
    escaped &= f->flown;
    uint64_t out = escaped;
    if (some_due) {
        const uint64_t due = lanes_due(f) & ~escaped;
        depart_inside(b, f, due);
        out |= due;
    }
    if (f->careful) {
        depart_careful(b, f, escaped);
        escaped = 0;
    }
    f->escapes += __builtin_popcountll(escaped);
    if (f->flown != f->all) {
        out |= f->all & ~f->flown;
        f->flown = f->all; /* board() takes back what it cannot fill */
    }
    for (uint64_t rest = out; rest;) {
        const int g = __builtin_ctzll(rest) / V_LANES;
        depart(b, f, g, (unsigned)(escaped >> g * V_LANES) & ALL_LANES, form);
        board(b, f, g, (unsigned)(out >> g * V_LANES) & ALL_LANES);
        rest &= ~((uint64_t)ALL_LANES << g * V_LANES);
    }
    while (b->replay.count >= LANES_TESTED) {
        replay(b);
    }
    const int64_t soonest = f->time + b->formula->max_iter - PRELUDE_MOST;
    f->next_due = some_due ? soonest_due(f) : f->next_due < soonest ? f->next_due : soonest;
}

static __attribute__((noinline)) void turn_over(body_t *b, flight_t *f, uint64_t escaped) {
    if (b->form_tested == FORM_FMA) {
        turn_over_form(b, f, escaped, FORM_FMA);
    } else {
        turn_over_form(b, f, escaped, FORM_PLAIN);
    }
}

/* --- looking up ------------------------------------------------------------------------------ */

/*
 * Orbits that repeat, exactly, in their doubles, repeat for ever: the point never escapes (Brent's
 * cycle detection, 1980, with a reference that is renewed when its age exceeds a quarter of the
 * orbit's, or a look). Leaves the lanes free for the next turn_over().
 */
static void find_cycles(body_t *b, flight_t *f) {
    const v_double_t now = v_all((double)f->time);
    const v_double_t most = v_all(b->formula->max_iter);
    uint64_t cycles = 0;
    for (int g = 0; g < f->vectors; ++g) {
        const int at = g * V_LANES;
        const v_double_t x = v_load(f->x + at);
        const v_double_t y = v_load(f->y + at);
        const v_double_t seen_x = v_load(f->seen_x + at);
        const v_double_t seen_y = v_load(f->seen_y + at);
        cycles |= (uint64_t)v_bits(v_and(v_equal(x, seen_x), v_equal(y, seen_y))) << at;
        const v_double_t renew = v_load(f->renew + at);
        const v_mask_t old = v_le(renew, now);
        const v_double_t age = v_sub(most, v_sub(v_load(f->due + at), now));
        const v_double_t hold = v_mul(age, v_all(0.25));
        v_store(f->seen_x + at, v_select(old, x, seen_x));
        v_store(f->seen_y + at, v_select(old, y, seen_y));
        v_store(f->renew + at, v_select(old, v_add(now, hold), renew));
    }
    cycles &= f->flown;
    depart_inside(b, f, cycles);
    f->flown &= ~cycles;
    for (; cycles; cycles &= cycles - 1) {
        f->due[__builtin_ctzll(cycles)] = INFINITY;
    }
}

/*
 * Rounds in a block. A block costs its test and the exchange of lanes, about 4 updates of every
 * lane; an escape costs the lane half a block, and some for finding its round. The sum is least
 * when a block has the square root of 4 times the updates of a point's life.
 */
static int best_rounds(int64_t updates, int64_t escapes) {
    const int64_t best_square = 4 * updates / (escapes + 1);
    return best_square < 11 * 11 ? 1 : best_square < 20 * 20 ? 2 : best_square < 34 * 34 ? 3 : 6;
}

static void look(body_t *b, flight_t *f) {
    f->next_look += LOOK_EVERY;
    if (b->exact) {
        find_cycles(b, f);
    }
    if (!f->careful) {
        f->rounds = best_rounds((int64_t)LOOK_EVERY * LANES_FLIGHT, f->escapes);
    }
    f->escapes = 0;
}

/* --- a flight -------------------------------------------------------------------------------- */

/* The careful flight's block: every update is tested. */
HM_INLINE uint64_t fly_tested(const body_t *b, flight_t *f, form_t form) {
    v_double_t x[V_TESTED], y[V_TESTED];
    v_mask_t alive[V_TESTED];
    v_int_t counts[V_TESTED];
    uint64_t escaped = 0;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        x[g] = v_load(f->x + g * V_LANES);
        y[g] = v_load(f->y + g * V_LANES);
        alive[g] = v_equal(v_all(0.0), v_all(0.0));
        counts[g] = v_int_zero();
    }
    step_tested(x, y, f->cr, f->ci, alive, counts, f->rounds * ROUND, v_all(b->limit), form, false);
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        v_store(f->x + g * V_LANES, x[g]);
        v_store(f->y + g * V_LANES, y[g]);
        v_int_store(f->counts + g * V_LANES, counts[g]);
        escaped |= (uint64_t)(v_bits(alive[g]) ^ ALL_LANES) << g * V_LANES;
    }
    f->time += (int64_t)f->rounds * ROUND;
    return escaped;
}

static uint64_t fly_careful(const body_t *b, flight_t *f) {
    return b->form_tested == FORM_FMA ? fly_tested(b, f, FORM_FMA) : fly_tested(b, f, FORM_PLAIN);
}

static inline bool asked_to_stop(body_t *b) {
    if (b->since_poll < UPDATES_PER_POLL) {
        return false;
    }
    b->since_poll = 0;
    return hm_poll_stops(b->poll);
}

/* Flies until the pool runs low, or, when draining, until no lane is in use. HM_STOPPED when asked
 * to give up. */
static inline hm_status_t fly_on(body_t *b, flight_t *f, bool drain) {
    const int lanes = f->vectors * V_LANES;
    while (drain ? f->pool.count > 0 || f->flown : f->pool.count >= lanes) {
        uint64_t escaped = 0;
        const int64_t began = f->time;
        if (f->flown) { /* else the first points board */
            const int64_t until = f->next_due < f->next_look ? f->next_due : f->next_look;
            escaped = f->careful              ? fly_careful(b, f)
                      : b->form == FORM_MIXED ? fly_mixed(f, until)
                      : b->form == FORM_PLAIN ? fly_plain(f, until)
                                              : fly_fma(f, until);
        }
        turn_over(b, f, escaped);
        if (f->time >= f->next_look) {
            look(b, f);
        }
        b->since_poll += (uint64_t)((f->time - began) * lanes);
        if (asked_to_stop(b)) {
            return HM_STOPPED;
        }
    }
    return HM_OK;
}

static void flight_clear(flight_t *f, double limit, bool careful) {
    memset(f, 0, sizeof *f);
    for (int k = 0; k < LANES_MOST; ++k) {
        f->due[k] = INFINITY;
        f->seen_x[k] = NAN;
    }
    for (int k = 0; k < V_LANES; ++k) {
        f->limit[k] = limit;
    }
    f->next_due = INT64_MAX;
    f->next_look = LOOK_EVERY;
    f->careful = careful;
    f->vectors = careful ? V_TESTED : V_FLIGHT;
    f->all = UINT64_MAX >> (64 - f->vectors * V_LANES);
    f->rounds = careful ? 2 : 3;
}

#endif
