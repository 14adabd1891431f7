/* Rows that mirror each other: which do, and that their channels are the same bits. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hm_mirror.h"
#include "random.h"
#include "runner.h"

static const hm_formula_t PLAIN = {.max_iter = 100, .bailout = 2};

static hm_grid_t grid_of(const char *center, const char *span, int64_t width, int64_t height) {
    const hm_view_t view = {.center = center, .span = span, .width = width, .height = height};
    hm_grid_t grid;
    CU_ASSERT_EQUAL_FATAL(hm_grid_make(&view, &grid, NULL), HM_OK);
    return grid;
}

static hm_grid_t region_of(const char *region, int64_t height, hm_coords_t coords) {
    const hm_view_t view = {.region = region, .width = 8, .height = height, .coords = coords};
    hm_grid_t grid;
    CU_ASSERT_EQUAL_FATAL(hm_grid_make(&view, &grid, NULL), HM_OK);
    return grid;
}

/* Twins are what they are said to be, and there are no more of them next to these. */
static void check(const hm_grid_t *grid, int64_t first, int64_t pairs, int64_t sum) {
    const hm_mirror_t found = hm_mirror_find(grid, &PLAIN);
    CU_ASSERT_EQUAL(found.pairs, pairs);
    if (pairs == 0 || found.pairs != pairs) {
        for (int64_t row = 0; found.pairs == 0 && row < grid->height; ++row) {
            CU_ASSERT_FALSE(hm_mirror_is_twin(&found, row));
        }
        return;
    }
    CU_ASSERT_EQUAL(found.first, first);
    CU_ASSERT_EQUAL(found.sum, sum);
    CU_ASSERT(2 * (first + pairs - 1) < sum && sum - first < grid->height);
    int64_t twins = 0;
    for (int64_t row = 0; row < grid->height; ++row) {
        twins += hm_mirror_is_twin(&found, row);
    }
    CU_ASSERT_EQUAL(twins, pairs);
    for (int64_t row = first; row < first + pairs; ++row) {
        double im = 0, other = 0;
        hm_grid_im(grid, row, 1, &im);
        hm_grid_im(grid, sum - row, 1, &other);
        CU_ASSERT(im == -other && im != 0);
        CU_ASSERT(!hm_mirror_is_twin(&found, row) && hm_mirror_is_twin(&found, sum - row));
    }
}

static void test_ranges(void) {
    /* Row 1024 is the axis, row 0 has no partner. */
    hm_grid_t grid = grid_of("0,0", "4", 2048, 2048);
    check(&grid, 1, 1023, 2048);
    grid = grid_of("-0.75,0", "3", 2048, 2048);
    check(&grid, 1, 1023, 2048);
    /* An odd height: no row on the axis, every row has a partner but for the middle. */
    grid = grid_of("0,0", "4", 1024, 1025);
    check(&grid, 1, 512, 1025);
    grid = grid_of("0,0", "1", 64, 19);
    check(&grid, 1, 9, 19);
    /* The axis nearer to one edge: more rows below than above, and the other way round. */
    grid = grid_of("0,-0.25", "2", 512, 512);
    check(&grid, 0, 192, 384);
    grid = grid_of("0,0.25", "2", 512, 512);
    check(&grid, 129, 191, 640);
    /* Rows that go up; the axis between two rows; accumulated coordinates. */
    grid = region_of("-1:1,-1.25:1.25", 1280, HM_COORDS_EXACT);
    check(&grid, 1, 639, 1280);
    grid = region_of("-1:1,-1.25:1.25", 1280, HM_COORDS_ACCUMULATED);
    check(&grid, 1, 639, 1280);
    grid = region_of("-1:1,4.5:-5.5", 20, HM_COORDS_EXACT);
    check(&grid, 0, 9, 18);
    grid = region_of("-1:1,4.75:-5.25", 20, HM_COORDS_EXACT);
    check(&grid, 0, 10, 19);
    /* Many portions long. */
    grid = grid_of("0,0", "3", 65536, 65536);
    CU_ASSERT_EQUAL(hm_mirror_find(&grid, &PLAIN).pairs, 32767);
}

static void test_none(void) {
    static const struct {
        const char *center, *span;
        int64_t width, height;
    } views[] = {
        {"-0.75,0", "3", 1920, 1280}, /* a step that is no short binary fraction */
        {"-0.75,0", "3", 2000, 2000}, {"0,0.1", "2.5", 1024, 1024}, /* not at a row */
        {"0,4", "4", 2048, 2048},     {"0,-4", "4", 2048, 2048},    /* far from the axis */
        {"0,1", "2", 1024, 1024},                                   /* just outside */
        {"0,0", "4", 2048, 1},        {"0,0", "4", 2048, 2},         {"0,0", "4", 2048, 16},
        {"0,1e300", "1", 64, 64},     {"0,1e300", "1e-300", 64, 64},
    };
    for (size_t k = 0; k < sizeof views / sizeof *views; ++k) {
        const hm_grid_t grid =
            grid_of(views[k].center, views[k].span, views[k].width, views[k].height);
        check(&grid, 0, 0, 0);
    }
    hm_grid_t grid = region_of("-2.13:0.77,1.3:-1.3", 500, HM_COORDS_ACCUMULATED);
    check(&grid, 0, 0, 0);
    /* The fewest that are worth it. */
    grid = grid_of("0,0", "4", 2048, 17);
    check(&grid, 1, 8, 17);
}

static void test_formulas(void) {
    const hm_grid_t grid = grid_of("0,0", "4", 64, 64);
    hm_formula_t formula = PLAIN;
    formula.interior = HM_INTERIOR_NONE;
    CU_ASSERT_EQUAL(hm_mirror_find(&grid, &formula).pairs, 0);
    formula = (hm_formula_t){.max_iter = 100, .bailout = 2, .julia = true, .julia_re = -0.8};
    CU_ASSERT_EQUAL(hm_mirror_find(&grid, &formula).pairs, 31);
    formula.julia_im = -0.0;
    CU_ASSERT_EQUAL(hm_mirror_find(&grid, &formula).pairs, 31);
    formula.julia_im = 1e-300;
    CU_ASSERT_EQUAL(hm_mirror_find(&grid, &formula).pairs, 0);
    formula = PLAIN;
    formula.arith = HM_ARITH_FMA;
    CU_ASSERT_EQUAL(hm_mirror_find(&grid, &formula).pairs, 31);
}

enum { WIDTH = 41, ROWS = 24, POINTS = WIDTH * ROWS };

typedef struct side_t {
    uint32_t iterations[POINTS], period[POINTS];
    float smooth[POINTS], distance[POINTS];
} side_t;

static void compute(hm_isa_t isa, const hm_formula_t *formula, const double *re, const double *im,
                    side_t *side) {
    const hm_kernel_t *kernel = NULL;
    CU_ASSERT_EQUAL_FATAL(hm_kernel_find(isa, &kernel, NULL), HM_OK);
    const hm_tile_t tile = {re, WIDTH, im, ROWS};
    const hm_channels_t channels = {.iterations = side->iterations,
                                    .smooth = side->smooth,
                                    .distance = side->distance,
                                    .period = side->period,
                                    .pixel_step = 0.01};
    memset(side, 0xee, sizeof *side);
    CU_ASSERT_EQUAL_FATAL(hm_kernel_compute(kernel, formula, &tile, &channels, NULL, NULL, NULL),
                          HM_OK);
}

/* The rows from above against those from below, point by point the same bits. */
static void test_bits(void) {
    static const double bailouts[] = {2, 2, 2, 1.5, 0.9, 3, 1000, 1e160};
    uint64_t state = 7;
    side_t *above = malloc(2 * sizeof *above);
    CU_ASSERT_FATAL(above != NULL);
    side_t *below = above + 1;
    static const hm_isa_t all[] = {HM_ISA_SCALAR, HM_ISA_AVX2, HM_ISA_AVX512, HM_ISA_NEON};
    hm_isa_t isas[4];
    int count = 0;
    for (int k = 0; k < 4; ++k) {
        const hm_kernel_t *kernel = NULL;
        if (hm_kernel_find(all[k], &kernel, NULL) == HM_OK) {
            isas[count++] = all[k];
        }
    }
    CU_ASSERT_FATAL(count > 0);
    bool same = true;
    bool inside = false;
    bool periodic = false;
    for (int turn = 0; turn < 160; ++turn) {
        hm_formula_t formula = {.max_iter = 1 + (uint32_t)(next_random(&state) % 3000),
                                .bailout = bailouts[turn % 8],
                                .arith = turn / 8 % 2 ? HM_ARITH_FMA : HM_ARITH_IEEE,
                                .julia = turn / 16 % 2 == 1,
                                .julia_re = -1.8 + 0.02 * (double)(next_random(&state) % 110)};
        double re[WIDTH], im[ROWS], down[ROWS];
        const double step = ldexp(1, -(int)(next_random(&state) % 30)) / 20;
        const double corner = -1.8 + 0.01 * (double)(next_random(&state) % 200);
        for (int i = 0; i < WIDTH; ++i) {
            re[i] = corner + i * step;
        }
        for (int j = 0; j < ROWS; ++j) {
            im[j] = j * step;
            down[j] = -im[j]; /* the first is -0.0 */
        }
        const hm_isa_t isa = isas[turn % count];
        compute(isa, &formula, re, im, above);
        compute(isa, &formula, re, down, below);
        same = same && memcmp(above, below, sizeof *above) == 0;
        for (int i = 0; i < POINTS; ++i) {
            inside = inside || above->iterations[i] == formula.max_iter;
            periodic = periodic || above->period[i] > 2;
        }
    }
    CU_ASSERT(same);
    CU_ASSERT(inside && periodic); /* it was worth looking at */
    free(above);
}

int main(void) {
    static const hm_case_t cases[] = {
        {"ranges", test_ranges},
        {"no range", test_none},
        {"formulas", test_formulas},
        {"twins have the same bits in every channel", test_bits},
        {NULL, NULL},
    };
    return hm_run_cases("mirror", cases);
}
