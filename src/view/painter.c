#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "oklab.h"
#include "palette.h"

struct hm_painter_t {
    hm_exposure_t exposure;
    double speed; /* samples of the gradient for each unit of the logarithm */
    uint32_t max_iter;
    uint8_t inside[3];
    uint8_t samples[GRADIENT_SAMPLES][3];
};

/*
 * How far colours move, in OKLab, for each unit of the logarithm: the same for all palettes, by
 * their lengths. The first EASE of a unit goes at down to half that speed, because the lowest
 * counts fill the widest areas. With the least knee there is no step from one count to the
 * next is then above 0.012; near 0.02 neighbouring colours begin to be told apart.
 */
static const double SPEED = 0.8;
static const double EASE = 0.3;

hm_status_t hm_painter_make(const hm_palette_t *palette, const hm_exposure_t *exposure,
                            uint32_t max_iter, hm_painter_t **painter, hm_error_t *err) {
    hm_painter_t *made = malloc(sizeof *made);
    if (!made) {
        return hm_error_set(err, HM_EMISSING, "out of memory for a palette");
    }
    const double length = gradient_sample(palette->knots, palette->count, made->samples);
    made->exposure = *exposure;
    made->speed = SPEED / length * GRADIENT_SAMPLES;
    made->max_iter = max_iter;
    oklab_to_rgb(oklab_from_hex(palette->inside), made->inside);
    *painter = made;
    return HM_OK;
}

void hm_painter_free(hm_painter_t *painter) {
    free(painter);
}

/* By the knots: linear between two of them. */
static double equalized(const hm_exposure_t *exposure, double count) {
    int low = 0;
    int high = exposure->knots - 1;
    while (high - low > 1) {
        const int middle = (low + high) / 2;
        if (exposure->knot[middle][0] <= count) {
            low = middle;
        } else {
            high = middle;
        }
    }
    const double *const from = exposure->knot[low];
    const double *const to = exposure->knot[high];
    const double way = (count - from[0]) / (to[0] - from[0]);
    return from[1] + fmin(fmax(way, 0), 1) * (to[1] - from[1]);
}

void hm_painter_colour(const hm_painter_t *painter, double count, uint8_t rgb[3]) {
    const hm_exposure_t *const exposure = &painter->exposure;
    double place = 0;
    if (exposure->knots > 0) {
        place = GRADIENT_SAMPLES * equalized(exposure, count);
    } else {
        const double unit = log1p(fmax(count - exposure->low, 0) / exposure->knee);
        place = painter->speed * (unit - EASE / 2 * tanh(unit / EASE));
    }
    memcpy(rgb, painter->samples[(uint64_t)(place + 0.5) % GRADIENT_SAMPLES], 3);
}

void hm_painter_row(const hm_painter_t *painter, const uint32_t *counts, const float *smooth,
                    int64_t width, uint8_t *rgb) {
    for (int64_t i = 0; i < width; ++i, rgb += 3) {
        if (counts[i] == painter->max_iter) {
            memcpy(rgb, painter->inside, 3);
        } else if (smooth && isfinite(smooth[i])) {
            hm_painter_colour(painter, (double)smooth[i], rgb);
        } else if (!smooth && i > 0 && counts[i] == counts[i - 1]) {
            memcpy(rgb, rgb - 3, 3);
        } else {
            hm_painter_colour(painter, (double)counts[i], rgb);
        }
    }
}

void hm_painter_hatch(int64_t row, int64_t width, uint8_t *rgb) {
    enum { PERIOD = 16 };
    static const uint8_t light = 0x9c;
    static const uint8_t dark = 0x70;
    for (int64_t i = 0; i < width; ++i, rgb += 3) {
        const uint8_t grey = (row + i) % PERIOD < PERIOD / 2 ? light : dark;
        memset(rgb, grey, 3);
    }
}
