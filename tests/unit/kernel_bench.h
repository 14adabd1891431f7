/**
 * @file kernel_bench.h
 * The test bench of the kernels: a kernel against the scalar one on random and adversarial tiles.
 * HM_TEST_SHORT in the environment makes it small enough for an emulated processor.
 */
#ifndef HM_TEST_KERNEL_BENCH_H
#define HM_TEST_KERNEL_BENCH_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hm_kernel.h"
#include "runner.h"

static inline bool bench_short(void) {
    return getenv("HM_TEST_SHORT") != NULL;
}

/* xorshift64*: the same numbers everywhere. */
static inline uint64_t bench_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}
static inline double bench_between(uint64_t *state, double low, double high) {
    return low + (high - low) * ((double)(bench_random(state) >> 11) * 0x1p-53);
}

typedef struct bench_t {
    const hm_kernel_t *kernel, *scalar;
    int asked;    /* tiles to compare in all ways */
    int compared; /* tiles */
} bench_t;

/* The usable kernel for `isa`: `number` 0 the one for this processor, 1 that for units that it has
 * not (see hm_cpu_shares_units()), where there is such a one. */
static inline const hm_kernel_t *bench_find(hm_isa_t isa, int number) {
    const hm_kernel_t *kernel = NULL;
    const hm_kernel_t *other = NULL;
    const bool shared = hm_cpu_shares_units();
    if (hm_kernel_find(isa, &kernel, NULL) != HM_OK || number == 0) {
        return kernel;
    }
    setenv("HPCMANDEL_CPU_UNITS", shared ? "apart" : "shared", 1);
    CU_ASSERT(hm_kernel_find(isa, &other, NULL) == HM_OK);
    unsetenv("HPCMANDEL_CPU_UNITS");
    return other == kernel ? NULL : other;
}

/* Runs `test` for every usable kernel, the scalar one against itself included. */
static inline void bench_kernels(void (*test)(bench_t *bench)) {
    for (int k = 0; k < 2 * HM_ISA_COUNT; ++k) {
        bench_t bench = {.kernel = bench_find((hm_isa_t)(k / 2), k % 2)};
        CU_ASSERT_FATAL(hm_kernel_find(HM_ISA_SCALAR, &bench.scalar, NULL) == HM_OK);
        if (bench.kernel) {
            test(&bench);
        }
    }
}

enum { BENCH_GUARD = 4 }; /* values before and behind every array, which must stay as they are */

enum { BENCH_SMOOTH = 1, BENCH_DISTANCE = 2, BENCH_PERIOD = 4 };

/* The outputs of a tile; all channels are 4 bytes a point. */
typedef struct bench_outputs_t {
    uint32_t *array[4]; /* iterations, smooth, distance, period; [guard, points, guard] */
    uint64_t *work;
    hm_channels_t channels;
} bench_outputs_t;

static inline void bench_outputs_make(bench_outputs_t *out, int64_t points, int64_t rows, int mask,
                                      double pixel_step) {
    for (int k = 0; k < 4; ++k) {
        const size_t size = (size_t)(points + 2 * BENCH_GUARD) * sizeof *out->array[k];
        out->array[k] = malloc(size);
        CU_ASSERT_FATAL(out->array[k] != NULL);
        memset(out->array[k], 0xa5, size);
    }
    out->work = malloc((size_t)rows * sizeof *out->work);
    CU_ASSERT_FATAL(out->work != NULL);
    out->channels = (hm_channels_t){
        .iterations = out->array[0] + BENCH_GUARD,
        .smooth = mask & BENCH_SMOOTH ? (float *)(out->array[1] + BENCH_GUARD) : NULL,
        .distance = mask & BENCH_DISTANCE ? (float *)(out->array[2] + BENCH_GUARD) : NULL,
        .period = mask & BENCH_PERIOD ? out->array[3] + BENCH_GUARD : NULL,
        .pixel_step = pixel_step,
    };
}

static inline void bench_outputs_free(bench_outputs_t *out) {
    for (int k = 0; k < 4; ++k) {
        free(out->array[k]);
    }
    free(out->work);
}

static inline float bench_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The first place where the outputs differ, or -1; *channel says in which array. Guards count as
 * different when they were written. */
static inline int64_t bench_difference(const bench_outputs_t *expected,
                                       const bench_outputs_t *found, int64_t points, int *channel) {
    for (int k = 0; k < 4; ++k) {
        *channel = k;
        for (int64_t i = 0; i < points + 2 * BENCH_GUARD; ++i) {
            if (expected->array[k][i] != found->array[k][i]) {
                return i < BENCH_GUARD ? -2 : i - BENCH_GUARD;
            }
        }
    }
    return -1;
}

static inline void bench_explain(const char *what, const hm_formula_t *formula, const double *re,
                                 int64_t width, const double *im, int64_t rows,
                                 const bench_outputs_t *expected, const bench_outputs_t *found,
                                 int channel, int64_t at) {
    static const char *const names[] = {"count", "smooth", "distance", "period"};
    const uint32_t right = expected->array[channel][at + BENCH_GUARD];
    const uint32_t wrong = found->array[channel][at + BENCH_GUARD];
    printf("    %s: %s%s, %s, bailout %g, max_iter %u, %lld x %lld: ", what,
           formula->julia ? "julia, " : "", formula->arith == HM_ARITH_FMA ? "fma" : "ieee",
           formula->interior == HM_INTERIOR_EXACT ? "short cuts" : "no short cuts",
           formula->bailout, formula->max_iter, (long long)width, (long long)rows);
    if (at < 0 || at >= width * rows) {
        printf("wrote outside the tile\n");
        return;
    }
    printf("(%a, %a): %s %u (%g), not %u (%g); count %u\n", re[at % width], im[at / width],
           names[channel], wrong, (double)bench_float(wrong), right, (double)bench_float(right),
           expected->channels.iterations[at]);
}

/* Outputs and work of the tile from both kernels, bit by bit; prints what differs. */
static inline bool bench_compare(bench_t *bench, const char *what, const hm_formula_t *formula,
                                 const double *re, int64_t width, const double *im, int64_t rows,
                                 int mask) {
    const hm_tile_t tile = {re, width, im, rows};
    const int64_t points = width * rows;
    const double step = width > 1 && re[1] > re[0] ? re[1] - re[0] : 0.01;
    bench_outputs_t expected, found;
    bench_outputs_make(&expected, points, rows, mask, step);
    bench_outputs_make(&found, points, rows, mask, step);
    hm_formula_t plain = *formula;
    plain.interior = HM_INTERIOR_NONE;
    hm_error_t err = HM_ERROR_NONE;
    bool same = hm_kernel_compute(bench->scalar, &plain, &tile, &expected.channels, expected.work,
                                  NULL, &err) == HM_OK &&
                hm_kernel_compute(bench->kernel, formula, &tile, &found.channels, found.work, NULL,
                                  &err) == HM_OK;
    if (!same) {
        printf("    %s: %s\n", what, err.text);
    } else {
        int channel = 0;
        const int64_t at = bench_difference(&expected, &found, points, &channel);
        same = at == -1;
        if (!same) {
            bench_explain(what, formula, re, width, im, rows, &expected, &found, channel, at);
        }
    }
    for (int64_t k = 0; same && mask == 0 && k < rows; ++k) {
        const bool right = formula->interior == HM_INTERIOR_NONE
                               ? found.work[k] == expected.work[k]
                               : found.work[k] <= expected.work[k];
        if (!right) {
            same = false;
            printf("    %s: row %lld: work %llu, not %llu\n", what, (long long)k,
                   (unsigned long long)found.work[k], (unsigned long long)expected.work[k]);
        }
    }
    bench_outputs_free(&expected);
    bench_outputs_free(&found);
    ++bench->compared;
    return same;
}

/* As above, in both arithmetics, with and without short cuts, with and without channels; when it is
 * to be short, in two of these eight ways, by turns. */
static inline void bench_all_ways(bench_t *bench, const char *what, hm_formula_t formula,
                                  const double *re, int64_t width, const double *im, int64_t rows) {
    ++bench->asked;
    for (int way = 0; way < 8; ++way) {
        if (bench_short() && (way + bench->asked) % 4 != 0) {
            continue;
        }
        formula.arith = way & 1 ? HM_ARITH_FMA : HM_ARITH_IEEE;
        formula.interior = way & 2 ? HM_INTERIOR_EXACT : HM_INTERIOR_NONE;
        const int mask = way & 4 ? 1 + bench->compared % 7 : 0;
        CU_ASSERT(bench_compare(bench, what, &formula, re, width, im, rows, mask));
    }
}

/* A tile around a place, evenly spaced. */
typedef struct bench_view_t {
    const char *what;
    double re, im, step_re, step_im;
    int width, rows;
    uint32_t max_iter;
} bench_view_t;

/* Its rows, fewer when it is to be short. */
static inline int bench_rows(const bench_view_t *view) {
    return bench_short() && view->rows > 9 ? 5 + view->rows / 8 : view->rows;
}

/* Its coordinates: re[width], im[rows]. */
static inline void bench_axes(const bench_view_t *view, double *re, double *im) {
    for (int k = 0; k < view->width; ++k) {
        re[k] = view->re + (k - view->width / 2) * view->step_re;
    }
    for (int k = 0; k < view->rows; ++k) {
        im[k] = view->im + (view->rows / 2 - k) * view->step_im;
    }
}

static inline void bench_view(bench_t *bench, const bench_view_t *view, hm_formula_t formula) {
    double *re = malloc((size_t)view->width * sizeof *re);
    double *im = malloc((size_t)view->rows * sizeof *im);
    CU_ASSERT_FATAL(re && im);
    bench_axes(view, re, im);
    formula.max_iter = view->max_iter;
    bench_all_ways(bench, view->what, formula, re, view->width, im, bench_rows(view));
    free(re);
    free(im);
}

/* --- what every kernel has to pass ----------------------------------------------------------- */

static const hm_formula_t BENCH_PLAIN = {.max_iter = 1000, .bailout = 2.0};

/* Narrow and wide, one row and several; limits around every block length. */
static inline void bench_shapes(bench_t *bench) {
    static const uint32_t limits[] = {1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17, 31, 40, 41, 100, 257};
    const int stride = bench_short() ? 7 : 1;
    for (int width = 1; width <= 70; width += stride) {
        for (int rows = 1; rows <= 9; rows += 4) {
            bench_view_t view = {"shapes", -0.6, 0.02, 2.6 / width, 2.2 / rows, width, rows, 0};
            view.max_iter = limits[(width + rows) % (int)(sizeof limits / sizeof limits[0])];
            bench_view(bench, &view, BENCH_PLAIN);
        }
    }
}

static inline void bench_limits(bench_t *bench) {
    const int stride = bench_short() ? 13 : 1;
    for (uint32_t limit = 1; limit <= 140; limit += (uint32_t)stride) {
        bench_view_t view = {"limits", -0.7436, 0.1318, 0.002, 0.002, 29, 3, limit};
        bench_view(bench, &view, BENCH_PLAIN);
    }
}

static inline void bench_places(bench_t *bench) {
    static const bench_view_t views[] = {
        {"whole set", -0.7, 0.0, 0.03, 0.03, 100, 80, 300},
        {"escape at once", 3.0, 3.0, 0.01, 0.01, 64, 4, 50},
        {"escape in the second update", -1.5, 1.5, 0.01, 0.01, 64, 4, 50},
        {"never", -0.1, 0.05, 0.001, 0.001, 64, 6, 700},
        {"cusp", 0.25, 0.0, 1e-5, 1e-5, 40, 20, 3000},
        {"cusp, near", 0.25, 0.0, 1e-9, 1e-9, 21, 9, 20000},
        {"neck of the disc", -0.75, 0.0, 1e-4, 1e-4, 40, 20, 3000},
        {"edge of the disc", -1.0, 0.25, 1e-6, 1e-6, 40, 20, 2000},
        {"near -2", -2.0, 0.0, 1e-12, 1e-12, 33, 9, 400},
        {"near -2, within roundings", -2.0, 0.0, 0x1p-51, 0x1p-51, 33, 9, 400},
        {"near -2, subnormal rows", -2.0, 0.0, 0x1p-52, 0x1p-1074, 17, 5, 200},
        {"circle of radius 2", -1.9999, 0.02, 1e-6, 1e-4, 40, 40, 400},
        {"seahorses", -0.743643887037151, 0.13182590420533, 1e-5, 1e-5, 60, 30, 2000},
        {"neighbours within roundings", -0.743643887037151, 0.13182590420533, 3e-17, 3e-17, 60, 8,
         3000},
        {"subnormal", 0.0, 0.0, 0x1p-1074, 0x1p-1074, 30, 11, 200},
        {"subnormal rows", -0.5, 0.0, 0.05, 0x1p-1040, 60, 9, 300},
        {"subnormal columns", 0.0, 0.6, 0x1p-1060, 0.01, 30, 21, 300},
        {"tiny rows", -1.3, 0.0, 0.02, 1e-300, 60, 9, 600},
        {"rows of 2^-900", -1.3, 0.0, 0.02, 0x1p-900, 60, 3, 600},
        {"antenna", -1.8, 0.0, 0.005, 1e-17, 80, 3, 2000},
        {"minibrot", -1.7548776662466927, 0.0, 1e-4, 1e-4, 60, 30, 3000},
        {"far", 0.0, 0.0, 1e10, 1e10, 30, 5, 20},
        {"huge", 0.0, 0.0, 1e153, 1e153, 30, 5, 20},
        {"largest", 0.0, 0.0, 5e306, 5e306, 60, 15, 20},
    };
    for (size_t k = 0; k < sizeof views / sizeof views[0]; ++k) {
        bench_view_t view = views[k];
        if (bench_short() && view.max_iter > 300) {
            view.max_iter = 300 + view.max_iter / 50;
        }
        bench_view(bench, &view, BENCH_PLAIN);
    }
}

/* Escape at the last update: limits just below, at and above the counts that there are. */
static inline void bench_last_update(bench_t *bench) {
    enum { SIDE = 24 };
    double re[SIDE], im[SIDE];
    uint32_t counts[SIDE * SIDE];
    for (int k = 0; k < SIDE; ++k) {
        re[k] = -0.75 + 0.001 * k;
        im[k] = 0.11 - 0.001 * k;
    }
    const hm_tile_t tile = {re, SIDE, im, SIDE};
    CU_ASSERT_FATAL(hm_kernel_compute(bench->scalar, &BENCH_PLAIN, &tile,
                                      &(hm_channels_t){.iterations = counts}, NULL, NULL,
                                      NULL) == HM_OK);
    for (int k = 0; k < SIDE * SIDE; k += bench_short() ? 101 : 17) {
        for (int around = 0; around <= 2; ++around) {
            hm_formula_t formula = BENCH_PLAIN;
            formula.max_iter = counts[k] + (uint32_t)around;
            formula.max_iter = formula.max_iter < 1 ? 1 : formula.max_iter;
            bench_all_ways(bench, "last update", formula, re, SIDE, im, SIDE);
        }
    }
}

static inline void bench_bailouts(bench_t *bench) {
    static const double bailouts[] = {1e-300,
                                      0.5,
                                      0.9,
                                      1.0,
                                      1.0000001,
                                      1.2,
                                      1.5,
                                      1.7,
                                      1.99,
                                      2.0,
                                      2.01,
                                      2.5,
                                      4.0,
                                      10.0,
                                      1e3,
                                      1e10,
                                      1e77,
                                      1e100,
                                      1e150,
                                      1e153,
                                      1e154,
                                      1.3407807929942596e154,
                                      1e155,
                                      1e200,
                                      1.7e308,
                                      0x1.fffffffffffffp0,
                                      0x1.0000000000001p1};
    static const bench_view_t views[] = {
        {"bailout, whole set", -0.6, 0.01, 0.06, 0.06, 47, 37, 200},
        {"bailout, seahorses", -0.7436, 0.1318, 1e-4, 1e-4, 30, 9, 600},
        {"bailout, near -2", -2.0, 0.0, 0x1p-51, 0x1p-51, 17, 5, 100},
    };
    for (size_t k = 0; k < sizeof bailouts / sizeof bailouts[0]; ++k) {
        for (size_t v = 0; v < sizeof views / sizeof views[0]; ++v) {
            hm_formula_t formula = BENCH_PLAIN;
            formula.bailout = bailouts[k];
            bench_view_t view = views[v];
            view.max_iter = bench_short() ? 60 : view.max_iter;
            bench_view(bench, &view, formula);
        }
    }
}

static inline void bench_julia(bench_t *bench) {
    static const double constants[][2] = {
        {0.322, 0.05}, {-0.75, 0.0},      {-0.8, 0.156},  {0.0, 0.0},      {-2.0, 0.0},
        {0.25, 0.0},   {0.0, 1.0},        {-1.0, 0.0},    {-0.123, 0.745}, {2.5, -1.0},
        {0.3, 1e-310}, {-0.5, 0x1p-1074}, {-1.3, 1e-280}, {1e200, 1e200},  {1.99999999999, 0.0},
        {0.0, -2.0},   {1e-310, 1e-310},  {0.355, 0.355},
    };
    static const double bailouts[] = {1.5, 2.0, 2.7, 4.0, 1e3, 1e200};
    static const bench_view_t views[] = {
        {"julia", 0.0, 0.0, 0.08, 0.08, 45, 37, 150},
        {"julia, subnormal", 0.0, 0.0, 0x1p-1074, 0x1p-1073, 13, 5, 1200},
        {"julia, tiny", 0.0, 0.0, 1e-160, 1e-161, 13, 5, 1200},
    };
    for (size_t c = 0; c < sizeof constants / sizeof constants[0]; ++c) {
        for (size_t k = 0; k < sizeof bailouts / sizeof bailouts[0]; k += bench_short() ? 3 : 1) {
            for (size_t v = 0; v < sizeof views / sizeof views[0]; ++v) {
                hm_formula_t formula = BENCH_PLAIN;
                formula.bailout = bailouts[k];
                formula.julia = true;
                formula.julia_re = constants[c][0];
                formula.julia_im = constants[c][1];
                bench_view(bench, &views[v], formula);
            }
        }
    }
}

/* Views of all sizes near the boundary, points in no order, everything drawn by chance. */
static inline void bench_random_tiles(bench_t *bench) {
    uint64_t state = 20121121;
    const int tiles = bench_short() ? 25 : 400;
    for (int k = 0; k < tiles; ++k) {
        double re[200], im[40];
        const int width = 1 + (int)(bench_random(&state) % 200);
        const int rows = 1 + (int)(bench_random(&state) % (k % 10 == 0 ? 40 : 6));
        const double size = pow(10.0, bench_between(&state, -15.0, 0.7));
        const double angle = bench_between(&state, 0.0, 6.3);
        const double centre_re = 0.5 * cos(angle) - 0.25 * cos(2.0 * angle);
        const double centre_im = 0.5 * sin(angle) - 0.25 * sin(2.0 * angle);
        for (int i = 0; i < width; ++i) {
            re[i] = centre_re + size * bench_between(&state, -1.0, 1.0);
        }
        for (int i = 0; i < rows; ++i) {
            im[i] = centre_im + size * bench_between(&state, -1.0, 1.0);
        }
        hm_formula_t formula = BENCH_PLAIN;
        formula.max_iter = 1 + (uint32_t)(bench_random(&state) % (k % 4 ? 100 : 2000));
        if (k % 5 == 0) {
            formula.bailout = bench_between(&state, 0.5, 5.0);
        }
        if (k % 7 == 0) {
            formula.julia = true;
            formula.julia_re = centre_re + size * 0.1;
            formula.julia_im = centre_im;
            for (int i = 0; i < width; ++i) {
                re[i] = bench_between(&state, -1.6, 1.6);
            }
        }
        bench_all_ways(bench, "random", formula, re, width, im, rows);
    }
}

/* Asked to give up in the middle; asked about once a millisecond. */
typedef struct bench_poll_t {
    int calls, stop_at;
} bench_poll_t;

static inline bool bench_poll_call(void *context) {
    bench_poll_t *poll = context;
    return ++poll->calls == poll->stop_at;
}

static inline void bench_stops(bench_t *bench) {
    enum { SIDE = 64 };
    double re[SIDE], im[SIDE];
    uint32_t counts[SIDE * SIDE];
    for (int k = 0; k < SIDE; ++k) {
        re[k] = -0.13 + 1e-4 * k;
        im[k] = 0.7 + 1e-4 * k;
    }
    const hm_tile_t tile = {re, SIDE, im, SIDE};
    hm_formula_t formula = BENCH_PLAIN;
    formula.interior = HM_INTERIOR_NONE;
    formula.max_iter = UINT32_MAX - 1; /* would take minutes or hours */
    for (int bailout = 1; bailout <= 2; ++bailout) {
        formula.bailout = bailout == 1 ? 1.3 : 2.0;
        bench_poll_t poll = {0, 3};
        const hm_poll_t call = {bench_poll_call, &poll};
        CU_ASSERT_EQUAL(hm_kernel_compute(bench->kernel, &formula, &tile,
                                          &(hm_channels_t){.iterations = counts}, NULL, &call,
                                          NULL),
                        HM_STOPPED);
        CU_ASSERT_EQUAL(poll.calls, 3);
    }
}

#endif
