/**
 * @file kernel_body.h
 * The vector kernel, one body for all instruction sets: a vector_*.h before it defines the vectors,
 * and HM_KERNEL_NAME, HM_KERNEL_ISA the kernel that it makes.
 *
 * A point's way:
 *
 * 1. Prelude. Neighbouring points, one vector after the other, make their first updates with every
 *    update tested. Most points of most views end here, and are written side by side.
 * 2. Flight. Survivors wait in a pool; V_FLIGHT vectors take them from it and make blocks of
 *    updates without any test in between. One test at the end suffices: where |c| < B^2 - B,
 *    |z| > B entails |z^2 + c| >= |z|^2 - |c| > B, so who has escaped stays escaped (infinity and
 *    not-a-number count as escaped). The state at the block's start is kept.
 * 3. Replay. Lanes found escaped leave with that state and are packed into full vectors, which
 *    repeat the block with every update tested: the exact count. Their lanes take the next points.
 *
 * A lane that reaches max_iter within a block needs no care: whatever is found at or beyond
 * max_iter is reported as max_iter.
 *
 * Points for which the argument of 2 fails (bailout below 2, or |c| = bailout = 2 within rounding)
 * go to a second flight, the careful one, whose blocks test every update.
 *
 * Everything a lane has is a double, whole numbers included (exact to 2^53), so that one kind of
 * vector moves it all.
 */
#ifndef HM_KERNEL_BODY_H
#define HM_KERNEL_BODY_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hm_clock.h"
#include "kernel_private.h"
#include "kernel_update.h"

enum {
    LANES_FLIGHT = V_FLIGHT * V_LANES,
    LANES_TESTED = V_TESTED * V_LANES, /* points prepared, or replayed, at once */
    LANES_MOST = LANES_FLIGHT > LANES_TESTED ? LANES_FLIGHT : LANES_TESTED,
    ALL_LANES = (1 << V_LANES) - 1,
    POOL = 4 * LANES_MOST + LANES_TESTED + V_LANES,
    STEPS_UNROLLED = 4, /* blocks are multiples of it */
    BLOCK_TESTED = 16,
    PRELUDE = 8,
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

/* The lanes of a flight. */
typedef struct flight_t {
    _Alignas(64) double x[LANES_MOST];
    double y[LANES_MOST];
    double start_x[LANES_MOST], start_y[LANES_MOST]; /* z when the last block began */
    double cr[LANES_MOST], ci[LANES_MOST];
    double place[LANES_MOST];
    double due[LANES_MOST]; /* time at which the lane reaches max_iter; infinite: lane is free */
    double limit[V_LANES];  /* bailout^2 */
    int64_t counts[LANES_MOST];           /* careful: updates survived in the last block */
    unsigned flown[LANES_MOST / V_LANES]; /* bit per lane: is it in use? */
    points_t pool;
    double time; /* updates made by every lane so far */
    double next; /* a lower bound of all `due` */
    int vectors;
    int block; /* updates in a block */
    bool careful;
} flight_t;

typedef struct body_t {
    const hm_formula_t *formula;
    const double *re, *im;
    int64_t width;
    uint32_t *iterations;
    int64_t points;          /* in this portion of the tile */
    int64_t at, row, column; /* next point to prepare */
    form_t form, form_tested;
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

/* Up to `blocks` blocks; stops after one in which a lane escaped. Returns the blocks made. */
HM_INLINE int fly(flight_t *f, int blocks, form_t form) {
    v_double_t x[V_FLIGHT], y[V_FLIGHT];
    const v_double_t two = v_all(2.0);
    HM_UNROLL for (int g = 0; g < V_FLIGHT; ++g) {
        x[g] = v_load(f->x + g * V_LANES);
        y[g] = v_load(f->y + g * V_LANES);
    }
    int done = 0;
    for (;;) {
        HM_UNROLL for (int g = 0; g < V_FLIGHT; ++g) {
            v_store(f->start_x + g * V_LANES, x[g]);
            v_store(f->start_y + g * V_LANES, y[g]);
        }
        for (int step = f->block; step > 0; step -= STEPS_UNROLLED) {
            HM_UNROLL for (int k = 0; k < STEPS_UNROLLED; ++k) {
                HM_OPAQUE(f);
                HM_UNROLL for (int g = 0; g < V_FLIGHT; ++g) {
                    update(&x[g], &y[g], v_load(f->cr + g * V_LANES), v_load(f->ci + g * V_LANES),
                           two, form, g);
                }
            }
        }
        HM_OPAQUE(f);
        v_mask_t escaped = v_none();
        HM_UNROLL for (int g = 0; g < V_FLIGHT; ++g) {
            escaped = v_or(escaped, v_not_le(square(x[g], y[g], form), v_load(f->limit)));
        }
        ++done;
        if (v_any(escaped) || done >= blocks) {
            break;
        }
    }
    HM_UNROLL for (int g = 0; g < V_FLIGHT; ++g) {
        v_store(f->x + g * V_LANES, x[g]);
        v_store(f->y + g * V_LANES, y[g]);
    }
    return done;
}

static __attribute__((noinline)) int fly_plain(flight_t *f, int blocks) {
    return fly(f, blocks, FORM_PLAIN);
}
static __attribute__((noinline)) int fly_mixed(flight_t *f, int blocks) {
    return fly(f, blocks, FORM_MIXED);
}
static __attribute__((noinline)) int fly_fma(flight_t *f, int blocks) {
    return fly(f, blocks, FORM_FMA);
}

/* `steps` updates of V_TESTED vectors, every one tested. counts: one more for every update up to
 * which the lane had not escaped. */
HM_INLINE void step_tested(v_double_t *x, v_double_t *y, const double *cr, const double *ci,
                           v_mask_t *alive, v_int_t *counts, int steps, double limit, form_t form) {
    const v_double_t limits = v_all(limit);
    const v_double_t two = v_all(2.0);
    for (int k = 0; k < steps; ++k) {
        HM_OPAQUE(cr);
        HM_OPAQUE(ci);
        HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
            update(&x[g], &y[g], v_load(cr + g * V_LANES), v_load(ci + g * V_LANES), two, form, g);
            alive[g] = v_and(alive[g], v_le(square(x[g], y[g], form), limits));
            counts[g] = v_int_count(counts[g], alive[g]);
        }
    }
}

/* --- results --------------------------------------------------------------------------------- */

static inline void settle(const body_t *b, double place, double count) {
    const double most = b->formula->max_iter;
    b->iterations[(int64_t)place] = (uint32_t)(count < most ? count : most);
}

/* Repeats the block in which the first LANES_TESTED points of the replay queue escaped; `lanes` of
 * them are real. */
HM_INLINE void replay_form(body_t *b, int lanes, form_t form) {
    points_t *q = &b->replay;
    v_double_t x[V_TESTED], y[V_TESTED];
    v_mask_t alive[V_TESTED];
    v_int_t counts[V_TESTED];
    int64_t survived[LANES_TESTED];
    const v_double_t limits = v_all(b->limit);
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        x[g] = v_load(q->x + g * V_LANES);
        y[g] = v_load(q->y + g * V_LANES);
        alive[g] = v_le(v_all(0.0), limits);
        counts[g] = v_int_zero();
    }
    step_tested(x, y, q->cr, q->ci, alive, counts, b->fast.block, b->limit, form);
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        v_int_store(survived + g * V_LANES, counts[g]);
    }
    const double most = b->formula->max_iter;
    for (int k = 0; k < lanes; ++k) {
        settle(b, q->place[k], most - q->left[k] + (double)survived[k]);
    }
}

static __attribute__((noinline)) void replay(body_t *b) {
    points_t *q = &b->replay;
    const int lanes = q->count < LANES_TESTED ? q->count : LANES_TESTED;
    if (b->form_tested == FORM_FMA) {
        replay_form(b, lanes, FORM_FMA);
    } else {
        replay_form(b, lanes, FORM_PLAIN);
    }
    q->count -= lanes;
    double *const arrays[] = {q->x, q->y, q->cr, q->ci, q->place, q->left};
    for (int k = 0; k < 6; ++k) {
        memmove(arrays[k], arrays[k] + lanes, (size_t)q->count * sizeof(double));
    }
}

/* --- lanes in and out ------------------------------------------------------------------------ */

/* Escaped lanes of vector g: to the replay queue with the state at the block's start. */
HM_INLINE void depart(body_t *b, flight_t *f, int g, unsigned lanes) {
    points_t *q = &b->replay;
    const int from = g * V_LANES;
    const int to = q->count;
    const v_route_t route = v_route_compress(lanes);
    v_store(q->x + to, v_compress(v_load(f->start_x + from), route));
    v_store(q->y + to, v_compress(v_load(f->start_y + from), route));
    v_store(q->cr + to, v_compress(v_load(f->cr + from), route));
    v_store(q->ci + to, v_compress(v_load(f->ci + from), route));
    v_store(q->place + to, v_compress(v_load(f->place + from), route));
    const v_double_t began = v_all(f->time - f->block);
    v_store(q->left + to, v_compress(v_sub(v_load(f->due + from), began), route));
    q->count += __builtin_popcount(lanes);
    if (q->count >= LANES_TESTED) {
        replay(b);
    }
}

/* Escaped lanes of vector g of the careful flight: their counts are known. */
static void depart_careful(body_t *b, flight_t *f, int g, unsigned lanes) {
    const double most = b->formula->max_iter;
    for (; lanes; lanes &= lanes - 1) {
        const int lane = g * V_LANES + __builtin_ctz(lanes);
        const double began = most - (f->due[lane] - (f->time - f->block));
        settle(b, f->place[lane], began + (double)f->counts[lane]);
    }
}

static void settle_inside(const body_t *b, const flight_t *f, int g, unsigned lanes) {
    for (; lanes; lanes &= lanes - 1) {
        settle(b, f->place[g * V_LANES + __builtin_ctz(lanes)], b->formula->max_iter);
    }
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
        v_store(f->x + to, v_expand(v_load(f->x + to), zero, all));
        v_store(f->y + to, v_expand(v_load(f->y + to), zero, all));
        v_store(f->cr + to, v_expand(v_load(f->cr + to), zero, all));
        v_store(f->ci + to, v_expand(v_load(f->ci + to), zero, all));
        v_store(f->due + to, v_expand(v_load(f->due + to), v_all(INFINITY), all));
        for (int extra = wanted - q->count; extra > 0; --extra) {
            taken &= taken - 1;
        }
    }
    f->flown[g] = (f->flown[g] & ~lanes) | taken;
    if (taken) {
        const int from = q->first;
        const v_filling_t filling = v_route_expand(taken);
        v_store(f->x + to, v_expand(v_load(f->x + to), v_load(q->x + from), filling));
        v_store(f->y + to, v_expand(v_load(f->y + to), v_load(q->y + from), filling));
        v_store(f->cr + to, v_expand(v_load(f->cr + to), v_load(q->cr + from), filling));
        v_store(f->ci + to, v_expand(v_load(f->ci + to), v_load(q->ci + from), filling));
        v_store(f->place + to, v_expand(v_load(f->place + to), v_load(q->place + from), filling));
        const v_double_t due = v_add(v_load(q->left + from), v_all(f->time));
        v_store(f->due + to, v_expand(v_load(f->due + to), due, filling));
        const int count = __builtin_popcount(taken);
        q->first += count;
        q->count -= count;
        const double soonest = f->time + (double)b->formula->max_iter - PRELUDE;
        f->next = f->next < soonest ? f->next : soonest;
    }
}

/* After blocks: escaped lanes and lanes at max_iter leave, free ones are filled. */
HM_INLINE void turn_over(body_t *b, flight_t *f, form_t form) {
    const bool some_due = f->time >= f->next;
    const v_double_t now = v_all(f->time);
    const v_double_t limits = v_all(b->limit);
    for (int g = 0; g < f->vectors; ++g) {
        const int from = g * V_LANES;
        unsigned escaped = 0;
        if (f->careful) {
            for (int k = 0; k < V_LANES; ++k) {
                escaped |= (unsigned)(f->counts[from + k] < f->block) << k;
            }
        } else {
            escaped =
                v_bits(v_not_le(square(v_load(f->x + from), v_load(f->y + from), form), limits));
        }
        escaped &= f->flown[g];
        unsigned out = escaped | (f->flown[g] ^ ALL_LANES);
        if (escaped && f->careful) {
            depart_careful(b, f, g, escaped);
        } else if (escaped) {
            depart(b, f, g, escaped);
        }
        if (some_due) {
            const unsigned due = v_bits(v_le(v_load(f->due + from), now)) & ~out;
            settle_inside(b, f, g, due);
            out |= due;
        }
        if (out) {
            board(b, f, g, out);
        }
    }
    if (some_due) {
        f->next = INFINITY;
        for (int g = 0; g < f->vectors * V_LANES; ++g) {
            f->next = f->due[g] < f->next ? f->due[g] : f->next;
        }
    }
}

/* The careful flight's block. */
HM_INLINE void fly_tested(body_t *b, flight_t *f, form_t form) {
    v_double_t x[V_TESTED], y[V_TESTED];
    v_mask_t alive[V_TESTED];
    v_int_t counts[V_TESTED];
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        x[g] = v_load(f->x + g * V_LANES);
        y[g] = v_load(f->y + g * V_LANES);
        alive[g] = v_le(v_all(0.0), v_all(b->limit));
        counts[g] = v_int_zero();
    }
    step_tested(x, y, f->cr, f->ci, alive, counts, f->block, b->limit, form);
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        v_store(f->x + g * V_LANES, x[g]);
        v_store(f->y + g * V_LANES, y[g]);
        v_int_store(f->counts + g * V_LANES, counts[g]);
    }
}

/* Flies until the pool runs low, or, when draining, until no lane is in use. */
static hm_status_t fly_on(body_t *b, flight_t *f, bool drain, const hm_poll_t *poll) {
    const int lanes = f->vectors * V_LANES;
    for (;;) {
        unsigned flown = 0;
        for (int g = 0; g < f->vectors; ++g) {
            flown |= f->flown[g];
        }
        if (f->pool.count < lanes && !drain) {
            return HM_OK;
        }
        if (!flown && f->pool.count == 0) {
            return HM_OK;
        }
        int done = 1;
        if (!flown) { /* the first points board */
            done = 0;
        } else if (f->careful) {
            if (b->form_tested == FORM_FMA) {
                fly_tested(b, f, FORM_FMA);
            } else {
                fly_tested(b, f, FORM_PLAIN);
            }
        } else {
            const double until = (f->next - f->time) / f->block;
            const int most = UPDATES_PER_POLL / (LANES_FLIGHT * 64);
            const int blocks = until < 1.0 ? 1 : until < most ? (int)ceil(until) : most;
            done = b->form == FORM_FMA     ? fly_fma(f, blocks)
                   : b->form == FORM_MIXED ? fly_mixed(f, blocks)
                                           : fly_plain(f, blocks);
        }
        f->time += (double)done * f->block;
        b->since_poll += (uint64_t)(done * f->block) * (uint64_t)lanes;
        if (b->form_tested == FORM_FMA) {
            turn_over(b, f, FORM_FMA);
        } else {
            turn_over(b, f, FORM_PLAIN);
        }
        if (b->since_poll >= UPDATES_PER_POLL) {
            b->since_poll = 0;
            if (hm_poll_stops(poll)) {
                return HM_STOPPED;
            }
        }
    }
}

/* --- prelude --------------------------------------------------------------------------------- */

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

HM_INLINE void pool_push(points_t *q, unsigned lanes, const v_double_t values[6]) {
    const int to = q->first + q->count;
    const v_route_t route = v_route_compress(lanes);
    v_store(q->x + to, v_compress(values[0], route));
    v_store(q->y + to, v_compress(values[1], route));
    v_store(q->cr + to, v_compress(values[2], route));
    v_store(q->ci + to, v_compress(values[3], route));
    v_store(q->place + to, v_compress(values[4], route));
    v_store(q->left + to, values[5]);
    q->count += __builtin_popcount(lanes);
}

/* Coordinates of the next LANES_TESTED points, zero beyond the last; returns how many there are. */
static inline int next_points(body_t *b, double *re, double *im) {
    int count = 0;
    if (b->width - b->column >= LANES_TESTED) {
        memcpy(re, b->re + b->column, LANES_TESTED * sizeof(double));
        for (int k = 0; k < LANES_TESTED; ++k) {
            im[k] = b->im[b->row];
        }
        count = LANES_TESTED;
        b->column += count;
    } else {
        for (; count < LANES_TESTED && b->at + count < b->points; ++count) {
            if (b->column == b->width) {
                b->column = 0;
                ++b->row;
            }
            re[count] = b->re[b->column++];
            im[count] = b->im[b->row];
        }
        for (int k = count; k < LANES_TESTED; ++k) {
            re[k] = 0.0;
            im[k] = 0.0;
        }
    }
    if (b->column == b->width) {
        b->column = 0;
        ++b->row;
    }
    return count;
}

HM_INLINE void prelude_form(body_t *b, form_t form) {
    _Alignas(64) double re[LANES_TESTED], im[LANES_TESTED], cr[LANES_TESTED], ci[LANES_TESTED];
    v_double_t x[V_TESTED], y[V_TESTED];
    v_mask_t alive[V_TESTED];
    v_int_t counts[V_TESTED];
    const hm_formula_t *formula = b->formula;
    const v_double_t limits = v_all(b->limit);
    const int count = next_points(b, re, im);
    const int64_t at = b->at;
    b->at += count;
    const int steps = formula->max_iter < PRELUDE ? (int)formula->max_iter : PRELUDE;
    b->since_poll += (uint64_t)(steps * LANES_TESTED);
    const bool julia = formula->julia;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        const v_double_t zr = v_load(re + g * V_LANES);
        const v_double_t zi = v_load(im + g * V_LANES);
        v_store(cr + g * V_LANES, julia ? v_all(formula->julia_re) : zr);
        v_store(ci + g * V_LANES, julia ? v_all(formula->julia_im) : zi);
        x[g] = zr;
        y[g] = zi;
        counts[g] = v_int_zero();
        /* The first update of z = 0 makes c. */
        alive[g] = julia ? v_le(v_all(0.0), limits) : v_le(square(zr, zi, form), limits);
        if (!julia) {
            counts[g] = v_int_count(counts[g], alive[g]);
        }
    }
    step_tested(x, y, cr, ci, alive, counts, julia ? steps : steps - 1, b->limit, form);
    if (count == LANES_TESTED) {
        HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
            v_int_store_low(b->iterations + at + g * V_LANES, counts[g]);
        }
    } else {
        uint32_t out[LANES_TESTED];
        HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
            v_int_store_low(out + g * V_LANES, counts[g]);
        }
        memcpy(b->iterations + at, out, (size_t)count * sizeof *out);
    }
    const double left = (double)formula->max_iter - steps;
    if (left == 0.0) {
        return;
    }
    pool_make_room(&b->fast.pool);
    pool_make_room(&b->careful.pool);
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        const int real = count - g * V_LANES;
        const unsigned there = real >= V_LANES ? ALL_LANES : real <= 0 ? 0u : (1u << real) - 1u;
        const v_double_t zr = v_load(cr + g * V_LANES);
        const v_double_t zi = v_load(ci + g * V_LANES);
        const v_double_t place = v_add(v_all((double)(at + g * V_LANES)), v_lane_numbers());
        const v_double_t size = square(zr, zi, FORM_PLAIN);
        unsigned care =
            v_bits(v_and(v_not_le(size, v_all(b->surely)), v_le(size, v_all(b->no_more)))) & there;
        if (b->all_careful) {
            care = there;
        }
        const unsigned survive = v_bits(alive[g]) & there & ~care;
        if (survive) {
            const v_double_t values[6] = {x[g], y[g], zr, zi, place, v_all(left)};
            pool_push(&b->fast.pool, survive, values);
        }
        if (care) { /* from the start */
            const v_double_t zero = v_all(0.0);
            const v_double_t values[6] = {julia ? v_load(re + g * V_LANES) : zero,
                                          julia ? v_load(im + g * V_LANES) : zero,
                                          zr,
                                          zi,
                                          place,
                                          v_all(formula->max_iter)};
            pool_push(&b->careful.pool, care, values);
        }
    }
}

static __attribute__((noinline)) void prelude(body_t *b) {
    if (b->form_tested == FORM_FMA) {
        prelude_form(b, FORM_FMA);
    } else {
        prelude_form(b, FORM_PLAIN);
    }
}

/* --- the tile -------------------------------------------------------------------------------- */

static void flight_clear(flight_t *f, double limit, bool careful) {
    memset(f, 0, sizeof *f);
    for (int k = 0; k < LANES_MOST; ++k) {
        f->due[k] = INFINITY;
    }
    for (int k = 0; k < V_LANES; ++k) {
        f->limit[k] = limit;
    }
    f->next = INFINITY;
    f->careful = careful;
    f->vectors = careful ? V_TESTED : V_FLIGHT;
    f->block = careful ? BLOCK_TESTED : 32;
}

/* Where is one test a block enough, and where may the mixed form be used? See the top of the file
 * and kernel_update.h. `nearly` covers rounding: some 1e-15 relative. */
static void choose(body_t *b, const hm_tile_t *tile) {
    const hm_formula_t *formula = b->formula;
    const double bailout = formula->bailout;
    const double nearly = 1e-9;
    b->limit = bailout * bailout;
    const bool huge = !(b->limit <= 0x1p1000);
    const double reach = bailout * bailout - bailout - nearly * bailout;
    double small = 0x1p-900;
    b->surely = INFINITY;
    b->no_more = INFINITY;
    b->all_careful = huge || bailout < 1.0 + 1e-6;
    if (formula->julia) {
        const double size = hypot(formula->julia_re, formula->julia_im);
        b->all_careful = b->all_careful || !(size <= reach);
        small = fabs(formula->julia_im) >= 0x1p-900 ? INFINITY : 0.0;
    } else {
        /* From z = 0 and with a bailout of at least 2, more holds: whoever escapes at c itself has
         * |z| >= |c| > 2, so |z^2 + c| >= |z| (|z| - 1) > |z|. */
        if (bailout < 2.0 * (1.0 + nearly)) {
            b->surely = reach * fabs(reach);
            b->no_more = bailout >= 2.0 ? 4.0 * (1.0 + nearly) * (1.0 + nearly) : INFINITY;
        }
        for (int64_t k = 0; k < tile->rows; ++k) {
            const double size = fabs(tile->im[k]);
            small = size > 0.0 && size < small ? 0.0 : small;
        }
    }
    b->form_tested = formula->arith == HM_ARITH_FMA ? FORM_FMA : FORM_PLAIN;
    b->form = formula->arith == HM_ARITH_FMA ? FORM_FMA
              : small == 0.0 || huge         ? FORM_PLAIN
                                             : FORM_MIXED;
}

static hm_status_t compute_portion(body_t *b, const hm_poll_t *poll) {
    hm_status_t status = HM_OK;
    flight_clear(&b->fast, b->limit, false);
    flight_clear(&b->careful, b->limit, true);
    b->replay.count = 0;
    while (b->at < b->points) {
        prelude(b);
        HM_TRY(fly_on(b, &b->fast, false, poll));
        HM_TRY(fly_on(b, &b->careful, false, poll));
        if (b->since_poll >= UPDATES_PER_POLL) {
            b->since_poll = 0;
            if (hm_poll_stops(poll)) {
                status = HM_STOPPED;
                goto cleanup;
            }
        }
    }
    HM_TRY(fly_on(b, &b->fast, true, poll));
    HM_TRY(fly_on(b, &b->careful, true, poll));
    while (b->replay.count > 0) {
        replay(b);
    }
cleanup:
    return status;
}

static uint64_t updates_of_row(const uint32_t *counts, int64_t width, uint32_t max_iter) {
    uint64_t sum = 0;
    for (int64_t k = 0; k < width; ++k) {
        sum += (uint64_t)counts[k] + (counts[k] < max_iter);
    }
    return sum;
}

static hm_status_t compute(const hm_formula_t *formula, const hm_tile_t *tile,
                           const hm_channels_t *channels, uint64_t *work, const hm_poll_t *poll,
                           hm_error_t *err) {
    hm_status_t status = HM_OK;
    /* A portion's points are told apart by whole numbers far below 2^53. */
    const int64_t rows_most = tile->width > 0 ? (INT64_C(1) << 40) / tile->width : 1;
    body_t *b = aligned_alloc(64, (sizeof *b + 63) / 64 * 64);
    if (!b) {
        status = hm_error_set(err, HM_EMISSING, "out of memory for a kernel's working set");
        goto cleanup;
    }
    memset(b, 0, sizeof *b);
    b->formula = formula;
    choose(b, tile);
    for (int64_t row = 0; row < tile->rows && tile->width > 0; row += rows_most) {
        const int64_t rows = tile->rows - row < rows_most ? tile->rows - row : rows_most;
        b->re = tile->re;
        b->im = tile->im + row;
        b->width = tile->width;
        b->iterations = channels->iterations + row * tile->width;
        b->points = rows * tile->width;
        b->at = b->row = b->column = 0;
        HM_TRY(compute_portion(b, poll));
    }
    for (int64_t row = 0; work && row < tile->rows; ++row) {
        work[row] = updates_of_row(channels->iterations + row * tile->width, tile->width,
                                   formula->max_iter);
    }
cleanup:
    free(b);
    return status;
}

/* --- ceiling --------------------------------------------------------------------------------- */

/* The updates of fly(), nothing else. */
HM_INLINE void bare(flight_t *f, int steps, form_t form) {
    v_double_t x[V_FLIGHT], y[V_FLIGHT];
    const v_double_t two = v_all(2.0);
    HM_UNROLL for (int g = 0; g < V_FLIGHT; ++g) {
        x[g] = v_load(f->x + g * V_LANES);
        y[g] = v_load(f->y + g * V_LANES);
    }
    for (int step = 0; step < steps; step += STEPS_UNROLLED) {
        HM_UNROLL for (int k = 0; k < STEPS_UNROLLED; ++k) {
            HM_OPAQUE(f);
            HM_UNROLL for (int g = 0; g < V_FLIGHT; ++g) {
                update(&x[g], &y[g], v_load(f->cr + g * V_LANES), v_load(f->ci + g * V_LANES), two,
                       form, g);
            }
        }
    }
    HM_UNROLL for (int g = 0; g < V_FLIGHT; ++g) {
        v_store(f->x + g * V_LANES, x[g]);
        v_store(f->y + g * V_LANES, y[g]);
    }
}

static __attribute__((noinline)) void bare_mixed(flight_t *f, int steps) {
    bare(f, steps, FORM_MIXED);
}
static __attribute__((noinline)) void bare_fma(flight_t *f, int steps) {
    bare(f, steps, FORM_FMA);
}

static double ceiling(hm_arith_t arith, double seconds) {
    enum { STEPS = 1 << 14 };
    flight_t f;
    flight_clear(&f, 4.0, false);
    for (int k = 0; k < LANES_FLIGHT; ++k) { /* points of the set that wander without end */
        f.cr[k] = -0.1 - 0.001 * k;
        f.ci[k] = 0.6;
    }
    double updates = 0.0;
    double spent = 0.0;
    const double start = hm_clock_now();
    do {
        if (arith == HM_ARITH_FMA) {
            bare_fma(&f, STEPS);
        } else {
            bare_mixed(&f, STEPS);
        }
        updates += (double)STEPS * LANES_FLIGHT;
        spent = hm_clock_now() - start;
    } while (spent < seconds);
    return updates / spent;
}

const hm_kernel_t HM_KERNEL_NAME = {
    .isa = HM_KERNEL_ISA,
    .has_channels = false,
    .compute = compute,
    .ceiling = ceiling,
};

#endif
