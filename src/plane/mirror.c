/* Which rows of a grid mirror each other. */
#include "hm_mirror.h"

#include <math.h>

enum { PIECE = 4096 };

/* How many of the pairs (upper - k, lower + k), k in [0, most), mirror each other from the first
 * one on. */
static int64_t count_pairs(const hm_grid_t *grid, int64_t upper, int64_t lower, int64_t most) {
    double above[PIECE], below[PIECE];
    int64_t portion = 16; /* small at first, as it often ends at once */
    for (int64_t k = 0; k < most; k += portion, portion = PIECE) {
        portion = portion < most - k ? portion : most - k;
        hm_grid_im(grid, upper - k - (portion - 1), portion, above);
        hm_grid_im(grid, lower + k, portion, below);
        for (int64_t i = 0; i < portion; ++i) {
            if (above[portion - 1 - i] != -below[i]) {
                return k + i;
            }
        }
    }
    return most;
}

hm_mirror_t hm_mirror_find(const hm_grid_t *grid, const hm_formula_t *formula) {
    const hm_mirror_t none = {0};
    const bool symmetric = !formula->julia || formula->julia_im == 0;
    /* The rows whose numbers add up to this lie as far above the axis as below. */
    const double sum = nearbyint(-2 * grid->im0 / grid->im_step);
    if (formula->interior == HM_INTERIOR_NONE || !symmetric ||
        !(sum > 0 && sum < 2.0 * (double)(grid->height - 1))) {
        return none;
    }
    hm_mirror_t mirror = {.sum = (int64_t)sum};
    const int64_t upper = (mirror.sum - 1) / 2;
    const int64_t lower = mirror.sum - upper;
    const int64_t above = upper + 1;
    const int64_t below = grid->height - lower;
    mirror.pairs = count_pairs(grid, upper, lower, above < below ? above : below);
    mirror.first = upper + 1 - mirror.pairs;
    return mirror.pairs < HM_MIRROR_LEAST ? none : mirror;
}
