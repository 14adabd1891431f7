/*
 * Every kernel that was built and is usable here, against the scalar one; and the scalar one
 * against answers that others have found.
 */
#include <stdio.h>

#include "hm_grid.h"
#include "kernel_bench.h"
#include "md5.h"

static const hm_kernel_t *scalar(void) {
    const hm_kernel_t *kernel = NULL;
    CU_ASSERT_FATAL(hm_kernel_find(HM_ISA_SCALAR, &kernel, NULL) == HM_OK);
    return kernel;
}

static void test_shapes(void) {
    bench_kernels(bench_shapes);
}
static void test_limits(void) {
    bench_kernels(bench_limits);
}
static void test_places(void) {
    bench_kernels(bench_places);
}
static void test_last_update(void) {
    bench_kernels(bench_last_update);
}
static void test_bailouts(void) {
    bench_kernels(bench_bailouts);
}
static void test_julia(void) {
    bench_kernels(bench_julia);
}
static void test_random_tiles(void) {
    bench_kernels(bench_random_tiles);
}
static void test_stops(void) {
    bench_kernels(bench_stops);
}

/* --- known answers --------------------------------------------------------------------------- */

typedef struct answer_t {
    uint64_t sum, inside;
} answer_t;

static answer_t compute(const hm_kernel_t *kernel, const hm_view_t *view, hm_formula_t formula,
                        uint32_t **keep) {
    hm_grid_t grid = {.width = 0};
    CU_ASSERT_FATAL(hm_grid_make(view, &grid, NULL) == HM_OK);
    double *re = malloc((size_t)grid.width * sizeof *re);
    double *im = malloc((size_t)grid.height * sizeof *im);
    const size_t points = (size_t)(grid.width * grid.height);
    uint32_t *counts = malloc(points * sizeof *counts);
    CU_ASSERT_FATAL(re && im && counts);
    hm_grid_re(&grid, 0, grid.width, re);
    hm_grid_im(&grid, 0, grid.height, im);
    const hm_tile_t tile = {re, grid.width, im, grid.height};
    CU_ASSERT_EQUAL(hm_kernel_compute(kernel, &formula, &tile,
                                      &(hm_channels_t){.iterations = counts}, NULL, NULL, NULL),
                    HM_OK);
    answer_t answer = {0, 0};
    for (size_t k = 0; k < points; ++k) {
        answer.sum += counts[k];
        answer.inside += counts[k] == formula.max_iter;
    }
    free(re);
    free(im);
    if (keep) {
        *keep = counts;
    } else {
        free(counts);
    }
    return answer;
}

static void answer_euroscipy(bench_t *bench) {
    static const struct {
        int64_t size;
        hm_coords_t coords;
        answer_t answer;
    } table[] = {
        {50, HM_COORDS_ACCUMULATED, {509274, 497}},
        {50, HM_COORDS_EXACT, {518094, 507}},
        {250, HM_COORDS_ACCUMULATED, {12798231, 12501}},
        {250, HM_COORDS_EXACT, {12839047, 12544}},
        {500, HM_COORDS_ACCUMULATED, {51214485, 50066}},
        {500, HM_COORDS_EXACT, {51298208, 50160}},
        {1000, HM_COORDS_ACCUMULATED, {204826551, 200282}},
        {1000, HM_COORDS_EXACT, {204986318, 200453}},
    };
    for (int k = 0; k < (bench_short() ? 2 : 8); ++k) {
        if (table[k].size > 500 && bench->kernel == bench->scalar) {
            continue; /* the vector kernels suffice */
        }
        const hm_view_t view = {.region = "-2.13:0.77,1.3:-1.3",
                                .width = table[k].size,
                                .height = table[k].size,
                                .coords = table[k].coords};
        for (int interior = 0; interior < 2; ++interior) {
            hm_formula_t formula = BENCH_PLAIN;
            formula.interior = interior ? HM_INTERIOR_EXACT : HM_INTERIOR_NONE;
            const answer_t answer = compute(bench->kernel, &view, formula, NULL);
            CU_ASSERT_EQUAL(answer.sum, table[k].answer.sum);
            CU_ASSERT_EQUAL(answer.inside, table[k].answer.inside);
        }
    }
}

/* 2001 x 2001 points, ends included; bailout 4, and their 1000 is reached by who survives 999. */
static void answer_rse2018(bench_t *bench) {
    if (bench_short()) {
        return;
    }
    enum { SIDE = 2001 };
    double axis[SIDE];
    for (int k = 0; k < SIDE; ++k) {
        axis[k] = -1.5 + k * (3.0 / 2000);
    }
    uint32_t *counts = malloc(sizeof(uint32_t) * SIDE * SIDE);
    CU_ASSERT_PTR_NOT_NULL_FATAL(counts);
    const hm_formula_t formula = {
        .max_iter = 999, .bailout = 4.0, .julia = true, .julia_re = 0.322, .julia_im = 0.05};
    const hm_tile_t tile = {axis, SIDE, axis, SIDE};
    CU_ASSERT_EQUAL(hm_kernel_compute(bench->kernel, &formula, &tile,
                                      &(hm_channels_t){.iterations = counts}, NULL, NULL, NULL),
                    HM_OK);
    int64_t inside = 0;
    for (int k = 0; k < SIDE * SIDE; ++k) {
        inside += counts[k] == 999;
    }
    CU_ASSERT_EQUAL(inside, 949739);
    free(counts);
}

/* One bit a point, 1 inside, most significant first. */
static void answer_game(bench_t *bench) {
    enum { SIDE = 504 };
    double re[SIDE], im[SIDE];
    for (int k = 0; k < SIDE; ++k) {
        re[k] = 2.0 * k / SIDE - 1.5;
        im[k] = 2.0 * k / SIDE - 1.0;
    }
    uint32_t *counts = malloc(sizeof(uint32_t) * SIDE * SIDE);
    unsigned char *bitmap = calloc(SIDE * SIDE / 8, 1);
    CU_ASSERT_FATAL(counts && bitmap);
    const hm_formula_t formula = {.max_iter = 50, .bailout = 2.0};
    const hm_tile_t tile = {re, SIDE, im, SIDE};
    CU_ASSERT_EQUAL(hm_kernel_compute(bench->kernel, &formula, &tile,
                                      &(hm_channels_t){.iterations = counts}, NULL, NULL, NULL),
                    HM_OK);
    for (int k = 0; k < SIDE * SIDE; ++k) {
        bitmap[k / 8] |= (unsigned char)((counts[k] == 50) << (7 - k % 8));
    }
    char text[33];
    md5_text(bitmap, SIDE * SIDE / 8, text);
    CU_ASSERT_STRING_EQUAL(text, "15c00e9a39837854b019d7d1c4c04d30");
    free(counts);
    free(bitmap);
}

/* n + 1 for c = -0.75 + 10^-k i: digits of pi (OEIS A097486). */
static void answer_pi(bench_t *bench) {
    static const uint32_t answers[] = {3, 33, 315, 3143, 31417, 314160, 3141593};
    const int digits = bench_short() ? 4 : bench->kernel == bench->scalar ? 6 : 7;
    for (int k = 0; k < digits; ++k) {
        const double re = -0.75;
        const double im = pow(10.0, -k);
        const hm_tile_t tile = {&re, 1, &im, 1};
        hm_formula_t formula = {.max_iter = UINT32_MAX - 1, .bailout = 2.0};
        uint32_t count = 0;
        CU_ASSERT_EQUAL(hm_kernel_compute(bench->kernel, &formula, &tile,
                                          &(hm_channels_t){.iterations = &count}, NULL, NULL, NULL),
                        HM_OK);
        CU_ASSERT_EQUAL(count + 1, answers[k]);
    }
}

static void test_euroscipy(void) {
    bench_kernels(answer_euroscipy);
}
static void test_rse2018(void) {
    bench_kernels(answer_rse2018);
}
static void test_game(void) {
    bench_kernels(answer_game);
}
static void test_pi(void) {
    bench_kernels(answer_pi);
}

/* --- the table and the checks ---------------------------------------------------------------- */

static void test_table(void) {
    const hm_kernel_t *kernel = NULL;
    CU_ASSERT_EQUAL(hm_kernel_best(&kernel), HM_OK);
    CU_ASSERT_TRUE(hm_cpu_has(hm_kernel_isa(kernel)));
    CU_ASSERT_TRUE(hm_kernel_built() & (1u << HM_ISA_SCALAR));
    for (int isa = 0; isa < HM_ISA_COUNT; ++isa) {
        hm_error_t err = HM_ERROR_NONE;
        const hm_kernel_t *found = NULL;
        const bool there = (hm_kernel_built() >> isa & 1u) && hm_cpu_has((hm_isa_t)isa);
        const hm_status_t status = hm_kernel_find((hm_isa_t)isa, &found, &err);
        CU_ASSERT_EQUAL(status, there ? HM_OK : HM_EMISSING);
        CU_ASSERT(there ? hm_kernel_isa(found) == (hm_isa_t)isa
                        : strstr(err.text, hm_isa_name((hm_isa_t)isa)) != NULL);
        printf("    %s: %s\n", hm_isa_name((hm_isa_t)isa), there ? "tested" : "not usable here");
    }
}

static void test_refused(void) {
    const double good[2] = {0.0, 0.1};
    const double bad[][2] = {{0.0, INFINITY}, {NAN, 0.0}, {0.0, -INFINITY}};
    uint32_t counts[4];
    const hm_channels_t channels = {.iterations = counts};
    const hm_tile_t tile = {good, 2, good, 2};
    static const double bailouts[] = {0.0, -1.0, NAN, INFINITY};
    for (int k = 0; k < 4; ++k) {
        hm_formula_t formula = BENCH_PLAIN;
        formula.bailout = bailouts[k];
        CU_ASSERT_EQUAL(hm_kernel_compute(scalar(), &formula, &tile, &channels, NULL, NULL, NULL),
                        HM_EUSAGE);
    }
    for (int k = 0; k < 3; ++k) {
        const hm_tile_t columns = {bad[k], 2, good, 2};
        const hm_tile_t rows = {good, 2, bad[k], 2};
        CU_ASSERT_EQUAL(
            hm_kernel_compute(scalar(), &BENCH_PLAIN, &columns, &channels, NULL, NULL, NULL),
            HM_EUSAGE);
        CU_ASSERT_EQUAL(
            hm_kernel_compute(scalar(), &BENCH_PLAIN, &rows, &channels, NULL, NULL, NULL),
            HM_EUSAGE);
        hm_formula_t formula = BENCH_PLAIN;
        formula.julia = true;
        formula.julia_im = bad[k][0] == 0.0 ? bad[k][1] : bad[k][0];
        CU_ASSERT_EQUAL(hm_kernel_compute(scalar(), &formula, &tile, &channels, NULL, NULL, NULL),
                        HM_EUSAGE);
    }
    hm_formula_t formula = BENCH_PLAIN;
    formula.max_iter = 0;
    CU_ASSERT_EQUAL(hm_kernel_compute(scalar(), &formula, &tile, &channels, NULL, NULL, NULL),
                    HM_EUSAGE);
    formula.max_iter = UINT32_MAX;
    CU_ASSERT_EQUAL(hm_kernel_compute(scalar(), &formula, &tile, &channels, NULL, NULL, NULL),
                    HM_EUSAGE);
}

static void test_ceiling(void) {
    for (int k = 0; k < 2 * HM_ISA_COUNT; ++k) {
        const hm_kernel_t *kernel = bench_find((hm_isa_t)(k / 2), k % 2);
        if (kernel) {
            CU_ASSERT(hm_kernel_ceiling(kernel, HM_ARITH_IEEE, 0.001) > 1e4);
            CU_ASSERT(hm_kernel_ceiling(kernel, HM_ARITH_FMA, 0.001) > 1e4);
        }
    }
}

int main(void) {
    static const hm_case_t cases[] = {
        {"table and dispatch", test_table},
        {"bad input is refused", test_refused},
        {"widths 1 to 70, few rows, small limits", test_shapes},
        {"every limit from 1 to 140", test_limits},
        {"places where it is hard", test_places},
        {"escape at the last update", test_last_update},
        {"bailouts", test_bailouts},
        {"Julia sets", test_julia},
        {"random tiles", test_random_tiles},
        {"gives up when asked", test_stops},
        {"answer: EuroSciPy 2012", test_euroscipy},
        {"answer: RSE 2018", test_rse2018},
        {"answer: benchmark game", test_game},
        {"answer: digits of pi", test_pi},
        {"ceilings", test_ceiling},
        {NULL, NULL},
    };
    return hm_run_cases("kernel", cases);
}
