/* Exports made by all ranks together. */
#ifndef HM_EXPORT_TILES_H
#define HM_EXPORT_TILES_H

#include "export_look.h"
#include "hm_command.h"

/**
 * Makes a tile pyramid of the file at `path`: NAME_files/ and NAME.dzi for the target NAME or
 * NAME.dzi, and NAME.html with its viewer unless `no_page`. Collective; all ranks make tiles. The
 * status is common, its message has been printed. HM_EUSAGE: looks that tiles cannot have.
 */
hm_status_t export_tiles(const hm_context_t *context, const char *path, const char *target,
                         const export_look_t *options, bool no_page);

/**
 * Makes a picture of each of `count` files: `pattern` names them, with one %d (or %04d and the
 * like) for the number, from 0. One exposure for all, so that an animation does not flicker.
 * Collective, each rank draws its share; the status is common, its message has been printed.
 */
hm_status_t export_frames(const hm_context_t *context, const char *const *paths, int count,
                          const char *pattern, const export_look_t *options);

#endif
