/* A page for a tile pyramid. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hm_replace.h"
#include "hm_tiles.h"

enum { LONGEST_PATH = 4096 };

static const char script[] = "openseadragon.min.js";
static const char licence[] = "openseadragon.LICENSE.txt";

static const char page_head[] =
    "<!doctype html>\n"
    "<html lang=\"en\">\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>hpcmandel</title>\n"
    "<style>\n"
    "html, body { margin: 0; height: 100%; background: #05060f; }\n"
    "#picture { position: absolute; inset: 0; }\n"
    "#bar { position: absolute; left: 12px; bottom: 12px; display: flex; gap: 6px; "
    "align-items: center;\n"
    "       font: 13px/1 system-ui, sans-serif; color: #e8ecf5; }\n"
    "#bar button { width: 36px; height: 36px; border: 0; border-radius: 8px; font-size: 18px;\n"
    "              background: #1b2140cc; color: inherit; cursor: pointer; }\n"
    "#bar button:hover, #bar button:focus-visible { background: #33407acc; }\n"
    "#where { padding: 11px 12px; border-radius: 8px; background: #1b2140cc;\n"
    "         font-variant-numeric: tabular-nums; }\n"
    "#where:empty { display: none; }\n"
    "</style>\n"
    "<div id=\"picture\"></div>\n"
    "<div id=\"bar\"><button id=\"in\" aria-label=\"Zoom in\">+</button>"
    "<button id=\"out\" aria-label=\"Zoom out\">&minus;</button>"
    "<button id=\"home\" aria-label=\"Whole picture\">&#8962;</button>"
    "<span id=\"where\"></span></div>\n"
    "<script src=\"openseadragon.min.js\"></script>\n"
    "<script>\n";

static const char page_tail[] =
    "const viewer = OpenSeadragon({\n"
    "  id: 'picture', drawer: 'canvas', showNavigationControl: false, showNavigator: true,\n"
    "  navigatorPosition: 'TOP_RIGHT', maxZoomPixelRatio: 8, visibilityRatio: 0.5,\n"
    "  tileSources: { Image: { xmlns: 'http://schemas.microsoft.com/deepzoom/2008',\n"
    "    Url: tiles, Format: 'png', Overlap: '0', TileSize: String(side),\n"
    "    Size: { Width: String(width), Height: String(height) } } } });\n"
    "document.getElementById('in').onclick = () => viewer.viewport.zoomBy(2);\n"
    "document.getElementById('out').onclick = () => viewer.viewport.zoomBy(0.5);\n"
    "document.getElementById('home').onclick = () => viewer.viewport.goHome();\n"
    "const where = document.getElementById('where');\n"
    "new OpenSeadragon.MouseTracker({ element: viewer.container, moveHandler: event => {\n"
    "  if (!viewer.world.getItemCount()) return;\n"
    "  const point = viewer.viewport.viewerElementToImageCoordinates(event.position);\n"
    "  const digits = Math.max(2, Math.ceil(-Math.log10(Math.abs(reStep))) + 1);\n"
    "  const re = re0 + point.x * reStep, im = im0 + point.y * imStep;\n"
    "  where.textContent = re.toFixed(digits) + (im < 0 ? ' \\u2212 ' : ' + ')\n"
    "    + Math.abs(im).toFixed(digits) + ' i';\n"
    "} });\n"
    "</script>\n"
    "</html>\n";

static bool has_viewer(const char *folder) {
    char path[LONGEST_PATH];
    snprintf(path, sizeof path, "%s/%s", folder, script);
    return access(path, R_OK) == 0;
}

hm_status_t hm_tiles_find_viewer(char *folder, size_t size, hm_error_t *err) {
    static const char *const beside[] = {"../share/hpcmandel/openseadragon", ".deps/openseadragon"};
    const char *const given = getenv("HPCMANDEL_SHARE");
    char program[LONGEST_PATH];
    if (given) {
        snprintf(folder, size, "%s/openseadragon", given);
        if (has_viewer(folder)) {
            return HM_OK;
        }
    }
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length > 0 ? length : 0] = '\0';
    char *const slash = strrchr(program, '/');
    if (slash) {
        *slash = '\0';
        for (size_t i = 0; i < sizeof beside / sizeof *beside; ++i) {
            snprintf(folder, size, "%s/%s", program, beside[i]);
            if (has_viewer(folder)) {
                return HM_OK;
            }
        }
    }
    return hm_error_set(
        err, HM_EMISSING,
        "the page needs OpenSeadragon, which is not here: `make viewer` fetches it, "
        "HPCMANDEL_SHARE names a folder that has it in openseadragon/; or leave the "
        "page out with --no-page");
}

/* `from`/`name` to the folder of `beside`. */
static hm_status_t copy_beside(const char *from, const char *name, const char *beside,
                               hm_error_t *err) {
    hm_status_t status = HM_OK;
    char path[LONGEST_PATH];
    char buffer[1 << 14];
    hm_replace_t target = {.path = NULL};
    snprintf(path, sizeof path, "%s/%s", from, name);
    FILE *source = fopen(path, "r");
    if (!source) {
        HM_TRY(hm_error_errno(err, HM_EMISSING, errno, "cannot read '%s'", path));
    }
    const char *const slash = strrchr(beside, '/');
    snprintf(path, sizeof path, "%.*s%s", slash ? (int)(slash + 1 - beside) : 0, beside, name);
    HM_TRY(hm_replace_open(path, &target, err));
    for (size_t got = 1; got > 0;) {
        got = fread(buffer, 1, sizeof buffer, source);
        if (fwrite(buffer, 1, got, target.out) != got) {
            HM_TRY(hm_error_errno(err, HM_EIO, errno, "cannot write '%s'", path));
        }
    }
    HM_TRY(hm_replace_close(&target, true, err));
cleanup:
    if (source) {
        fclose(source);
    }
    (void)hm_replace_close(&target, false, NULL);
    return status;
}

/* The last name of a path as part of a URL: safe in HTML and in a script's string too. */
static void put_url(const char *path, FILE *out) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    const char *const slash = strrchr(path, '/');
    for (const char *c = slash ? slash + 1 : path; *c; ++c) {
        if (strchr(plain, *c)) {
            fputc(*c, out);
        } else {
            fprintf(out, "%%%02X", (unsigned)(unsigned char)*c);
        }
    }
}

hm_status_t hm_tiles_page(const hm_tiles_t *tiles, const hm_grid_t *grid, const char *viewer,
                          const char *page, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hm_part_t *part = &tiles->part;
    hm_replace_t file = {.path = NULL};
    HM_TRY(copy_beside(viewer, script, page, err));
    HM_TRY(copy_beside(viewer, licence, page, err));
    HM_TRY(hm_replace_open(page, &file, err));
    fputs(page_head, file.out);
    fputs("const tiles = '", file.out);
    put_url(tiles->folder, file.out);
    fprintf(file.out, "/', side = %d, width = %lld, height = %lld;\n", HM_TILE_SIDE,
            (long long)part->width, (long long)part->height);
    fprintf(file.out, "const re0 = %.17g, reStep = %.17g, im0 = %.17g, imStep = %.17g;\n",
            grid->re0 + (double)part->x * grid->re_step, grid->re_step,
            grid->im0 + (double)part->y * grid->im_step, grid->im_step);
    fputs(page_tail, file.out);
    HM_TRY(hm_replace_close(&file, true, err));
cleanup:
    return status;
}
