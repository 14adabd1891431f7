/* export --dzi: a tile pyramid, made by all ranks. */
#include "export_tiles.h"

#include <stdio.h>
#include <string.h>

#include "hm_replace.h"
#include "hm_tiles.h"

enum { LONGEST_PATH = 4096, ROOM = 16 };

typedef struct names_t {
    char folder[LONGEST_PATH];
    char dzi[LONGEST_PATH];
    char page[LONGEST_PATH];
} names_t;

static hm_status_t make_names(const char *target, names_t *names, hm_error_t *err) {
    const char *const end = ".dzi";
    size_t length = strlen(target);
    if (length > strlen(end) && strcmp(target + length - strlen(end), end) == 0) {
        length -= strlen(end);
    }
    if (length == 0 || length > LONGEST_PATH - ROOM || target[length - 1] == '/') {
        return hm_error_set(err, HM_EUSAGE, "dzi: '%s' cannot be the name of a picture", target);
    }
    snprintf(names->folder, sizeof names->folder, "%.*s_files", (int)length, target);
    snprintf(names->dzi, sizeof names->dzi, "%.*s.dzi", (int)length, target);
    snprintf(names->page, sizeof names->page, "%.*s.html", (int)length, target);
    return HM_OK;
}

/* One level; every rank makes each size'th tile. */
static hm_status_t draw_level(const hm_cluster_t *cluster, const hm_tiles_t *tiles,
                              hm_canvas_t *canvas, int level, hm_error_t *err) {
    hm_status_t status = HM_OK;
    int64_t columns = 0;
    int64_t rows = 0;
    hm_tiles_count(tiles, level, &columns, &rows);
    for (int64_t k = cluster->rank; status == HM_OK && k < columns * rows; k += cluster->size) {
        status = hm_tiles_draw(tiles, canvas, level, k % columns, k / columns, err);
    }
    return status;
}

hm_status_t export_tiles(const hm_context_t *context, const char *path, const char *target,
                         const export_look_t *options, bool no_page) {
    const hm_cluster_t *const cluster = context->cluster;
    const bool speaks = cluster->rank == 0;
    hm_status_t status = HM_OK;
    hm_error_t err = HM_ERROR_NONE;
    hm_look_t look;
    hm_canvas_t *canvas = NULL;
    hm_dataset_info_t info;
    names_t names = {0};
    char viewer[LONGEST_PATH] = "";
    hm_status_t mine = export_look_resolve(options, path, &look, &err);
    if (mine == HM_OK && (look.shrink > 1 || look.ranks)) {
        mine = hm_error_set(&err, HM_EUSAGE,
                            "dzi: tiles are made at every scale and have no strip of ranks; leave "
                            "--scale and --ranks out");
    }
    if (mine == HM_OK) {
        mine = make_names(target, &names, &err);
    }
    if (mine == HM_OK && speaks) {
        mine = hm_replace_check(names.dzi, &err);
    }
    if (mine == HM_OK && speaks && !no_page) {
        mine = hm_replace_check(names.page, &err);
    }
    if (mine == HM_OK && speaks && !no_page) {
        mine = hm_tiles_find_viewer(viewer, sizeof viewer, &err);
    }
    if (mine == HM_OK) {
        mine = hm_canvas_open(path, &look, &canvas, &info, &err);
    }
    HM_TRY(hm_meet(context, mine, &err));
    const hm_part_t part = hm_canvas_part(canvas);
    const hm_tiles_t tiles = hm_tiles_make(names.folder, &part);
    HM_TRY(hm_meet(context, speaks ? hm_tiles_folders(&tiles, &err) : HM_OK, &err));
    for (int level = tiles.levels - 1; level >= 0; --level) {
        HM_TRY(hm_meet(context, draw_level(cluster, &tiles, canvas, level, &err), &err));
    }
    mine = HM_OK;
    if (speaks) {
        mine = hm_tiles_describe(&tiles, names.dzi, &err);
        if (mine == HM_OK && !no_page) {
            mine = hm_tiles_page(&tiles, &info.grid, viewer, names.page, &err);
        }
    }
    HM_TRY(hm_meet(context, mine, &err));
cleanup:
    hm_canvas_close(canvas);
    return status;
}
