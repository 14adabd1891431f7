#include "shrink.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "oklab.h"

enum { BACK = 8192 }; /* steps of the table back: finer than 8 bits of sRGB near black */

struct shrink_t {
    int64_t columns, factor, pixels;
    int64_t rows;      /* added */
    double *sum;       /* [pixels][3] */
    float linear[256]; /* sRGB to linear light */
    uint8_t srgb[BACK + 1];
};

hm_status_t shrink_make(int64_t columns, int64_t factor, shrink_t **shrink, hm_error_t *err) {
    hm_status_t status = HM_OK;
    shrink_t *made = calloc(1, sizeof *made);
    const int64_t pixels = (columns + factor - 1) / factor;
    double *sum = calloc((size_t)pixels * 3, sizeof *sum);
    if (!made || !sum) {
        status = hm_error_set(err, HM_EMISSING, "out of memory for a row of a picture");
        goto cleanup;
    }
    *made = (shrink_t){.columns = columns, .factor = factor, .pixels = pixels, .sum = sum};
    for (int k = 0; k < 256; ++k) {
        made->linear[k] = (float)srgb_to_linear(k / 255.0);
    }
    for (int k = 0; k <= BACK; ++k) {
        /* Steps are those of the square root: dark colours need the finer ones. */
        const double root = (double)k / BACK;
        made->srgb[k] = (uint8_t)lround(255 * srgb_from_linear(root * root));
    }
    *shrink = made;
    made = NULL;
    sum = NULL;
cleanup:
    free(sum);
    free(made);
    return status;
}

void shrink_free(shrink_t *shrink) {
    if (shrink) {
        free(shrink->sum);
        free(shrink);
    }
}

void shrink_add(shrink_t *shrink, const uint8_t *rgb) {
    double *sum = shrink->sum;
    for (int64_t i = 0; i < shrink->columns; i += shrink->factor, sum += 3) {
        const int64_t end =
            i + shrink->factor < shrink->columns ? i + shrink->factor : shrink->columns;
        for (int64_t k = i; k < end; ++k, rgb += 3) {
            sum[0] += (double)shrink->linear[rgb[0]];
            sum[1] += (double)shrink->linear[rgb[1]];
            sum[2] += (double)shrink->linear[rgb[2]];
        }
    }
    ++shrink->rows;
}

void shrink_take(shrink_t *shrink, uint8_t *rgb) {
    for (int64_t i = 0; i < shrink->pixels; ++i) {
        const int64_t left = shrink->columns - i * shrink->factor;
        const int64_t wide = left < shrink->factor ? left : shrink->factor;
        const double points = (double)(wide * shrink->rows);
        for (int k = 0; k < 3; ++k) {
            const double root = sqrt(fmin(shrink->sum[3 * i + k] / points, 1));
            rgb[3 * i + k] = shrink->srgb[(int)(root * BACK + 0.5)];
        }
    }
    memset(shrink->sum, 0, (size_t)shrink->pixels * 3 * sizeof *shrink->sum);
    shrink->rows = 0;
}
