#include "palette.h"

#include <stddef.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/*
 * The first is the default. Gradients begin with the colour of the far outside, which fills most of
 * a picture, so it is a quiet one.
 *
 * viridis, inferno (Stefan van der Walt and Nathaniel Smith, 2015, CC0) and cividis (Nunez,
 * Anderton and Renslow 2018, doi:10.1371/journal.pone.0199239) are monotone in lightness and meant
 * for all eyes; colours picked from the published ones go up and back down here, which closes them.
 * The others were drawn for this program.
 */
static const hm_palette_t palettes[] = {
    {.name = "gilded",
     .about = "midnight blue through ice to gold and umber",
     .inside = 0x04060f,
     .count = 10,
     .knots = {0x071847, 0x0d3583, 0x2b74c2, 0x8fcbea, 0xf6f4e0, 0xf7ca5e, 0xd9861c, 0x87380f,
               0x2c1220, 0x0d0e2c}},
    {.name = "ember",
     .about = "charcoal through red and orange to cream, and back through ash",
     .inside = 0x060304,
     .count = 8,
     .knots = {0x1c0d14, 0x5a1020, 0xa92317, 0xe9661a, 0xfcb44c, 0xfdf0cf, 0xa79c94, 0x4a4047}},
    {.name = "lagoon",
     .about = "deep sea through turquoise to foam and sand",
     .inside = 0x01080c,
     .count = 8,
     .knots = {0x06263d, 0x0b5570, 0x16919a, 0x6fd0bd, 0xeffbe6, 0xf1d9a0, 0xb98a5a, 0x4b3a44}},
    {.name = "dusk",
     .about = "night violet through rose to peach, and back through slate",
     .inside = 0x07040c,
     .count = 8,
     .knots = {0x1b1440, 0x4b2475, 0x94348a, 0xdb5c80, 0xf9a27a, 0xfde6c1, 0x9fb3cf, 0x44598f}},
    {.name = "viridis",
     .about = "perceptually even, for all eyes: violet, green, yellow",
     .inside = 0x000000,
     .count = 16,
     .knots = {0x440154, 0x472d7b, 0x3b528b, 0x2c728e, 0x21918c, 0x28ae80, 0x5ec962, 0xaddc30,
               0xfde725, 0xaddc30, 0x5ec962, 0x28ae80, 0x21918c, 0x2c728e, 0x3b528b, 0x472d7b}},
    {.name = "inferno",
     .about = "perceptually even, for all eyes: night, purple, orange, pale yellow",
     .inside = 0x000000,
     .count = 16,
     .knots = {0x0c0826, 0x210c4a, 0x57106e, 0x8a226a, 0xbc3754, 0xe45a31, 0xf98e09, 0xf9cb35,
               0xfcffa4, 0xf9cb35, 0xf98e09, 0xe45a31, 0xbc3754, 0x8a226a, 0x57106e, 0x210c4a}},
    {.name = "cividis",
     .about = "perceptually even, made for colour blindness: blue, grey, yellow",
     .inside = 0x000000,
     .count = 18,
     .knots = {0x00224e, 0x123570, 0x3b496c, 0x575d6d, 0x707173, 0x8a8678, 0xa59c74, 0xc3b369,
               0xe1cc55, 0xfee838, 0xe1cc55, 0xc3b369, 0xa59c74, 0x8a8678, 0x707173, 0x575d6d,
               0x3b496c, 0x123570}},
    {.name = "grey",
     .about = "black to white and back",
     .inside = 0x000000,
     .count = 6,
     .knots = {0x111111, 0x545454, 0xa4a4a4, 0xfafafa, 0xa4a4a4, 0x545454}},
};

hm_status_t hm_palette_find(const char *name, const hm_palette_t **palette, hm_error_t *err) {
    if (!name) {
        *palette = &palettes[0];
        return HM_OK;
    }
    char known[256] = "";
    for (int k = 0; k < COUNT(palettes); ++k) {
        if (strcmp(palettes[k].name, name) == 0) {
            *palette = &palettes[k];
            return HM_OK;
        }
        if (k > 0) {
            strncat(known, ", ", sizeof known - strlen(known) - 1);
        }
        strncat(known, palettes[k].name, sizeof known - strlen(known) - 1);
    }
    return hm_error_set(err, HM_EUSAGE, "no palette is called '%s': choose one of %s", name, known);
}

const char *hm_palette_name(int index) {
    return index >= 0 && index < COUNT(palettes) ? palettes[index].name : NULL;
}

const char *hm_palette_about(int index) {
    return index >= 0 && index < COUNT(palettes) ? palettes[index].about : NULL;
}
