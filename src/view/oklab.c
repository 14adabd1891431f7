#include "oklab.h"

#include <math.h>

/*
 * Bjorn Ottosson, "A perceptual color space for image processing", 2020,
 * https://bottosson.github.io/posts/oklab/ (the matrices); the transfer function is that of
 * IEC 61966-2-1 (sRGB).
 */

double srgb_to_linear(double value) {
    return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
}

double srgb_from_linear(double value) {
    return value <= 0.0031308 ? 12.92 * value : 1.055 * pow(value, 1 / 2.4) - 0.055;
}

oklab_t oklab_from_hex(uint32_t hex) {
    const double r = srgb_to_linear((double)(hex >> 16 & 0xff) / 255);
    const double g = srgb_to_linear((double)(hex >> 8 & 0xff) / 255);
    const double b = srgb_to_linear((double)(hex & 0xff) / 255);
    const double l = cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    const double m = cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    const double s = cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return (oklab_t){
        .l = 0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
        .a = 1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
        .b = 0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s,
    };
}

void oklab_to_rgb(oklab_t colour, uint8_t rgb[3]) {
    double l = colour.l + 0.3963377774 * colour.a + 0.2158037573 * colour.b;
    double m = colour.l - 0.1055613458 * colour.a - 0.0638541728 * colour.b;
    double s = colour.l - 0.0894841775 * colour.a - 1.2914855480 * colour.b;
    l *= l * l;
    m *= m * m;
    s *= s * s;
    const double linear[3] = {
        4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
        -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
        -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s,
    };
    for (int k = 0; k < 3; ++k) {
        const double value = srgb_from_linear(fmin(fmax(linear[k], 0), 1));
        rgb[k] = (uint8_t)lround(255 * value);
    }
}

double oklab_distance(oklab_t x, oklab_t y) {
    return sqrt((x.l - y.l) * (x.l - y.l) + (x.a - y.a) * (x.a - y.a) + (x.b - y.b) * (x.b - y.b));
}
