/*
 * The channels smooth and distance: every kernel against the scalar one in every combination, and
 * the values against the same orbits in MPFR, closed forms, and theorems about distances.
 */
#include <complex.h>
#include <float.h>
#include <mpfr.h>

#include "kernel_bench.h"

/* --- bit by bit ------------------------------------------------------------------------------ */

static const bench_view_t hard_views[] = {
    {"whole set", -0.7, 0.0, 0.05, 0.05, 61, 47, 200},
    {"seahorses", -0.743643887037151, 0.13182590420533, 1e-5, 1e-5, 37, 11, 900},
    {"so many that the flights change", -0.743643887037151, 0.13182590420533, 4e-7, 4e-7, 211, 17,
     900},
    {"some stay, others leave late", 0.285, 0.01, 2e-5, 2e-5, 211, 9, 1500},
    {"cusp", 0.25, 0.0, 1e-5, 1e-5, 37, 9, 1500},
    {"neck of the disc", -0.75, 0.0, 1e-4, 1e-4, 29, 9, 1100},
    {"near -2, within roundings", -2.0, 0.0, 0x1p-51, 0x1p-51, 33, 9, 400},
    {"subnormal", 0.0, 0.0, 0x1p-1074, 0x1p-1074, 30, 7, 100},
    {"far away at the first update", 0.0, 0.0, 900.0, 900.0, 30, 15, 30},
    {"huge", 0.0, 0.0, 1e153, 1e153, 30, 5, 20},
    {"largest", 0.0, 0.0, 5e306, 5e306, 60, 9, 20},
    {"one column", -0.75, 0.1, 0.01, 0.01, 1, 40, 300},
    {"one row", -0.75, 0.1, 0.01, 0.01, 200, 1, 300},
    {"one update", -0.7, 0.0, 0.05, 0.05, 61, 47, 1},
    {"two updates", -0.7, 0.0, 0.05, 0.05, 61, 47, 2},
};

static const double hard_bailouts[] = {0.7, 1.5, 2.0, 2.5, 100.0, 4096.0, 1e4, 1e160};

/* A tile in every combination of channels, arithmetics and short cuts. */
static void every_combination(bench_t *bench, const bench_view_t *view, hm_formula_t formula) {
    double *re = malloc((size_t)view->width * sizeof *re);
    double *im = malloc((size_t)view->rows * sizeof *im);
    CU_ASSERT_FATAL(re && im);
    bench_axes(view, re, im);
    formula.max_iter = view->max_iter;
    if (bench_short() && formula.max_iter > 150) {
        formula.max_iter = 100 + view->max_iter / 20;
    }
    for (int mask = 0; mask < 8; ++mask) {
        for (int way = 0; way < 4; ++way) {
            if (bench_short() && way + mask != 7) {
                continue;
            }
            formula.arith = way & 1 ? HM_ARITH_FMA : HM_ARITH_IEEE;
            formula.interior = way & 2 ? HM_INTERIOR_EXACT : HM_INTERIOR_NONE;
            CU_ASSERT(bench_compare(bench, view->what, &formula, re, view->width, im,
                                    bench_rows(view), mask));
        }
    }
    free(re);
    free(im);
}

static void bench_views(bench_t *bench) {
    for (size_t k = 0; k < sizeof hard_views / sizeof hard_views[0]; ++k) {
        every_combination(bench, &hard_views[k], BENCH_PLAIN);
    }
}

static void bench_channel_bailouts(bench_t *bench) {
    for (size_t k = 0; k < sizeof hard_bailouts / sizeof hard_bailouts[0]; ++k) {
        hm_formula_t formula = BENCH_PLAIN;
        formula.bailout = hard_bailouts[k];
        const bench_view_t view = {"bailouts", -0.7, 0.01, 0.07, 0.07, 39, 31, 120};
        every_combination(bench, &view, formula);
    }
}

static void bench_channel_julia(bench_t *bench) {
    static const double constants[][2] = {{-0.8, 0.156}, {-0.12, 0.745},    {0.0, 0.0},
                                          {-2.0, 0.0},   {-0.5, 0x1p-1074}, {30.0, 5000.0},
                                          {1e200, 1.0}};
    static const bench_view_t views[] = {
        {"julia", 0.0, 0.0, 0.08, 0.08, 41, 31, 150},
        {"julia, far", 0.0, 0.0, 700.0, 700.0, 21, 9, 30},
        {"julia, huge", 0.0, 0.0, 3e200, 1e150, 21, 9, 30},
    };
    static const double bailouts[] = {1.5, 2.0, 4.0, 1e4};
    for (size_t c = 0; c < sizeof constants / sizeof constants[0]; ++c) {
        for (size_t v = 0; v < sizeof views / sizeof views[0]; ++v) {
            hm_formula_t formula = BENCH_PLAIN;
            formula.bailout = bailouts[(c + v) % 4];
            formula.julia = true;
            formula.julia_re = constants[c][0];
            formula.julia_im = constants[c][1];
            every_combination(bench, &views[v], formula);
        }
    }
}

/* Bailouts that orbits pass and come back from: soon after max_iter some do, of period 10 too. */
static void bench_comers_back(bench_t *bench) {
    for (uint32_t limit = 1; limit <= 20; limit += bench_short() ? 4 : 1) {
        const bench_view_t view = {"come back", 0.1575, -0.6386, 0.002, 0.002, 40, 41, limit};
        hm_formula_t formula = BENCH_PLAIN;
        formula.bailout = 1.0;
        every_combination(bench, &view, formula);
    }
}

/* Julia sets: so many points that stay that preludes are given up, and then some that are far away
 * from the first. */
static void bench_suddenly_far(bench_t *bench) {
    enum { WIDTH = 32, STAY = 48, ROWS = 60 };
    static const double far[] = {4095.0, 4096.0, 4097.0, 5e4, 1e9, 0x1p49};
    double re[WIDTH], im[ROWS];
    for (int k = 0; k < WIDTH; ++k) {
        re[k] = 0.01 * (k - WIDTH / 2);
    }
    for (int k = 0; k < ROWS; ++k) {
        im[k] = k < STAY ? 0.01 * (k - STAY / 2) : far[k % 6];
    }
    for (int mask = 1; mask < 8; ++mask) {
        for (int way = 0; way < 4; ++way) {
            for (int rows = STAY + 1; rows <= ROWS; rows += ROWS - STAY - 1) {
                hm_formula_t formula = {.max_iter = 100, .bailout = 2.0, .julia = true};
                formula.arith = way & 1 ? HM_ARITH_FMA : HM_ARITH_IEEE;
                formula.interior = way & 2 ? HM_INTERIOR_EXACT : HM_INTERIOR_NONE;
                formula.julia_re = 0.1;
                CU_ASSERT(
                    bench_compare(bench, "suddenly far", &formula, re, WIDTH, im, rows, mask));
            }
        }
    }
}

static void test_views(void) {
    bench_kernels(bench_views);
}
static void test_bailouts(void) {
    bench_kernels(bench_channel_bailouts);
}
static void test_julia(void) {
    bench_kernels(bench_channel_julia);
}

static void test_comers_back(void) {
    bench_kernels(bench_comers_back);
}
static void test_suddenly_far(void) {
    bench_kernels(bench_suddenly_far);
}

/* --- values ---------------------------------------------------------------------------------- */

typedef struct value_t {
    uint32_t count, period;
    float smooth, distance;
} value_t;

/* Distances in units of 2^-10: as good as any, and exact. */
static const double PIXEL_STEP = 0x1p-10;

static value_t value_at(const hm_kernel_t *kernel, const hm_formula_t *formula, double re,
                        double im) {
    value_t value = {0};
    const hm_tile_t tile = {&re, 1, &im, 1};
    const hm_channels_t channels = {&value.count, &value.smooth, &value.distance, &value.period,
                                    PIXEL_STEP};
    CU_ASSERT_FATAL(hm_kernel_compute(kernel, formula, &tile, &channels, NULL, NULL, NULL) ==
                    HM_OK);
    return value;
}

static bool is_close(double found, double right, double relative) {
    return fabs(found - right) <= relative * fmax(1.0, fabs(right));
}

typedef struct reference_t {
    double smooth, distance; /* distance in units of the plane */
} reference_t;

/* What the channels are defined as, with 320 bits, far beyond where the kernels stop. */
static bool reference_at(const hm_formula_t *formula, double re, double im, reference_t *value) {
    enum { BITS = 320, FAR = 200 };
    mpfr_t x, y, cr, ci, dx, dy, t, u, v;
    mpfr_inits2(BITS, x, y, cr, ci, dx, dy, t, u, v, (mpfr_ptr)NULL);
    mpfr_set_d(x, formula->julia ? re : 0.0, MPFR_RNDN);
    mpfr_set_d(y, formula->julia ? im : 0.0, MPFR_RNDN);
    mpfr_set_d(cr, formula->julia ? formula->julia_re : re, MPFR_RNDN);
    mpfr_set_d(ci, formula->julia ? formula->julia_im : im, MPFR_RNDN);
    mpfr_set_d(dx, formula->julia ? 1.0 : 0.0, MPFR_RNDN);
    mpfr_set_d(dy, 0.0, MPFR_RNDN);
    bool far = false;
    uint32_t made = 0;
    for (; made < formula->max_iter + 100; ++made) {
        mpfr_sqr(t, x, MPFR_RNDN);
        mpfr_sqr(u, y, MPFR_RNDN);
        mpfr_add(v, t, u, MPFR_RNDN);
        far = mpfr_cmp_d(v, 0x1p400) > 0 && made > 0;
        if (far) {
            break;
        }
        /* dz' = 2 z dz + 1 (or 0), z' = z^2 + c */
        mpfr_fmms(v, x, dx, y, dy, MPFR_RNDN);
        mpfr_fmma(dy, x, dy, y, dx, MPFR_RNDN);
        mpfr_mul_2ui(dy, dy, 1, MPFR_RNDN);
        mpfr_mul_2ui(dx, v, 1, MPFR_RNDN);
        if (!formula->julia) {
            mpfr_add_ui(dx, dx, 1, MPFR_RNDN);
        }
        mpfr_mul(v, x, y, MPFR_RNDN);
        mpfr_mul_2ui(v, v, 1, MPFR_RNDN);
        mpfr_add(y, v, ci, MPFR_RNDN);
        mpfr_sub(x, t, u, MPFR_RNDN);
        mpfr_add(x, x, cr, MPFR_RNDN);
    }
    if (far) {
        mpfr_hypot(t, x, y, MPFR_RNDN);   /* |z| */
        mpfr_hypot(u, dx, dy, MPFR_RNDN); /* |dz| */
        mpfr_div(u, t, u, MPFR_RNDN);
        mpfr_log(v, t, MPFR_RNDN);
        mpfr_mul(u, u, v, MPFR_RNDN);
        value->distance = 2.0 * mpfr_get_d(u, MPFR_RNDN);
        mpfr_log2(v, t, MPFR_RNDN);
        mpfr_log2(v, v, MPFR_RNDN);
        mpfr_ui_sub(v, made, v, MPFR_RNDN);
        value->smooth = mpfr_get_d(v, MPFR_RNDN);
    }
    mpfr_clears(x, y, cr, ci, dx, dy, t, u, v, (mpfr_ptr)NULL);
    return far;
}

/* The worst errors of a kernel, for the report at the end. */
typedef struct worst_t {
    double smooth, distance;
    int compared;
} worst_t;

/* Orbits in doubles are those of points a few roundings away: nearer to the set than 2^-30 that
 * alone would be seen. */
static void compare_value(bench_t *bench, const hm_formula_t *formula, double re, double im,
                          worst_t *worst) {
    reference_t right = {0.0, 0.0};
    if (!reference_at(formula, re, im, &right) || right.distance < 0x1p-30) {
        return;
    }
    const value_t found = value_at(bench->kernel, formula, re, im);
    if (found.count == formula->max_iter) {
        return;
    }
    const double distance = (double)found.distance * PIXEL_STEP;
    const double smooth_error = fabs(found.smooth - right.smooth) / fmax(1.0, fabs(right.smooth));
    const double distance_error = fabs(distance / right.distance - 1.0);
    worst->smooth = fmax(worst->smooth, smooth_error);
    worst->distance = fmax(worst->distance, distance_error);
    ++worst->compared;
    const bool right_smooth = smooth_error <= 1e-6;
    const bool right_distance = distance_error <= 1e-3;
    CU_ASSERT(right_smooth && right_distance);
    if (!right_smooth || !right_distance) {
        printf("    (%a, %a)%s, bailout %g, count %u: smooth %.9g, not %.9g; distance %g, not %g\n",
               re, im, formula->julia ? " julia" : "", formula->bailout, found.count,
               (double)found.smooth, right.smooth, distance, right.distance);
    }
}

static void values_of_kernel(bench_t *bench) {
    static const double bailouts[] = {2.0, 2.0, 2.0, 1.5, 1.0, 4.0, 300.0, 1e5};
    static const double constants[][2] = {
        {-0.8, 0.156}, {0.322, 0.05}, {-0.12, 0.745}, {3.0, 4.0}, {50.0, 600.0}};
    worst_t worst = {0.0, 0.0, 0};
    uint64_t state = 4711;
    const int points = bench_short() ? 40 : 1500;
    for (int k = 0; k < points; ++k) {
        hm_formula_t formula = BENCH_PLAIN;
        formula.bailout = bailouts[k % 8];
        formula.arith = k % 3 == 0 ? HM_ARITH_FMA : HM_ARITH_IEEE;
        formula.max_iter = k % 5 == 0 ? 3 + (uint32_t)k % 50 : 2000;
        double complex at = 0.0;
        if (k % 4 == 0) { /* anywhere */
            at = CMPLX(bench_between(&state, -2.3, 1.0), bench_between(&state, -1.3, 1.3));
        } else if (k % 4 == 1) { /* near the edge of the cardioid */
            const double turn = bench_between(&state, 0.0, 6.28);
            const double out = 1.0 + pow(10.0, bench_between(&state, -5.0, 0.0));
            at = 0.25 - 0.25 * cpow(1.0 - out * cexp(I * turn), 2.0);
        } else if (k % 4 == 2) { /* far away, by all that floats hold */
            at = pow(10.0, bench_between(&state, 0.3, k % 8 == 2 ? 6.0 : 33.0)) *
                 cexp(I * bench_between(&state, 0.0, 6.28));
        } else {
            formula.julia = true;
            formula.julia_re = constants[k / 4 % 5][0];
            formula.julia_im = constants[k / 4 % 5][1];
            const double size = k % 8 == 3 ? 1.6 : pow(10.0, bench_between(&state, 0.0, 9.0));
            at = CMPLX(bench_between(&state, -size, size), bench_between(&state, -size, size));
        }
        compare_value(bench, &formula, creal(at), cimag(at), &worst);
    }
    printf("    %s: smooth within %.1e, distance within %.1e of MPFR's (%d points)\n",
           hm_isa_name(hm_kernel_isa(bench->kernel)), worst.smooth, worst.distance, worst.compared);
    CU_ASSERT(worst.compared > points / 2);
}

static void test_values(void) {
    bench_kernels(values_of_kernel);
}

/* The Green's functions of the circle and of the segment [-2, 2] are known: log |z|, and log |w|
 * with z = w + 1/w. */
static void closed_forms_of_kernel(bench_t *bench) {
    uint64_t state = 99;
    hm_formula_t formula = {.max_iter = 200, .bailout = 2.0, .julia = true};
    for (int k = 0; k < (bench_short() ? 20 : 400); ++k) {
        const double log_size = pow(10.0, bench_between(&state, -4.0, 1.5));
        const double complex w = exp(log_size) * cexp(I * bench_between(&state, 0.0, 6.28));
        formula.julia_re = k % 2 ? -2.0 : 0.0;
        const double complex z = k % 2 ? w + 1.0 / w : w;
        const double distance = 2.0 * log_size * cabs(k % 2 ? w - 1.0 / w : w);
        const value_t value = value_at(bench->kernel, &formula, creal(z), cimag(z));
        CU_ASSERT(value.count < formula.max_iter);
        CU_ASSERT(is_close(value.smooth, -log2(log_size / log(2.0)), 1e-6));
        CU_ASSERT(is_close(value.distance * PIXEL_STEP / distance, 1.0, 1e-6));
    }
}

static void test_closed_forms(void) {
    bench_kernels(closed_forms_of_kernel);
}

/* Next to [-2, 2] derivatives become as large as distances are small; there 2 G / |G'| is twice the
 * distance. (2^-e, 2^-e) leads to (-2, 2^(1 - 2e)) exactly. */
static void next_to_segment_of_kernel(bench_t *bench) {
    const hm_formula_t formula = {
        .max_iter = 2000, .bailout = 2.0, .julia = true, .julia_re = -2.0};
    for (int e = 30; e <= 300; e += bench_short() ? 27 : 1) {
        const double at = ldexp(1.0, -e);
        uint32_t count = 0;
        float distance = 0.0f;
        const hm_tile_t tile = {&at, 1, &at, 1};
        const hm_channels_t channels = {
            .iterations = &count, .distance = &distance, .pixel_step = at};
        CU_ASSERT_FATAL(hm_kernel_compute(bench->kernel, &formula, &tile, &channels, NULL, NULL,
                                          NULL) == HM_OK);
        CU_ASSERT(count < formula.max_iter);
        CU_ASSERT(is_close(distance, 2.0, 1e-6));
    }
}

static void test_next_to_segment(void) {
    bench_kernels(next_to_segment_of_kernel);
}

/* With the largest constants 0 is far away after one update. */
static void largest_of_kernel(bench_t *bench) {
    static const double constants[][2] = {
        {1e299, 1e299}, {-1e302, 3.0}, {0.0, 1e306}, {-1.5e308, -1e308}, {DBL_MAX, DBL_MAX}};
    for (size_t k = 0; k < sizeof constants / sizeof constants[0]; ++k) {
        hm_formula_t formula = {.max_iter = 20, .bailout = 2.0, .julia = true};
        formula.julia_re = constants[k][0];
        formula.julia_im = constants[k][1];
        const value_t value = value_at(bench->kernel, &formula, 0.0, 0.0);
        const double log_size =
            log2(hypot(ldexp(formula.julia_re, -99), ldexp(formula.julia_im, -99))) + 99.0;
        CU_ASSERT_EQUAL(value.count, 0);
        CU_ASSERT(is_close(value.smooth, 1.0 - log2(log_size), 1e-6));
        CU_ASSERT(isinf(value.distance));
    }
}

static void test_largest(void) {
    bench_kernels(largest_of_kernel);
}

/*
 * What distances may be (Milnor, Dynamics in One Complex Variable; Koebe's theorem): with the
 * Green's function G and the estimate d = 2 G / |G'|, the true distance to the set is between
 * sinh(G) / (2 e^G) / |G'| and 2 sinh(G) / |G'|.
 */
static void bounds_of_kernel(bench_t *bench) {
    uint64_t state = 31;
    int used = 0;
    for (int k = 0; k < (bench_short() ? 50 : 1000); ++k) {
        /* A point of the edge of the cardioid or of the disc, and one at some distance from it. */
        const double complex turn = cexp(I * bench_between(&state, 0.0, 6.28));
        const double complex edge = k % 2 ? turn / 2.0 - turn * turn / 4.0 : -1.0 + 0.25 * turn;
        const double complex away = pow(10.0, bench_between(&state, -4.0, 1.0)) *
                                    cexp(I * bench_between(&state, 0.0, 6.28));
        /* Or one of the real axis left of -2, whose distance is known. */
        const bool left = k % 10 == 0;
        const double complex at = left ? -2.0 - cabs(away) : edge + away;
        const value_t value = value_at(bench->kernel, &BENCH_PLAIN, creal(at), cimag(at));
        if (value.count == BENCH_PLAIN.max_iter) {
            CU_ASSERT(isnan(value.smooth));
            CU_ASSERT_EQUAL(value.distance, 0.0f);
            continue;
        }
        const double green = log(2.0) * exp2(-(double)value.smooth);
        const double per_slope = (double)value.distance * PIXEL_STEP / (2.0 * green);
        CU_ASSERT_EQUAL(value.period, 0);
        CU_ASSERT(sinh(green) / (2.0 * exp(green)) * per_slope <= cabs(away) * (1.0 + 1e-4));
        if (left) {
            CU_ASSERT(2.0 * sinh(green) * per_slope >= cabs(away) * (1.0 - 1e-4));
        }
        ++used;
    }
    CU_ASSERT(used > 10);
}

static void test_bounds(void) {
    bench_kernels(bounds_of_kernel);
}

int main(void) {
    static const hm_case_t cases[] = {
        {"every combination, hard views", test_views},
        {"every combination, bailouts", test_bailouts},
        {"every combination, Julia sets", test_julia},
        {"orbits that leave after max_iter and come back", test_comers_back},
        {"Julia sets, far away after many that stay", test_suddenly_far},
        {"smooth and distance against MPFR", test_values},
        {"Julia sets whose potential is known", test_closed_forms},
        {"distances next to a segment", test_next_to_segment},
        {"the largest constants", test_largest},
        {"distances keep to theorems", test_bounds},
        {NULL, NULL},
    };
    return hm_run_cases("kernel channels", cases);
}
