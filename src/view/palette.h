/* What a palette is made of. */
#ifndef HM_VIEW_PALETTE_H
#define HM_VIEW_PALETTE_H

#include "gradient.h"
#include "hm_picture.h"

struct hm_palette_t {
    const char *name;
    const char *about;
    uint32_t inside;                /**< sRGB as 0xRRGGBB */
    int count;                      /**< of knots */
    uint32_t knots[GRADIENT_KNOTS]; /**< the closed gradient: the last is followed by the first */
};

#endif
