/**
 * @file kernel_fly.h
 * Blocks of updates: of the flights, untested but for their end, and tested ones.
 */
#ifndef HM_KERNEL_FLY_H
#define HM_KERNEL_FLY_H

#include "kernel_state.h"

/*
 * One round of a wing. What GCC 12 makes of four updates of six vectors, in AVX2: strict, 160
 * operations on doubles (7 an update of a vector, 6 where one is fused) and 6 copies; fused, 96
 * operations (4 an update) and 33 copies; 3 more for the loop. All 16 registers are in use, c is an
 * operand in memory; strict, once in these 24 updates a value is put on the stack and taken back.
 * (`objdump -d build/obj/plane/kernel_avx2.o`: fly_mixed, fly_fma.)
 */
HM_INLINE void fly_round(v_double_t *x, v_double_t *y, const group_t *wing, form_t form) {
    const v_double_t two = v_all(2.0);
    HM_UNROLL for (int g = 0; g < V_FLIGHT; ++g) {
        V_PIN(x[g]); /* or squares are kept from before, and spilled */
        V_PIN(y[g]);
    }
    for (int step = 0; step < ROUND; step += 4) {
        HM_UNROLL for (int k = 0; k < 4; ++k) {
            HM_OPAQUE(wing);
            HM_UNROLL for (int g = 0; g < V_FLIGHT; ++g) {
                update(&x[g], &y[g], v_load(wing[g].cr), v_load(wing[g].ci), two, form, g);
            }
        }
    }
}

/* A block of a wing. Returns its lanes that escaped. */
HM_INLINE uint64_t fly_wing(group_t *wing, int rounds, const double *limit, form_t form) {
    v_double_t x[V_FLIGHT], y[V_FLIGHT];
    HM_UNROLL for (int g = 0; g < V_FLIGHT; ++g) {
        x[g] = v_load(wing[g].x);
        y[g] = v_load(wing[g].y);
    }
    for (int round = 0; round < rounds; ++round) {
        HM_UNROLL for (int g = 0; g < V_FLIGHT; ++g) {
            v_store(wing[g].kept[round].x, x[g]);
            v_store(wing[g].kept[round].y, y[g]);
        }
        fly_round(x, y, wing, form);
    }
    uint64_t escaped = 0;
    HM_UNROLL for (int g = 0; g < V_FLIGHT; ++g) {
        v_store(wing[g].x, x[g]);
        v_store(wing[g].y, y[g]);
        const v_mask_t out = v_not_le(square(x[g], y[g], form), v_load(limit));
        escaped |= (uint64_t)v_bits(out) << g * V_LANES;
    }
    return escaped;
}

/* The same of V_SLOPE vectors with derivatives, which need twice the registers. */
HM_INLINE uint64_t fly_slope(group_t *part, slopes_t *slope, int rounds, const double *limit,
                             const double *add, form_t form) {
    uint64_t escaped = 0;
    v_double_t x[V_SLOPE], y[V_SLOPE], dx[V_SLOPE], dy[V_SLOPE];
    HM_UNROLL for (int g = 0; g < V_SLOPE; ++g) {
        x[g] = v_load(part[g].x);
        y[g] = v_load(part[g].y);
        dx[g] = v_load(slope[g].x);
        dy[g] = v_load(slope[g].y);
    }
    for (int round = 0; round < rounds; ++round) {
        HM_UNROLL for (int g = 0; g < V_SLOPE; ++g) {
            v_store(part[g].kept[round].x, x[g]);
            v_store(part[g].kept[round].y, y[g]);
            v_store(slope[g].kept[round].x, dx[g]);
            v_store(slope[g].kept[round].y, dy[g]);
        }
        for (int step = 0; step < ROUND; ++step) {
            HM_OPAQUE(part);
            HM_OPAQUE(add);
            HM_UNROLL for (int g = 0; g < V_SLOPE; ++g) {
                update_both(&x[g], &y[g], &dx[g], &dy[g], v_load(part[g].cr), v_load(part[g].ci),
                            v_load(add), form, NULL);
            }
        }
    }
    HM_UNROLL for (int g = 0; g < V_SLOPE; ++g) {
        v_store(part[g].x, x[g]);
        v_store(part[g].y, y[g]);
        v_store(slope[g].x, dx[g]);
        v_store(slope[g].y, dy[g]);
        const v_mask_t out = v_not_le(square(x[g], y[g], form), v_load(limit));
        escaped |= (uint64_t)v_bits(out) << g * V_LANES;
    }
    return escaped;
}

/* Blocks until the time is `until` or more, or lanes have escaped. Returns those lanes. */
HM_INLINE uint64_t fly(flight_t *f, int64_t until, form_t form, bool slope) {
    uint64_t lanes = 0;
    do {
        for (int k = 0; slope && k < VECTORS_SLOPE; k += V_SLOPE) {
            lanes |= fly_slope(f->group + k, f->slope + k, f->rounds, f->limit, f->add, form)
                     << k * V_LANES;
        }
        for (int k = 0; !slope && k < VECTORS_FLIGHT; k += V_FLIGHT) {
            lanes |= fly_wing(f->group + k, f->rounds, f->limit, form) << k * V_LANES;
        }
        f->time += (int64_t)f->rounds * ROUND;
    } while (!lanes && f->time < until);
    return lanes;
}

static __attribute__((noinline)) uint64_t fly_plain(flight_t *f, int64_t until) {
    return fly(f, until, FORM_PLAIN, false);
}
static __attribute__((noinline)) uint64_t fly_mixed(flight_t *f, int64_t until) {
    return fly(f, until, FORM_MIXED, false);
}
static __attribute__((noinline)) uint64_t fly_fused(flight_t *f, int64_t until) {
    return fly(f, until, FORM_FUSED, false);
}
static __attribute__((noinline)) uint64_t fly_fma(flight_t *f, int64_t until) {
    return fly(f, until, FORM_FMA, false);
}
static __attribute__((noinline)) uint64_t fly_plain_slope(flight_t *f, int64_t until) {
    return fly(f, until, FORM_PLAIN, true);
}
static __attribute__((noinline)) uint64_t fly_fma_slope(flight_t *f, int64_t until) {
    return fly(f, until, FORM_FMA, true);
}

static inline uint64_t fly_fast(flight_t *f, int64_t until, form_t form, bool slope) {
    return form == FORM_MIXED   ? fly_mixed(f, until)
           : form == FORM_FUSED ? fly_fused(f, until)
           : slope ? (form == FORM_FMA ? fly_fma_slope(f, until) : fly_plain_slope(f, until))
           : form == FORM_FMA ? fly_fma(f, until)
                              : fly_plain(f, until);
}

/**
 * `steps` updates of V_TESTED vectors, every one tested. counts: one more for every update that the
 * lane survives; alive: the lanes that survived all. With `sticky` who has escaped is known to stay
 * escaped; without, `alive` also goes in, and remembers.
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
            if (sticky) {
                counts[g] = v_int_count(counts[g], survives);
            } else {
                alive[g] = v_and(alive[g], survives);
                counts[g] = v_int_count(counts[g], alive[g]);
            }
        }
    }
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        x[g] = z[g].x;
        y[g] = z[g].y;
        if (sticky) {
            alive[g] = v_le(square(x[g], y[g], form), limits);
        }
    }
}

/* The careful flight's block: every update is tested. Returns the lanes that escaped. */
HM_INLINE uint64_t fly_tested(flight_t *f, form_t form) {
    v_double_t x[V_TESTED], y[V_TESTED];
    v_mask_t alive[V_TESTED];
    v_int_t counts[V_TESTED];
    double cr[LANES_TESTED], ci[LANES_TESTED];
    uint64_t escaped = 0;
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        x[g] = v_load(f->group[g].x);
        y[g] = v_load(f->group[g].y);
        v_store(f->group[g].kept[0].x, x[g]);
        v_store(f->group[g].kept[0].y, y[g]);
        v_store(cr + g * V_LANES, v_load(f->group[g].cr));
        v_store(ci + g * V_LANES, v_load(f->group[g].ci));
        alive[g] = v_equal(v_all(0.0), v_all(0.0));
        counts[g] = v_int_zero();
    }
    step_tested(x, y, cr, ci, alive, counts, ROUNDS_CAREFUL * ROUND, v_load(f->limit), form, false);
    HM_UNROLL for (int g = 0; g < V_TESTED; ++g) {
        v_store(f->group[g].x, x[g]);
        v_store(f->group[g].y, y[g]);
        v_int_store(f->group[g].counts, counts[g]);
        escaped |= (uint64_t)(v_bits(alive[g]) ^ ALL_LANES) << g * V_LANES;
    }
    f->time += ROUNDS_CAREFUL * ROUND;
    return escaped;
}

static __attribute__((noinline)) uint64_t fly_careful(flight_t *f, form_t form) {
    return form == FORM_FMA ? fly_tested(f, FORM_FMA) : fly_tested(f, FORM_PLAIN);
}

#endif
