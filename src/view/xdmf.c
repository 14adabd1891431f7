/** @file xdmf.c See hm_xdmf.h. */
#include "hm_xdmf.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hm_dataset.h"
#include "hm_replace.h"

/* Text as XML wants it in attributes and between tags. */
static void put_text(FILE *out, const char *text) {
    for (; *text; ++text) {
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            fputc(*text, out);
        }
    }
}

/* Are the two files, of which the second need not be there, in one folder? `full` receives the
 * first one's full path. */
static hm_status_t same_folder(const char *h5_path, const char *xdmf_path, char full[PATH_MAX],
                               bool *same, hm_error_t *err) {
    char folder[PATH_MAX];
    char real[PATH_MAX];
    const char *slash = strrchr(xdmf_path, '/');
    const int length = slash ? (int)(slash - xdmf_path) + 1 : 2;
    if (snprintf(folder, sizeof folder, "%.*s", length, slash ? xdmf_path : "./") >=
            (int)sizeof folder ||
        !realpath(folder, real)) {
        return hm_error_errno(err, HM_ECREATE, errno, "cannot create '%s': its folder", xdmf_path);
    }
    if (!realpath(h5_path, full)) {
        return hm_error_errno(err, HM_EIO, errno, "cannot find '%s'", h5_path);
    }
    const size_t end = (size_t)(strrchr(full, '/') - full);
    *same = strlen(real) == (end ? end : 1) && strncmp(real, full, end ? end : 1) == 0;
    return HM_OK;
}

static void put_channel(FILE *out, const hm_grid_t *grid, hm_channel_t channel, const char *name) {
    const bool whole = channel == HM_CHANNEL_ITERATIONS || channel == HM_CHANNEL_PERIOD;
    fprintf(out,
            "      <Attribute Name=\"%s\" AttributeType=\"Scalar\" Center=\"Node\">\n"
            "        <DataItem Dimensions=\"1 %" PRId64 " %" PRId64
            "\" NumberType=\"%s\" Precision=\"4\" Format=\"HDF\">",
            hm_channel_name(channel), grid->height, grid->width, whole ? "UInt" : "Float");
    put_text(out, name);
    fprintf(out, ":/%s</DataItem>\n      </Attribute>\n", hm_channel_name(channel));
}

/* `name` is how the sidecar calls the data set file. */
static void put_document(FILE *out, const hm_dataset_info_t *info, const char *name) {
    const hm_grid_t *grid = &info->grid;
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
            "<Xdmf Version=\"2.0\">\n"
            "  <Domain>\n"
            "    <Grid Name=\"%s\" GridType=\"Uniform\">\n"
            "      <Topology TopologyType=\"3DCoRectMesh\" Dimensions=\"1 %" PRId64 " %" PRId64
            "\"/>\n",
            info->formula.julia ? "Julia set" : "Mandelbrot set", grid->height, grid->width);
    /* Slowest dimension first. A plane has no step across; readers divide by it. */
    fprintf(out,
            "      <Geometry GeometryType=\"ORIGIN_DXDYDZ\">\n"
            "        <DataItem Dimensions=\"3\" NumberType=\"Float\" Precision=\"8\" "
            "Format=\"XML\">0 %.17g %.17g</DataItem>\n"
            "        <DataItem Dimensions=\"3\" NumberType=\"Float\" Precision=\"8\" "
            "Format=\"XML\">1 %.17g %.17g</DataItem>\n"
            "      </Geometry>\n",
            grid->im0, grid->re0, grid->im_step, grid->re_step);
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        if ((info->channels >> channel) & 1u) {
            put_channel(out, grid, (hm_channel_t)channel, name);
        }
    }
    fputs("    </Grid>\n  </Domain>\n</Xdmf>\n", out);
}

hm_status_t hm_xdmf_write(const char *h5_path, const char *xdmf_path, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_reader_t *reader = NULL;
    hm_dataset_info_t info;
    hm_replace_t file = {.path = NULL};
    char full[PATH_MAX];
    bool same = false;
    HM_TRY(hm_reader_open(h5_path, &reader, &info, err));
    HM_TRY(same_folder(h5_path, xdmf_path, full, &same, err));
    const char *name = same ? strrchr(full, '/') + 1 : full;
    if (strchr(name, ':')) {
        HM_TRY(
            hm_error_set(err, HM_EUSAGE, "XDMF cannot name '%s': it has a colon; rename it", name));
    }
    HM_TRY(hm_replace_open(xdmf_path, &file, err));
    put_document(file.out, &info, name);
    HM_TRY(hm_replace_close(&file, true, err));
cleanup:
    hm_reader_close(reader);
    return status;
}
