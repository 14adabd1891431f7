/* How exported pictures look: the options that all kinds of pictures share. */
#ifndef HM_EXPORT_LOOK_H
#define HM_EXPORT_LOOK_H

#include "hm_canvas.h"
#include "hm_option.h"
#include "hm_picture.h"

/** What the options fill in. */
typedef struct export_look_t {
    const char *palette;
    int tone;
    bool relief, ranks;
    const char *region;
    const char *scale;
} export_look_t;

/** Their entries of an option table, for the member `look` of the settings structure `type`. */
#define EXPORT_LOOK_OPTION(name, kind, settings_t, member, ...)                               \
    {                                                                                         \
        .key = (name), .type = HM_OPTION_##kind, .offset = offsetof(settings_t, look.member), \
        .group = "Look", __VA_ARGS__                                                          \
    }
#define EXPORT_LOOK_OPTIONS(settings_t)                                                            \
    EXPORT_LOOK_OPTION("palette", TEXT, settings_t, palette, .value = "NAME",                      \
                       .check = export_check_palette,                                              \
                       .help = "colours of the picture: " HM_PALETTE_NAMES),                       \
        EXPORT_LOOK_OPTION("tone", CHOICE, settings_t, tone, .fallback = "log",                    \
                           .choices = export_tone_names,                                           \
                           .help = "how counts travel through the colours: log: by their "         \
                                   "logarithm, round and round; equalized: equal areas get equal " \
                                   "lengths of the palette, once through it"),                     \
        EXPORT_LOOK_OPTION("relief", FLAG, settings_t, relief,                                     \
                           .help = "lit as if the distance to the set were a height, fine "        \
                                   "filaments sharp; needs the channel distance"),                 \
        EXPORT_LOOK_OPTION("ranks", FLAG, settings_t, ranks,                                       \
                           .help = "a strip beside the picture: who computed each row"),           \
        EXPORT_LOOK_OPTION("region", TEXT, settings_t, region, .value = "RE0:RE1,IM0:IM1",         \
                           .help = "only this part of the plane"),                                 \
        EXPORT_LOOK_OPTION("scale", TEXT, settings_t, scale, .fallback = "1/1", .value = "1/N",    \
                           .check = export_check_scale,                                            \
                           .help = "N x N points make a pixel, averaged in linear light")

extern const char *const export_tone_names[];
hm_status_t export_check_palette(const char *text, hm_error_t *err);
hm_status_t export_check_scale(const char *text, hm_error_t *err);

/** The options as a look at the file `path`, which is opened for it when a region is asked for.
 * HM_EUSAGE, else as hm_reader_open(). */
hm_status_t export_look_resolve(const export_look_t *options, const char *path, hm_look_t *look,
                                hm_error_t *err);

#endif
