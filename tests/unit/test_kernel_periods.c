/*
 * The channel period: at all centres of the set's components up to a period, whose numbers are
 * known; within the components; in Julia sets; and where no period may be claimed.
 */
#include <complex.h>

#include "kernel_bench.h"

/* z after `period` updates from z, and its derivatives by z and by c. */
typedef struct turn_t {
    double complex z, by_z, by_c;
} turn_t;

static turn_t turn(double complex c, double complex z, int period) {
    turn_t t = {z, 1.0, 0.0};
    for (int k = 0; k < period; ++k) {
        t.by_z = 2.0 * t.z * t.by_z;
        t.by_c = 2.0 * t.z * t.by_c + 1.0;
        t.z = t.z * t.z + c;
    }
    return t;
}

/* All c for which 0 returns after `period` updates, the roots of a polynomial of degree
 * 2^(period - 1): by Newton's method from sufficiently many points around the set (Hubbard,
 * Schleicher, Sutherland 2001, doi:10.1007/s002220100149). Those on the real axis near -2 are too
 * close together for that, and are sought from there. Returns how many. */
static int roots(int period, double complex *root) {
    const int degree = 1 << (period - 1);
    const int starts = 8 * degree;
    int count = 0;
    for (int k = -starts; k < starts && count < degree; ++k) {
        const double part = (k + 0.3) / starts;
        double complex c =
            k < 0 ? -2.0 + 2.3 * part * part : 2.0 * cexp(I * 6.283185307179586 * part);
        bool found = false;
        for (int step = 0; step < 40 * degree && !found; ++step) {
            const turn_t t = turn(c, 0.0, period);
            const double complex newton = t.z / t.by_c;
            c -= newton;
            found = cabs(newton) < 4e-15;
        }
        for (int j = 0; j < count && found; ++j) {
            found = cabs(c - root[j]) > 1e-11;
        }
        if (found) {
            root[count++] = c;
        }
    }
    return count;
}

/* Is 0 back after `period` updates, and not before? */
static bool has_period(double complex c, int period) {
    for (int p = 1; p < period; ++p) {
        if (period % p == 0) {
            const turn_t t = turn(c, 0.0, p);
            if (cabs(t.z / t.by_c) < 1e-9) {
                return false;
            }
        }
    }
    return true;
}

static uint32_t period_at(const hm_kernel_t *kernel, const hm_formula_t *formula,
                          double complex at) {
    const double re = creal(at);
    const double im = cimag(at);
    uint32_t count = 0;
    uint32_t period = 12345;
    const hm_tile_t tile = {&re, 1, &im, 1};
    const hm_channels_t channels = {.iterations = &count, .period = &period};
    CU_ASSERT_FATAL(hm_kernel_compute(kernel, formula, &tile, &channels, NULL, NULL, NULL) ==
                    HM_OK);
    CU_ASSERT(count == formula->max_iter || period == 0);
    return period;
}

enum { PERIODS = 10, MOST_ROOTS = 1 << (PERIODS - 1) };

/* Numbers of centres: OEIS A000740 in the plane, A000048 on the real axis. */
static const int in_plane[PERIODS] = {1, 1, 3, 6, 15, 27, 63, 120, 252, 495};
static const int on_axis[PERIODS] = {1, 1, 1, 2, 3, 5, 9, 16, 28, 51};

static void centres_of_kernel(bench_t *bench) {
    static double complex root[MOST_ROOTS];
    hm_formula_t formula = {.max_iter = 3000, .bailout = 2.0};
    for (int period = 1; period <= (bench_short() ? 5 : PERIODS); ++period) {
        const int count = roots(period, root);
        int plane = 0;
        int axis = 0;
        for (int k = 0; k < count; ++k) {
            if (!has_period(root[k], period)) {
                continue;
            }
            formula.arith = k % 2 ? HM_ARITH_FMA : HM_ARITH_IEEE;
            formula.interior = k % 3 ? HM_INTERIOR_EXACT : HM_INTERIOR_NONE;
            const uint32_t found = period_at(bench->kernel, &formula, root[k]);
            CU_ASSERT_EQUAL(found, period);
            if (found != (uint32_t)period) {
                printf("    (%a, %a): period %u, not %d\n", creal(root[k]), cimag(root[k]), found,
                       period);
            }
            plane += found == (uint32_t)period;
            axis += found == (uint32_t)period && fabs(cimag(root[k])) < 1e-13;
        }
        CU_ASSERT_EQUAL(plane, in_plane[period - 1]);
        CU_ASSERT_EQUAL(axis, on_axis[period - 1]);
    }
}

static void test_centres(void) {
    bench_kernels(centres_of_kernel);
}

/* From a centre along a ray of its component: the c whose cycle has a given multiplier. The
 * multiplier's derivatives are taken numerically, after Newton for the cycle itself. */
static double complex multiplier_at(double complex c, double complex *z, int period) {
    turn_t t = turn(c, *z, period);
    for (int k = 0; k < 40; ++k) {
        const double complex step = (t.z - *z) / (t.by_z - 1.0);
        *z -= step;
        t = turn(c, *z, period);
        if (cabs(step) < 1e-15) {
            break;
        }
    }
    return t.by_z;
}

static double complex follow_ray(double complex centre, int period, double complex multiplier) {
    enum { STEPS = 30 };
    const double aside = 1e-8; /* components of a period up to 5 are at least 1e-4 wide */
    double complex c = centre;
    double complex z = 0.0;
    for (int step = 1; step <= STEPS; ++step) {
        const double complex wanted = multiplier * step / STEPS;
        for (int k = 0; k < 12; ++k) {
            const double complex here = multiplier_at(c, &z, period);
            double complex near = z;
            const double complex by_c = (multiplier_at(c + aside, &near, period) - here) / aside;
            c -= (here - wanted) / by_c;
        }
    }
    return c;
}

static void components_of_kernel(bench_t *bench) {
    static double complex root[MOST_ROOTS];
    static const double sizes[] = {0.3, 0.8, 0.97};
    hm_formula_t formula = {.max_iter = 20000, .bailout = 2.0};
    int tried = 0;
    for (int period = 1; period <= (bench_short() ? 2 : 5); ++period) {
        const int count = roots(period, root);
        for (int k = 0; k < count; ++k) {
            for (int way = 0; has_period(root[k], period) && way < 9; ++way) {
                const double complex multiplier = sizes[way % 3] * cexp(I * (0.7 + 2.1 * way));
                const double complex c = follow_ray(root[k], period, multiplier);
                double complex z = 0.0;
                for (int n = 0; n < 20000; ++n) {
                    z = z * z + c;
                }
                if (!(cabs(multiplier_at(c, &z, period) - multiplier) < 1e-5)) {
                    continue; /* the ray was lost */
                }
                const uint32_t found = period_at(bench->kernel, &formula, c);
                CU_ASSERT_EQUAL(found, period);
                ++tried;
            }
        }
    }
    CU_ASSERT(tried >= (bench_short() ? 15 : 150));
}

static void test_components(void) {
    bench_kernels(components_of_kernel);
}

/* Points of Julia sets whose c is a centre, or far from one. */
static void julia_of_kernel(bench_t *bench) {
    static const struct {
        double re, im;
        uint32_t period;
    } constants[] = {
        {0.0, 0.0, 1},
        {-1.0, 0.0, 2},
        {-0.1225611668766536, 0.7448617666197442, 3},
        {-1.754877666246693, 0.0, 3},
        {0.2822713907669139, 0.5300606175785253, 4},
        {-0.1565201668337551, 1.032247108922832, 4},
        {-0.39054087021840008, 0.58678790734696872, 0}, /* Siegel's disc: no attracting cycle */
        {0.0, 1.0, 0},                                  /* a dendrite */
    };
    uint64_t state = 5;
    for (size_t k = 0; k < sizeof constants / sizeof constants[0]; ++k) {
        hm_formula_t formula = {.max_iter = 2000, .bailout = 2.0, .julia = true};
        formula.julia_re = constants[k].re;
        formula.julia_im = constants[k].im;
        const int points = bench_short() ? 20 : 200;
        int some = 0;
        for (int point = 0; point < points; ++point) {
            const double complex z =
                0.01 * CMPLX(bench_between(&state, -1, 1), bench_between(&state, -1, 1));
            formula.interior = point % 2 ? HM_INTERIOR_EXACT : HM_INTERIOR_NONE;
            const uint32_t found = period_at(bench->kernel, &formula, z);
            CU_ASSERT(found == constants[k].period || found == 0);
            some += found == constants[k].period;
        }
        CU_ASSERT(some > points / 2);
    }
}

static void test_julia(void) {
    bench_kernels(julia_of_kernel);
}

/* Points that have not escaped in max_iter updates, but will: nothing attracts them. */
static void outside_of_kernel(bench_t *bench) {
    static const uint32_t limits[] = {100, 300, 1000, 1500, 2000, 3000, 10000};
    for (size_t k = 0; k < sizeof limits / sizeof limits[0]; k += bench_short() ? 3 : 1) {
        for (int way = 0; way < 80; way += bench_short() ? 9 : 1) {
            hm_formula_t formula = {.max_iter = limits[k], .bailout = 2.0};
            const double away = pow(10.0, -3.0 - way / 10.0);
            CU_ASSERT_EQUAL(period_at(bench->kernel, &formula, 0.25 + away), 0);
            CU_ASSERT_EQUAL(period_at(bench->kernel, &formula, CMPLX(-0.75, away)), 0);
            /* In the set, but no longer, and not yet, of period 3. */
            CU_ASSERT_NOT_EQUAL(period_at(bench->kernel, &formula, -1.75 + away * 1e-2), 3);
        }
    }
}

static void test_outside(void) {
    bench_kernels(outside_of_kernel);
}

/* Just inside of where a cycle doubles: the longer one has not quite parted from the shorter. */
static void doubling_of_kernel(bench_t *bench) {
    static const struct {
        double at, way;
        uint32_t before, after;
    } doublings[] = {
        {-0.75, -1.0, 1, 2},
        {-1.25, -1.0, 2, 4},
        {-1.3680989, -1.0, 4, 8},
        {-1.7685292, -1.0, 3, 6},
    };
    for (size_t k = 0; k < sizeof doublings / sizeof doublings[0]; ++k) {
        for (int size = 10; size < 60; ++size) {
            const double away = pow(10.0, -size / 10.0) * 1e-2;
            hm_formula_t formula = {.max_iter = 20000, .bailout = 2.0};
            if (away < 3e-7 || (bench_short() && size % 10 != 0)) {
                continue; /* the ends are given to 7 digits */
            }
            const uint32_t before = period_at(bench->kernel, &formula, doublings[k].at + away);
            const uint32_t after = period_at(bench->kernel, &formula, doublings[k].at - away);
            CU_ASSERT(before == doublings[k].before || before == 0);
            CU_ASSERT(after == doublings[k].after || after == 0);
            if (size == 20) {
                CU_ASSERT_EQUAL(before, doublings[k].before);
                CU_ASSERT_EQUAL(after, doublings[k].after);
            }
        }
    }
}

static void test_doubling(void) {
    bench_kernels(doubling_of_kernel);
}

int main(void) {
    static const hm_case_t cases[] = {
        {"centres of components, as many as there are", test_centres},
        {"all over the components", test_components},
        {"Julia sets", test_julia},
        {"none outside, however slow the escape", test_outside},
        {"where cycles double", test_doubling},
        {NULL, NULL},
    };
    return hm_run_cases("kernel periods", cases);
}
