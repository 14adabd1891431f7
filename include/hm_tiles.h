/**
 * @file hm_tiles.h
 * Tile pyramids in the Deep Zoom format (DZI): a picture in tiles, at full size and halved again
 * and again down to one pixel, and a page that shows them.
 * http://schemas.microsoft.com/deepzoom/2008; the order of levels is that of
 * https://docs.microsoft.com/previous-versions/windows/silverlight/dotnet-windows-silverlight/cc645077(v=vs.95)
 *
 * Tiles of one level do not depend on each other, so any number of processes may make them; those
 * of a level need those of the level above. Nothing here is collective.
 */
#ifndef HM_TILES_H
#define HM_TILES_H

#include "hm_canvas.h"

/** Pixels a side; tiles do not overlap. */
enum { HM_TILE_SIDE = 512 };

/** A pyramid: a picture of width x height pixels below `folder`. A plain value. */
typedef struct hm_tiles_t {
    const char *folder; /**< of the tiles: `folder`/LEVEL/COLUMN_ROW.png */
    hm_part_t part;     /**< of the data set */
    int levels;         /**< the last one, levels - 1, is the full size */
} hm_tiles_t;

/** The pyramid of this part of a data set. */
hm_tiles_t hm_tiles_make(const char *folder, const hm_part_t *part);

/** How many tiles a level has, as columns and rows. */
void hm_tiles_count(const hm_tiles_t *tiles, int level, int64_t *columns, int64_t *rows);

/** Makes the folder and one for each level. HM_ECREATE: also when the folder is there already. */
hm_status_t hm_tiles_folders(const hm_tiles_t *tiles, hm_error_t *err);

/**
 * Makes a tile: of the last level from the canvas, which may be NULL for others: they are made from
 * the tiles of the level above, averaged in linear light. About 8 MiB. HM_EIO, HM_EMISSING.
 */
hm_status_t hm_tiles_draw(const hm_tiles_t *tiles, hm_canvas_t *canvas, int level, int64_t column,
                          int64_t row, hm_error_t *err);

/** Writes the descriptor, an XML file: what makes the tiles a picture, so last. HM_ECREATE, HM_EIO.
 */
hm_status_t hm_tiles_describe(const hm_tiles_t *tiles, const char *path, hm_error_t *err);

/**
 * Finds the viewer's script, OpenSeadragon: in the folder that HPCMANDEL_SHARE names, in
 * ../share/hpcmandel beside the program, or in .deps there. `folder` receives the folder that has
 * it. HM_EMISSING.
 */
hm_status_t hm_tiles_find_viewer(char *folder, size_t size, hm_error_t *err);

/**
 * Writes a page that shows the tiles, without network, from the disk: `page` beside the tiles'
 * folder, and the viewer's script and licence, taken from the folder `viewer`, beside it.
 * HM_ECREATE, HM_EIO.
 */
hm_status_t hm_tiles_page(const hm_tiles_t *tiles, const hm_grid_t *grid, const char *viewer,
                          const char *page, hm_error_t *err);

#endif
