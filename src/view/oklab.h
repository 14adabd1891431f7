/* The perceptual colour space in which gradients are drawn. */
#ifndef HM_OKLAB_H
#define HM_OKLAB_H

#include <stdint.h>

/** A colour: lightness 0 (black) to 1 (white), and two opponent axes, about -0.4 to 0.4. */
typedef struct oklab_t {
    double l, a, b;
} oklab_t;

/** A channel of sRGB, 0 to 1, to linear light, and back (IEC 61966-2-1). */
double srgb_to_linear(double value);
double srgb_from_linear(double value);

/** sRGB as 0xRRGGBB to OKLab. */
oklab_t oklab_from_hex(uint32_t hex);

/** OKLab to sRGB, 8 bits a channel, rounded; what lies outside sRGB is clipped by channel. */
void oklab_to_rgb(oklab_t colour, uint8_t rgb[3]);

/** Euclidean distance; about 0.02 is where neighbours begin to be told apart. */
double oklab_distance(oklab_t x, oklab_t y);

#endif
