/*
 * Short cuts change no bit: a thousand views drawn by chance and all those of configs/, with short
 * cuts and without, against the scalar kernel, which takes none.
 */
#include <dirent.h>
#include <ini.h>
#include <limits.h>

#include "hm_grid.h"
#include "hm_text.h"
#include "kernel_bench.h"

/* Both ways, counts alone and with all channels by turns. */
static bool same_both_ways(bench_t *bench, const char *what, hm_formula_t formula, const double *re,
                           int64_t width, const double *im, int64_t rows) {
    const int all = BENCH_SMOOTH | BENCH_DISTANCE | BENCH_PERIOD;
    const int mask = ++bench->asked % 2 ? 0 : all;
    formula.interior = HM_INTERIOR_NONE;
    const bool none = bench_compare(bench, what, &formula, re, width, im, rows, mask);
    formula.interior = HM_INTERIOR_EXACT;
    return bench_compare(bench, what, &formula, re, width, im, rows, mask) && none;
}

/* --- drawn by chance ------------------------------------------------------------------------- */

/* On the edge of the cardioid, of the disc of period 2, on the real axis, or anywhere. */
static void draw_centre(uint64_t *state, double *re, double *im) {
    const double angle = bench_between(state, 0.0, 6.283185307179586);
    switch (bench_random(state) % 4) {
    case 0:
        *re = 0.5 * cos(angle) - 0.25 * cos(2.0 * angle);
        *im = 0.5 * sin(angle) - 0.25 * sin(2.0 * angle);
        break;
    case 1:
        *re = -1.0 + 0.25 * cos(angle);
        *im = 0.25 * sin(angle);
        break;
    case 2:
        *re = bench_between(state, -2.0, 0.26);
        *im = 0.0;
        break;
    default:
        *re = bench_between(state, -2.0, 0.5);
        *im = bench_between(state, -1.2, 1.2);
        break;
    }
}

static void random_views(bench_t *bench) {
    enum { WIDTH = 17, ROWS = 9 };
    uint64_t state = 1905;
    double re[WIDTH], im[ROWS];
    if (bench->kernel == bench->scalar) {
        return; /* it takes no short cuts */
    }
    for (int view = 0; view < (bench_short() ? 60 : 1000); ++view) {
        hm_formula_t formula = BENCH_PLAIN;
        const bool long_one = view % 25 == 0 && !bench_short();
        formula.max_iter = (uint32_t)pow(10.0, bench_between(&state, 1.0, long_one ? 4.7 : 3.4));
        formula.arith = view % 3 == 0 ? HM_ARITH_FMA : HM_ARITH_IEEE;
        formula.bailout = view % 11 == 0 ? bench_between(&state, 1.0, 8.0) : 2.0;
        double centre_re = 0.0;
        double centre_im = 0.0;
        draw_centre(&state, &centre_re, &centre_im);
        const double step = pow(10.0, bench_between(&state, -17.0, -1.0));
        if (view % 5 == 0) { /* the Julia set of that point, around 0 */
            formula.julia = true;
            formula.julia_re = centre_re;
            formula.julia_im = centre_im;
            centre_re = centre_im = 0.0;
        }
        for (int k = 0; k < WIDTH; ++k) {
            re[k] = centre_re + (k - WIDTH / 2) * step;
        }
        for (int k = 0; k < ROWS; ++k) { /* symmetric about the real axis where that is centred */
            im[k] = centre_im + (ROWS / 2 - k) * step;
        }
        CU_ASSERT(same_both_ways(bench, "view by chance", formula, re, WIDTH, im, ROWS));
    }
}

static void test_random_views(void) {
    bench_kernels(random_views);
}

/* --- configs/ -------------------------------------------------------------------------------- */

typedef struct config_t {
    char center[128], span[128], region[128];
    char julia[128];
    int64_t size[2];
    bool accumulated;
    hm_formula_t formula;
} config_t;

/* inih: 1 is fine, 0 is not. */
static int config_line(void *user, const char *section, const char *name, const char *value) {
    (void)section;
    config_t *config = user;
    static const char *const others[] = {"output", "png", "palette", "strategy", "band"};
    const struct {
        const char *name;
        char *to;
    } texts[] = {
        {"center", config->center},
        {"span", config->span},
        {"region", config->region},
        {"julia", config->julia},
    };
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; ++k) {
        if (strcmp(name, texts[k].name) == 0) {
            return snprintf(texts[k].to, sizeof config->center, "%s", value) <
                   (int)sizeof config->center;
        }
    }
    if (strcmp(name, "size") == 0) {
        return hm_text_size(value, &config->size[0], &config->size[1], NULL) == HM_OK;
    }
    if (strcmp(name, "coords") == 0) {
        config->accumulated = strcmp(value, "accumulated") == 0;
        return 1;
    }
    if (strcmp(name, "max-iter") == 0) {
        config->formula.max_iter = (uint32_t)strtoul(value, NULL, 10);
        return config->formula.max_iter > 0;
    }
    if (strcmp(name, "bailout") == 0) {
        config->formula.bailout = strtod(value, NULL);
        return 1;
    }
    for (size_t k = 0; k < sizeof others / sizeof others[0]; ++k) {
        if (strcmp(name, others[k]) == 0) {
            return 1;
        }
    }
    printf("    %s = %s: a key that this test does not know\n", name, value);
    return 0;
}

static bool config_read(const char *path, config_t *config) {
    *config = (config_t){
        .center = "-0.75,0", .span = "3.0", .size = {1920, 1280}, .formula = BENCH_PLAIN};
    bool right = ini_parse(path, config_line, config) == 0;
    if (right && config->julia[0]) {
        config->formula.julia = true;
        right = sscanf(config->julia, "%lf,%lf", &config->formula.julia_re,
                       &config->formula.julia_im) == 2;
    }
    return right;
}

/* The same view with fewer points. */
static void config_compare(bench_t *bench, const char *path, const config_t *config) {
    const int64_t width = bench_short() ? 24 : 64;
    const int64_t height = (width * config->size[1] + config->size[0] - 1) / config->size[0];
    hm_view_t view = {.width = width,
                      .height = height,
                      .coords = config->accumulated ? HM_COORDS_ACCUMULATED : HM_COORDS_EXACT};
    if (config->region[0]) {
        view.region = config->region;
    } else {
        view.center = config->center;
        view.span = config->span;
    }
    hm_grid_t grid = {.width = 0};
    CU_ASSERT_FATAL(hm_grid_make(&view, &grid, NULL) == HM_OK);
    double *re = malloc((size_t)grid.width * sizeof *re);
    double *im = malloc((size_t)grid.height * sizeof *im);
    CU_ASSERT_FATAL(re && im);
    hm_grid_re(&grid, 0, grid.width, re);
    hm_grid_im(&grid, 0, grid.height, im);
    hm_formula_t formula = config->formula;
    if (bench_short() && formula.max_iter > 1000) {
        formula.max_iter = 1000;
    }
    for (int arith = 0; arith < 2; ++arith) {
        formula.arith = arith ? HM_ARITH_FMA : HM_ARITH_IEEE;
        CU_ASSERT(same_both_ways(bench, path, formula, re, grid.width, im, grid.height));
    }
    free(re);
    free(im);
}

static void configs(bench_t *bench) {
    DIR *folder = opendir("configs");
    int count = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(folder); /* run it from the top of the repository */
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        const size_t length = strlen(entry->d_name);
        if (length < 4 || strcmp(entry->d_name + length - 4, ".ini") != 0) {
            continue;
        }
        char path[PATH_MAX];
        config_t config;
        (void)snprintf(path, sizeof path, "configs/%s", entry->d_name);
        const bool right = config_read(path, &config);
        CU_ASSERT(right);
        if (!right) {
            printf("    %s: not understood\n", path);
        } else if (bench->kernel != bench->scalar) {
            config_compare(bench, path, &config);
        }
        ++count;
    }
    closedir(folder);
    CU_ASSERT(count >= 10);
}

static void test_configs(void) {
    bench_kernels(configs);
}

/* --- the largest limit ----------------------------------------------------------------------- */

/* Points of the set by the thousand million updates: without short cuts it would take minutes. */
static void largest_limit(bench_t *bench) {
    enum { SIDE = 12 };
    double re[SIDE], im[SIDE];
    uint32_t count[SIDE * SIDE], period[SIDE * SIDE];
    uint64_t work[SIDE];
    if (bench->kernel == bench->scalar) {
        return;
    }
    for (int k = 0; k < SIDE; ++k) { /* around the centre of a component of period 3 */
        re[k] = -0.1225611668766536 + 1e-3 * (k - 6);
        im[k] = 0.7448617666197442 + 1e-3 * (k - 6);
    }
    const hm_tile_t tile = {re, SIDE, im, SIDE};
    const hm_channels_t channels = {.iterations = count, .period = period};
    for (int arith = 0; arith < 2; ++arith) {
        const hm_formula_t formula = {.max_iter = UINT32_MAX - 1,
                                      .bailout = 2.0,
                                      .arith = arith ? HM_ARITH_FMA : HM_ARITH_IEEE,
                                      .interior = HM_INTERIOR_EXACT};
        CU_ASSERT_EQUAL(
            hm_kernel_compute(bench->kernel, &formula, &tile, &channels, work, NULL, NULL), HM_OK);
        for (int k = 0; k < SIDE * SIDE; ++k) {
            CU_ASSERT_EQUAL(count[k], UINT32_MAX - 1);
            CU_ASSERT_EQUAL(period[k], 3);
        }
        for (int k = 0; k < SIDE; ++k) {
            CU_ASSERT(work[k] < SIDE * UINT64_C(100000));
        }
    }
}

/* The same without periods: discs that are mapped into themselves end it within hundreds. */
static void trapped(bench_t *bench) {
    enum { SIDE = 16, UPDATES_MOST = 1000 };
    double re[SIDE], im[SIDE];
    uint32_t count[SIDE * SIDE];
    uint64_t work[SIDE];
    static const double centre[][2] = {{-0.1225611668766536, 0.7448617666197442},
                                       {-1.754877666246693, 0.0},
                                       {0.2822713907669139, 0.5300606175785253},
                                       {-0.5043401754462431, 0.5627657614529813}};
    if (bench->kernel == bench->scalar) {
        return;
    }
    for (int part = 0; part < 8; ++part) {
        const double step = part % 4 == 0 ? 4e-3 : part % 4 == 1 ? 5e-4 : 1e-3;
        for (int k = 0; k < SIDE; ++k) {
            re[k] = centre[part % 4][0] + step * (k - SIDE / 2 + 0.3);
            im[k] = centre[part % 4][1] + step * (k - SIDE / 2 + 0.4);
        }
        const hm_tile_t tile = {re, SIDE, im, SIDE};
        const hm_channels_t channels = {.iterations = count};
        const hm_formula_t formula = {.max_iter = UINT32_MAX - 1,
                                      .bailout = part < 4 ? 2.0 : 3.0,
                                      .arith = part < 4 ? HM_ARITH_FMA : HM_ARITH_IEEE,
                                      .interior = HM_INTERIOR_EXACT};
        CU_ASSERT_EQUAL(
            hm_kernel_compute(bench->kernel, &formula, &tile, &channels, work, NULL, NULL), HM_OK);
        int inside = 0;
        uint64_t spent = 0;
        for (int k = 0; k < SIDE * SIDE; ++k) {
            inside += count[k] == UINT32_MAX - 1;
        }
        CU_ASSERT(inside > SIDE * SIDE / 2);
        for (int k = 0; k < SIDE; ++k) {
            spent += work[k];
        }
        CU_ASSERT(spent < (uint64_t)UPDATES_MOST * SIDE * SIDE);
    }
}

/* Where discs hardly close: at the roots of components, inside and outside, from coarse to fine. */
static void roots(bench_t *bench) {
    enum { SIDE = 32 };
    static const double root[][2] = {{0.25, 0.0},  {-0.75, 0.0},
                                     {-1.25, 0.0}, {-1.75, 0.0},
                                     {0.25, 0.5},  {-0.125, 0.649519052838329},
                                     {0.3, 0.02},  {-0.481762578126, 0.531656755220}};
    static uint32_t none[SIDE * SIDE], exact[SIDE * SIDE];
    double re[SIDE], im[SIDE];
    if (bench->kernel == bench->scalar) {
        return;
    }
    for (size_t part = 0; part < 16 * (sizeof root / sizeof root[0]); ++part) {
        const double *at = root[part / 16];
        const double step = pow(0.1, 2.0 + (double)(part % 8));
        for (int k = 0; k < SIDE; ++k) {
            re[k] = at[0] + step * (k - SIDE / 2 + 0.1);
            im[k] = at[1] + step * (k - SIDE / 2 + 0.2);
        }
        const hm_tile_t tile = {re, SIDE, im, SIDE};
        hm_formula_t formula = {
            .max_iter = 3000,
            .bailout = 2.0,
            .arith = part % 16 < 8 ? HM_ARITH_IEEE : HM_ARITH_FMA,
        };
        const hm_channels_t to_none = {.iterations = none};
        const hm_channels_t to_exact = {.iterations = exact};
        formula.interior = HM_INTERIOR_NONE;
        CU_ASSERT_EQUAL(
            hm_kernel_compute(bench->kernel, &formula, &tile, &to_none, NULL, NULL, NULL), HM_OK);
        formula.interior = HM_INTERIOR_EXACT;
        CU_ASSERT_EQUAL(
            hm_kernel_compute(bench->kernel, &formula, &tile, &to_exact, NULL, NULL, NULL), HM_OK);
        CU_ASSERT(memcmp(none, exact, sizeof none) == 0);
    }
}

static void test_traps(void) {
    bench_kernels(trapped);
    bench_kernels(roots);
}

static void test_largest_limit(void) {
    bench_kernels(largest_limit);
}

int main(void) {
    static const hm_case_t cases[] = {
        {"a thousand views drawn by chance", test_random_views},
        {"the views of configs/", test_configs},
        {"discs that are mapped into themselves", test_traps},
        {"a limit of 2^32 - 2", test_largest_limit},
        {NULL, NULL},
    };
    return hm_run_cases("kernel interior", cases);
}
