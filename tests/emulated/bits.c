/**
 * @file bits.c
 * `bits`: a line for each of a few tiles, with a checksum of every channel as this processor's best
 * kernel computes it. The lines are the same on every processor. Needs nothing but the kernels.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "hm_kernel.h"

enum { WIDTH = 67, ROWS = 6, RANDOM_TILES = 40 };

typedef struct scene_t {
    const char *name;
    double re, im, span; /* centre, width */
    hm_formula_t formula;
} scene_t;

static const scene_t scenes[] = {
    {"whole", -0.75, 0.0, 3.5, {.max_iter = 500, .bailout = 2.0}},
    {"whole-none",
     -0.75,
     0.0,
     3.5,
     {.max_iter = 500, .bailout = 2.0, .interior = HM_INTERIOR_NONE}},
    {"whole-fma", -0.75, 0.0, 3.5, {.max_iter = 500, .bailout = 2.0, .arith = HM_ARITH_FMA}},
    {"seahorse", -0.7445, 0.1215, 0.005, {.max_iter = 1000, .bailout = 2.0}},
    {"seahorse-fma",
     -0.7445,
     0.1215,
     0.005,
     {.max_iter = 1000, .bailout = 2.0, .arith = HM_ARITH_FMA}},
    {"elephant", 0.2855, 0.012, 0.02, {.max_iter = 3000, .bailout = 2.0}},
    {"cusp", 0.25, 0.0, 1e-9, {.max_iter = 2000, .bailout = 2.0}},
    {"far", 0.0, 0.0, 1e200, {.max_iter = 100, .bailout = 2.0}},
    {"bailout-1000", -0.75, 0.1, 0.2, {.max_iter = 400, .bailout = 1000.0}},
    {"bailout-1", -0.75, 0.1, 2.0, {.max_iter = 400, .bailout = 1.0}},
    {"julia",
     0.0,
     0.0,
     3.0,
     {.max_iter = 300, .bailout = 2.0, .julia = true, .julia_re = 0.322, .julia_im = 0.05}},
};

/* xorshift64*: the same numbers everywhere. */
static double between(uint64_t *state, double low, double high) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return low +
           (high - low) * ((double)((*state * UINT64_C(2685821657736338717)) >> 11) * 0x1p-53);
}

/* FNV-1a. */
static uint64_t checksum(const uint32_t *values, int64_t count) {
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (int64_t i = 0; i < count; ++i) {
        for (int byte = 0; byte < 4; ++byte) {
            sum = (sum ^ ((values[i] >> (8 * byte)) & 0xff)) * UINT64_C(0x100000001b3);
        }
    }
    return sum;
}

static bool print_scene(const hm_kernel_t *kernel, const scene_t *scene) {
    double re[WIDTH], im[ROWS];
    static uint32_t counts[ROWS * WIDTH], period[ROWS * WIDTH];
    static union {
        float value[ROWS * WIDTH];
        uint32_t bits[ROWS * WIDTH];
    } smooth, distance;
    const double step = scene->span / WIDTH;
    for (int k = 0; k < WIDTH; ++k) {
        re[k] = scene->re + (k - WIDTH / 2) * step;
    }
    for (int k = 0; k < ROWS; ++k) {
        im[k] = scene->im + k * step;
    }
    const hm_tile_t tile = {.re = re, .width = WIDTH, .im = im, .rows = ROWS};
    const hm_channels_t all = {.iterations = counts,
                               .smooth = smooth.value,
                               .distance = distance.value,
                               .period = period,
                               .pixel_step = step};
    const hm_channels_t lone = {.iterations = counts};
    if (hm_kernel_compute(kernel, &scene->formula, &tile, &lone, NULL, NULL, NULL) != HM_OK) {
        return false;
    }
    const uint64_t alone = checksum(counts, (int64_t)ROWS * WIDTH);
    if (hm_kernel_compute(kernel, &scene->formula, &tile, &all, NULL, NULL, NULL) != HM_OK ||
        checksum(counts, (int64_t)ROWS * WIDTH) != alone) {
        return false;
    }
    printf("%s %016" PRIx64 " %016" PRIx64 " %016" PRIx64 " %016" PRIx64 "\n", scene->name, alone,
           checksum(smooth.bits, (int64_t)ROWS * WIDTH),
           checksum(distance.bits, (int64_t)ROWS * WIDTH), checksum(period, (int64_t)ROWS * WIDTH));
    return true;
}

int main(void) {
    const hm_kernel_t *kernel = NULL;
    bool right = hm_kernel_best(&kernel) == HM_OK;
    fprintf(stderr, "bits: %s\n", right ? hm_isa_name(hm_kernel_isa(kernel)) : "no kernel");
    for (size_t k = 0; right && k < sizeof scenes / sizeof scenes[0]; ++k) {
        right = print_scene(kernel, &scenes[k]);
    }
    uint64_t state = 20120823;
    for (int k = 0; right && k < RANDOM_TILES; ++k) {
        scene_t scene = {.name = "random", .formula = {.max_iter = 600, .bailout = 2.0}};
        scene.re = between(&state, -2.0, 0.5);
        scene.im = between(&state, -1.1, 1.1);
        scene.span = between(&state, 0.0, 0.5) * between(&state, 0.0, 1.0);
        scene.formula.arith = k % 2 == 0 ? HM_ARITH_IEEE : HM_ARITH_FMA;
        scene.formula.interior = k % 3 == 0 ? HM_INTERIOR_NONE : HM_INTERIOR_EXACT;
        right = print_scene(kernel, &scene);
    }
    return right && fflush(stdout) == 0 ? 0 : 1;
}
