/*
 * The reference: the textbook loop, one point at a time, nothing clever. Every other kernel is held
 * against it.
 */
#include <math.h>

#include "hm_clock.h"
#include "kernel_private.h"
#include "kernel_total.h"
#include "vector_one.h"

#include "kernel_finish.h"
#include "kernel_known.h"

/* Updates between two polls: about a millisecond. */
static const uint32_t PORTION = 1u << 18;

/* A point's place and constant. */
typedef struct hm_orbit_t {
    double x, y, cr, ci;
} hm_orbit_t;

/* The textbook's update, or the fused one. One inlined body for both; `fused` is a constant where
 * it is used. */
HM_INLINE void step(hm_orbit_t *z, bool fused) {
    const double x = z->x;
    const double y = z->y;
    if (fused) {
        z->x = fma(x, x, fma(-y, y, z->cr));
        z->y = fma(x + x, y, z->ci);
    } else {
        z->x = x * x - y * y + z->cr;
        z->y = 2.0 * x * y + z->ci;
    }
}

HM_INLINE double square_of(double x, double y, bool fused) {
    return fused ? fma(x, x, y * y) : x * x + y * y;
}

/* At most `most` updates: the index of the first one that escapes, or `most`. */
HM_INLINE uint32_t escape_count(hm_orbit_t *orbit, uint32_t most, double limit, bool fused) {
    hm_orbit_t z = *orbit;
    uint32_t n = 0;
    for (; n < most; ++n) {
        step(&z, fused);
        if (!(square_of(z.x, z.y, fused) <= limit)) { /* greater, or not a number */
            break;
        }
    }
    *orbit = z;
    return n;
}

/* Where an orbit has gone far enough: see kernel_finish.h. */
typedef struct hm_goal_t {
    double far;    /* |z|^2 */
    double first;  /* the same of a first z that is read off as it is */
    uint64_t step; /* updates from one question to the next */
    uint64_t most; /* updates */
    double add;    /* what the derivative gains at every update */
    double pixel_step;
} hm_goal_t;

/* Is z far enough, after so many updates? */
HM_INLINE bool is_far(const hm_orbit_t *z, const hm_goal_t *goal, uint64_t made, bool fused) {
    const double size = square_of(z->x, z->y, fused);
    const bool first = made <= 1 && !(size <= goal->first);
    return !(size <= goal->far) && (made % goal->step == 0 || first);
}

/* The channels of an orbit that begins at z0, followed until it is far away. False when it is not
 * far within the updates allowed. */
HM_INLINE bool follow(const hm_orbit_t *start, const hm_goal_t *goal, double *smooth,
                      double *distance, bool fused) {
    hm_orbit_t z = *start;
    double dx = goal->add == 0.0 ? 1.0 : 0.0;
    double dy = 0.0;
    uint64_t made = 0;
    for (; !is_far(&z, goal, made, fused); ++made) {
        if (made >= goal->most) {
            return false;
        }
        update_slope(&dx, &dy, z.x, z.y, goal->add);
        step(&z, fused);
    }
    /* Squares may overflow. */
    const bool huge = !(square_of(z.x, z.y, false) <= HM_HUGE);
    const double x = huge ? ldexp(z.x, -HM_HUGE_SCALED) : z.x;
    const double y = huge ? ldexp(z.y, -HM_HUGE_SCALED) : z.y;
    finish_t f = {.size = {square_of(x, y, fused)},
                  .steep = {v_fma(dx, dx, dy * dy)},
                  .made = {(double)made}};
    finish(&f, 1, finish_unit(goal->pixel_step), huge ? HM_HUGE_SCALED : 0, true);
    *smooth = f.smooth[0];
    *distance = f.distance[0];
    return true;
}

/* See kernel_known.h. */
HM_INLINE uint32_t find_period(const hm_orbit_t *orbit, uint32_t max_iter, bool fused) {
    hm_orbit_t z = *orbit;
    double nearest = HM_PERIOD_NEAR_SQUARE;
    const int most = period_most(max_iter);
    uint32_t period = 0;
    for (int p = 1; p <= most && period == 0; ++p) {
        step(&z, fused);
        const double x = z.x - orbit->x;
        const double y = z.y - orbit->y;
        const double gap = x * x + y * y;
        if (gap < nearest) { /* not a number: it has escaped after max_iter */
            nearest = gap;
            period = hm_cycle_period(orbit->x, orbit->y, orbit->cr, orbit->ci, p);
        }
    }
    return period;
}

/* The functions above for one arithmetic. */
typedef struct hm_orbits_t {
    uint32_t (*count)(hm_orbit_t *orbit, uint32_t most, double limit);
    bool (*follow)(const hm_orbit_t *start, const hm_goal_t *goal, double *smooth,
                   double *distance);
    uint32_t (*period)(const hm_orbit_t *orbit, uint32_t max_iter);
} hm_orbits_t;

/* The functions called NAME_*, with ATTRIBUTE. */
/* NOLINTBEGIN(bugprone-macro-parentheses): attributes cannot stand in parentheses */
#define HM_ORBITS(name, attribute, fused)                                                    \
    attribute static uint32_t name##_count(hm_orbit_t *orbit, uint32_t most, double limit) { \
        return escape_count(orbit, most, limit, fused);                                      \
    }                                                                                        \
    attribute static bool name##_follow(const hm_orbit_t *start, const hm_goal_t *goal,      \
                                        double *smooth, double *distance) {                  \
        return follow(start, goal, smooth, distance, fused);                                 \
    }                                                                                        \
    attribute static uint32_t name##_period(const hm_orbit_t *orbit, uint32_t max_iter) {    \
        return find_period(orbit, max_iter, fused);                                          \
    }                                                                                        \
    static const hm_orbits_t name = {name##_count, name##_follow, name##_period};

/* NOLINTEND(bugprone-macro-parentheses) */

/* fma() of the C library: the same bits without the instruction, slowly. */
HM_ORBITS(ieee_library, , false)
HM_ORBITS(fma_library, , true)
#if defined(__x86_64__)
HM_ORBITS(ieee_hardware, __attribute__((target("fma"))), false)
HM_ORBITS(fma_hardware, __attribute__((target("fma"))), true)
#endif

static const hm_orbits_t *orbits_for(hm_arith_t arith) {
#if defined(__x86_64__)
    if (hm_cpu_has(HM_ISA_AVX2)) { /* which stands for AVX2 and FMA3 */
        return arith == HM_ARITH_FMA ? &fma_hardware : &ieee_hardware;
    }
#endif
    return arith == HM_ARITH_FMA ? &fma_library : &ieee_library;
}

static hm_orbit_t begin(const hm_formula_t *formula, double re, double im) {
    return formula->julia ? (hm_orbit_t){re, im, formula->julia_re, formula->julia_im}
                          : (hm_orbit_t){0.0, 0.0, re, im};
}

/* The channels of a point whose count is known; `end` is its orbit after the count's updates. */
static void point_channels(const hm_formula_t *formula, const hm_orbits_t *orbits, double re,
                           double im, const hm_orbit_t *end, hm_point_t *point) {
    point->smooth = (float)NAN;
    point->distance = 0.0f;
    point->period = 0;
    if (point->count < formula->max_iter) {
        const hm_orbit_t start = begin(formula, re, im);
        const hm_goal_t goal = {
            .far = far_square(formula),
            .first = far_first(formula),
            .step = far_step(formula),
            .most = (uint64_t)formula->max_iter + HM_FAR_PATIENCE,
            .add = formula->julia ? 0.0 : 1.0,
            .pixel_step = point->pixel_step,
        };
        double smooth = 0.0;
        double distance = 0.0;
        if (orbits->follow(&start, &goal, &smooth, &distance)) {
            point->smooth = (float)smooth;
            point->distance = (float)distance;
        }
    } else if (!formula->julia && formula->bailout >= 2.0 && known_inside(re, im)) {
        point->period = known_period(re);
    } else {
        point->period = orbits->period(end, formula->max_iter);
    }
}

void hm_scalar_point(const hm_formula_t *formula, double re, double im, bool channels,
                     hm_point_t *point) {
    const hm_orbits_t *orbits = orbits_for(formula->arith);
    hm_orbit_t orbit = begin(formula, re, im);
    point->count = orbits->count(&orbit, formula->max_iter, formula->bailout * formula->bailout);
    if (channels) {
        point_channels(formula, orbits, re, im, &orbit, point);
    }
}

static hm_status_t compute(const hm_kernel_t *kernel, const hm_formula_t *formula,
                           const hm_tile_t *tile, const hm_channels_t *channels, uint64_t *work,
                           const hm_poll_t *poll, hm_error_t *err) {
    (void)kernel;
    (void)err;
    const hm_orbits_t *orbits = orbits_for(formula->arith);
    const double limit = formula->bailout * formula->bailout;
    const uint32_t max_iter = formula->max_iter;
    const bool more = channels->smooth || channels->distance || channels->period;
    uint64_t since_poll = 0;
    for (int64_t row = 0; row < tile->rows; ++row) {
        uint64_t updates = 0;
        for (int64_t column = 0; column < tile->width; ++column) {
            hm_orbit_t orbit = begin(formula, tile->re[column], tile->im[row]);
            uint32_t n = 0;
            bool escaped = false;
            while (n < max_iter && !escaped) {
                const uint32_t most = max_iter - n < PORTION ? max_iter - n : PORTION;
                const uint32_t done = orbits->count(&orbit, most, limit);
                escaped = done < most;
                n += done;
                since_poll += (uint64_t)done + escaped;
                if (since_poll >= PORTION) {
                    since_poll = 0;
                    if (hm_poll_stops(poll)) {
                        return HM_STOPPED;
                    }
                }
            }
            const int64_t place = row * tile->width + column;
            channels->iterations[place] = n;
            updates += (uint64_t)n + escaped;
            if (more) {
                hm_point_t point = {.count = n, .pixel_step = channels->pixel_step};
                point_channels(formula, orbits, tile->re[column], tile->im[row], &orbit, &point);
                hm_point_store(&point, channels, place);
                since_poll += n;
            }
        }
        if (work) {
            work[row] = updates;
        }
    }
    return HM_OK;
}

/* One orbit is one chain of dependent operations, so the loop above is its own ceiling: a point of
 * the set, whose test never fires. */
static double ceiling(const hm_kernel_t *kernel, hm_arith_t arith, double seconds) {
    (void)kernel;
    const hm_orbits_t *orbits = orbits_for(arith);
    const double start = hm_clock_now();
    double spent = 0.0;
    double updates = 0.0;
    do {
        hm_orbit_t orbit = {0.0, 0.0, -0.1, 0.65};
        updates += orbits->count(&orbit, PORTION, 4.0);
        spent = hm_clock_now() - start;
    } while (spent < seconds);
    return updates / spent;
}

const hm_kernel_t hm_kernel_scalar = {
    .isa = HM_ISA_SCALAR,
    .has_channels = true,
    .compute = compute,
    .total = hm_total,
    .ceiling = ceiling,
};
