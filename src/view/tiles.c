/* Tile pyramids. */
#include "hm_tiles.h"

#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "hm_replace.h"
#include "shrink.h"

enum { SIDE = HM_TILE_SIDE, LONGEST_PATH = 4096 };

static int64_t least(int64_t x, int64_t y) {
    return x < y ? x : y;
}

/* A side's length at a level, in pixels. */
static int64_t length_at(const hm_tiles_t *tiles, int level, int64_t length) {
    const int halvings = tiles->levels - 1 - level;
    return (length + ((int64_t)1 << halvings) - 1) >> halvings;
}

hm_tiles_t hm_tiles_make(const char *folder, const hm_part_t *part) {
    const int64_t longer = part->width > part->height ? part->width : part->height;
    hm_tiles_t tiles = {.folder = folder, .part = *part, .levels = 1};
    while (((int64_t)1 << (tiles.levels - 1)) < longer) {
        ++tiles.levels;
    }
    return tiles;
}

void hm_tiles_count(const hm_tiles_t *tiles, int level, int64_t *columns, int64_t *rows) {
    *columns = (length_at(tiles, level, tiles->part.width) + SIDE - 1) / SIDE;
    *rows = (length_at(tiles, level, tiles->part.height) + SIDE - 1) / SIDE;
}

static hm_status_t make_folder(const char *path, hm_error_t *err) {
    if (mkdir(path, 0777) != 0) {
        return hm_error_errno(err, HM_ECREATE, errno, "cannot create folder '%s'%s", path,
                              errno == EEXIST ? "; remove it, or choose another name" : "");
    }
    return HM_OK;
}

hm_status_t hm_tiles_folders(const hm_tiles_t *tiles, hm_error_t *err) {
    char path[LONGEST_PATH];
    hm_status_t status = make_folder(tiles->folder, err);
    for (int level = 0; status == HM_OK && level < tiles->levels; ++level) {
        snprintf(path, sizeof path, "%s/%d", tiles->folder, level);
        status = make_folder(path, err);
    }
    return status;
}

/* The picture that a tile is: its size, and libpng's description of it. */
static png_image tile_image(const hm_tiles_t *tiles, int level, int64_t column, int64_t row) {
    const int64_t width = length_at(tiles, level, tiles->part.width) - column * SIDE;
    const int64_t height = length_at(tiles, level, tiles->part.height) - row * SIDE;
    return (png_image){.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)least(width, SIDE),
                       .height = (png_uint_32)least(height, SIDE),
                       .format = PNG_FORMAT_RGB};
}

static void tile_path(const hm_tiles_t *tiles, int level, int64_t column, int64_t row, char *path) {
    snprintf(path, LONGEST_PATH, "%s/%d/%lld_%lld.png", tiles->folder, level, (long long)column,
             (long long)row);
}

/* A child into its quarter of rgb[2 SIDE][2 SIDE][3]; nothing where the pyramid has none. */
static hm_status_t read_child(const hm_tiles_t *tiles, int level, int64_t column, int64_t row,
                              uint8_t *rgb, hm_error_t *err) {
    int64_t columns = 0;
    int64_t rows = 0;
    char path[LONGEST_PATH];
    hm_tiles_count(tiles, level, &columns, &rows);
    if (column >= columns || row >= rows) {
        return HM_OK;
    }
    const png_image expected = tile_image(tiles, level, column, row);
    png_image image = {.version = PNG_IMAGE_VERSION};
    tile_path(tiles, level, column, row, path);
    bool good = png_image_begin_read_from_file(&image, path) != 0;
    if (good && (image.width != expected.width || image.height != expected.height)) {
        png_image_free(&image);
        return hm_error_set(err, HM_EIO, "tile '%s' has changed its size meanwhile", path);
    }
    image.format = PNG_FORMAT_RGB;
    good = good && png_image_finish_read(&image, NULL, rgb, 3 * 2 * SIDE, NULL) != 0;
    return good ? HM_OK
                : hm_error_set(err, HM_EIO, "cannot read tile '%s': %s", path, image.message);
}

/* rgb[SIDE][SIDE][3] from the four tiles above it. */
static hm_status_t halve(const hm_tiles_t *tiles, int level, int64_t column, int64_t row,
                         const png_image *image, uint8_t *rgb, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const int64_t child_width = length_at(tiles, level + 1, tiles->part.width);
    const int64_t child_height = length_at(tiles, level + 1, tiles->part.height);
    const int64_t wide = least(child_width - 2 * column * SIDE, (int64_t)2 * SIDE);
    const int64_t high = least(child_height - 2 * row * SIDE, (int64_t)2 * SIDE);
    shrink_t *shrink = NULL;
    const size_t stride = (size_t)2 * SIDE * 3;
    uint8_t *children = malloc(stride * 2 * SIDE);
    if (!children) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for a tile"));
    }
    for (int k = 0; k < 4; ++k) {
        const int x = k % 2;
        const int y = k / 2;
        uint8_t *quarter = children + (size_t)y * SIDE * stride + (size_t)x * SIDE * 3;
        HM_TRY(read_child(tiles, level + 1, 2 * column + x, 2 * row + y, quarter, err));
    }
    HM_TRY(shrink_make(wide, 2, &shrink, err));
    for (int64_t y = 0; y < (int64_t)image->height; ++y) {
        for (int64_t k = 2 * y; k < least(2 * y + 2, high); ++k) {
            shrink_add(shrink, children + (size_t)k * stride);
        }
        shrink_take(shrink, rgb + 3 * y * image->width);
    }
cleanup:
    shrink_free(shrink);
    free(children);
    return status;
}

/* Of libpng's functions that which writes to a stream: those that open the file themselves do not
 * say why it cannot be written. */
static hm_status_t write_tile(const char *path, png_image *image, const uint8_t *rgb,
                              hm_error_t *err) {
    FILE *file = fopen(path, "wb");
    if (!file) {
        return hm_error_errno(err, HM_EIO, errno, "cannot write tile '%s'", path);
    }
    const bool drawn = png_image_write_to_stdio(image, file, 0, rgb, 0, NULL) != 0;
    int failed = ferror(file) ? errno : 0;
    if (fclose(file) != 0 && failed == 0) {
        failed = errno;
    }
    if (drawn && failed == 0) {
        return HM_OK;
    }
    (void)remove(path);
    return failed != 0
               ? hm_error_errno(err, HM_EIO, failed, "cannot write tile '%s'", path)
               : hm_error_set(err, HM_EIO, "cannot write tile '%s': %s", path, image->message);
}

hm_status_t hm_tiles_draw(const hm_tiles_t *tiles, hm_canvas_t *canvas, int level, int64_t column,
                          int64_t row, hm_error_t *err) {
    hm_status_t status = HM_OK;
    char path[LONGEST_PATH];
    png_image image = tile_image(tiles, level, column, row);
    uint8_t *rgb = malloc((size_t)3 * SIDE * SIDE);
    if (!rgb) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for a tile"));
    }
    if (level == tiles->levels - 1) {
        for (int64_t y = 0; y < (int64_t)image.height; ++y) {
            HM_TRY(hm_canvas_run(canvas, tiles->part.y + row * SIDE + y,
                                 tiles->part.x + column * SIDE, image.width,
                                 rgb + 3 * y * image.width, err));
        }
    } else {
        HM_TRY(halve(tiles, level, column, row, &image, rgb, err));
    }
    tile_path(tiles, level, column, row, path);
    HM_TRY(write_tile(path, &image, rgb, err));
cleanup:
    free(rgb);
    return status;
}

hm_status_t hm_tiles_describe(const hm_tiles_t *tiles, const char *path, hm_error_t *err) {
    hm_replace_t file = {.path = NULL};
    hm_status_t status = HM_OK;
    HM_TRY(hm_replace_open(path, &file, err));
    fprintf(file.out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<Image xmlns=\"http://schemas.microsoft.com/deepzoom/2008\" Format=\"png\" "
            "Overlap=\"0\" TileSize=\"%d\">\n"
            "  <Size Width=\"%lld\" Height=\"%lld\"/>\n"
            "</Image>\n",
            SIDE, (long long)tiles->part.width, (long long)tiles->part.height);
    HM_TRY(hm_replace_close(&file, true, err));
cleanup:
    return status;
}
