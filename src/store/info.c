/** @file info.c See info.h. Believes nothing that it has not checked. */
#include "info.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static hm_status_t read_format(hid_t file, hm_error_t *err) {
    hm_status_t status = HM_OK;
    int32_t format = 0;
    char *source = NULL;
    hid_t root = H5Gopen2(file, "/", H5P_DEFAULT);
    if (root < 0 || hm_h5_get(root, "format", HM_H5_I32, &format, NULL) != HM_OK ||
        hm_h5_get_text(root, "source", &source, NULL) != HM_OK ||
        strncmp(source, "hpcmandel", 9) != 0) {
        HM_TRY(hm_error_set(err, HM_EDATA, "it is an HDF5 file, but not one made by hpcmandel"));
    }
    if (format > HM_FORMAT) {
        HM_TRY(hm_error_set(err, HM_EDATA,
                            "its format is version %d, this program knows versions up to %d: use "
                            "a newer hpcmandel",
                            (int)format, HM_FORMAT));
    }
    if (format < 1) {
        HM_TRY(
            hm_error_set(err, HM_EDATA, "its format has the impossible version %d", (int)format));
    }
cleanup:
    free(source);
    hm_h5_close(&root);
    return status;
}

/** Width and height from the iterations channel, before anything is believed of their size. */
static hm_status_t read_shape(hid_t file, hsize_t shape[2], hm_error_t *err) {
    hm_status_t status = HM_OK;
    const char *name = hm_channel_name(HM_CHANNEL_ITERATIONS);
    hid_t space = H5I_INVALID_HID;
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    if (dataset >= 0) {
        space = H5Dget_space(dataset);
    }
    if (space < 0 || H5Sget_simple_extent_ndims(space) != 2 ||
        H5Sget_simple_extent_dims(space, shape, NULL) != 2) {
        HM_TRY(hm_h5_fail(err, HM_EDATA, "%s is missing or is no image", name));
    }
    if (shape[0] < 1 || shape[1] < 1 || shape[0] > INT32_MAX || shape[1] > INT32_MAX ||
        shape[1] > ((hsize_t)1 << 56) / shape[0]) {
        HM_TRY(hm_error_set(err, HM_EDATA, "%s has the impossible size %llu x %llu", name,
                            (unsigned long long)shape[1], (unsigned long long)shape[0]));
    }
cleanup:
    hm_h5_close(&space);
    hm_h5_close(&dataset);
    return status;
}

/** A text attribute that must be one of two words: false the first, true the second. */
static hm_status_t read_either(hid_t object, const char *name, const char *no, const char *yes,
                               bool *value, hm_error_t *err) {
    hm_status_t status = HM_OK;
    char *text = NULL;
    HM_TRY(hm_h5_get_text(object, name, &text, err));
    if (strcmp(text, no) != 0 && strcmp(text, yes) != 0) {
        HM_TRY(
            hm_error_set(err, HM_EDATA, "the attribute '%s' is neither %s nor %s", name, no, yes));
    }
    *value = strcmp(text, yes) == 0;
cleanup:
    free(text);
    return status;
}

static hm_status_t read_flag(hid_t object, const char *name, bool *value, hm_error_t *err) {
    uint8_t number = 0;
    const hm_status_t status = hm_h5_get(object, name, HM_H5_U8, &number, err);
    if (status == HM_OK) {
        *value = number == 1;
    }
    return status;
}

static hm_status_t read_real(hid_t object, const char *name, double *value, hm_error_t *err) {
    double number = 0;
    const hm_status_t status = hm_h5_get(object, name, HM_H5_F64, &number, err);
    if (status != HM_OK) {
        return status;
    }
    if (!isfinite(number)) {
        return hm_error_set(err, HM_EDATA, "the attribute '%s' is not a finite number", name);
    }
    *value = number;
    return HM_OK;
}

static hm_status_t read_grid(hid_t run, hm_grid_t *grid, hm_error_t *err) {
    hm_status_t status = HM_OK;
    bool accumulated = false;
    HM_TRY(read_real(run, "re0", &grid->re0, err));
    HM_TRY(read_real(run, "re_step", &grid->re_step, err));
    HM_TRY(read_real(run, "im0", &grid->im0, err));
    HM_TRY(read_real(run, "im_step", &grid->im_step, err));
    HM_TRY(read_either(run, "coords", "exact", "accumulated", &accumulated, err));
    HM_TRY(read_flag(run, "fine", &grid->fine, err));
    grid->coords = accumulated ? HM_COORDS_ACCUMULATED : HM_COORDS_EXACT;
cleanup:
    return status;
}

static hm_status_t read_formula(hid_t run, hm_formula_t *formula, hm_error_t *err) {
    hm_status_t status = HM_OK;
    bool fma = false;
    bool none = false;
    HM_TRY(hm_h5_get(run, "max_iter", HM_H5_U32, &formula->max_iter, err));
    HM_TRY(read_real(run, "bailout", &formula->bailout, err));
    HM_TRY(read_either(run, "arith", "ieee", "fma", &fma, err));
    HM_TRY(read_either(run, "interior", "exact", "none", &none, err));
    HM_TRY(read_flag(run, "julia", &formula->julia, err));
    HM_TRY(read_real(run, "julia_re", &formula->julia_re, err));
    HM_TRY(read_real(run, "julia_im", &formula->julia_im, err));
    formula->arith = fma ? HM_ARITH_FMA : HM_ARITH_IEEE;
    formula->interior = none ? HM_INTERIOR_NONE : HM_INTERIOR_EXACT;
    if (formula->max_iter < 1 || formula->max_iter == UINT32_MAX || !(formula->bailout > 0)) {
        HM_TRY(hm_error_set(err, HM_EDATA, "the attribute '%s' is out of range",
                            formula->bailout > 0 ? "max_iter" : "bailout"));
    }
cleanup:
    return status;
}

static hm_status_t read_result(hid_t run, hm_dataset_result_t *result, hm_error_t *err) {
    hm_status_t status = HM_OK;
    HM_TRY(read_flag(run, "complete", &result->complete, err));
    HM_TRY(hm_h5_get(run, "crc32", HM_H5_U32, &result->crc32, err));
    HM_TRY(hm_h5_get(run, "sum", HM_H5_U64, &result->sum, err));
    HM_TRY(hm_h5_get(run, "inside", HM_H5_U64, &result->inside, err));
    HM_TRY(read_real(run, "seconds", &result->seconds, err));
cleanup:
    return status;
}

/** Opens every dataset once, which checks its type and shape, and counts the rows done. */
static hm_status_t read_datasets(hid_t file, const hsize_t shape[2], hm_dataset_info_t *info,
                                 hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t dataset = H5I_INVALID_HID;
    uint8_t done[HM_PIECE];
    const int64_t height = (int64_t)shape[0];
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        const hm_channel_layout_t *layout = hm_layout_channel((hm_channel_t)channel);
        if (H5Lexists(file, layout->name, H5P_DEFAULT) > 0) {
            HM_TRY(hm_layout_open(file, layout->name, layout->number, 2, shape, &dataset, err));
            hm_h5_close(&dataset);
            info->channels |= 1u << channel;
        }
    }
    HM_TRY(hm_layout_open(file, "re", HM_H5_F64, 1, &shape[1], &dataset, err));
    hm_h5_close(&dataset);
    HM_TRY(hm_layout_open(file, "im", HM_H5_F64, 1, &shape[0], &dataset, err));
    hm_h5_close(&dataset);
    const hsize_t table[2] = {shape[0], (hsize_t)hm_layout_channels(info->channels)};
    for (int row = 0; row < HM_ROW_COUNT; ++row) {
        const hm_row_layout_t *layout = hm_layout_row((hm_row_t)row);
        HM_TRY(hm_layout_open(file, layout->path, layout->number, layout->by_channel ? 2 : 1, table,
                              &dataset, err));
        for (int64_t first = 0; row == HM_ROW_DONE && first < height; first += HM_PIECE) {
            const int64_t n = height - first < HM_PIECE ? height - first : HM_PIECE;
            HM_TRY(hm_layout_transfer(dataset, HM_H5_U8, first, n, 0, false, done, err));
            for (int64_t i = 0; i < n; ++i) {
                info->rows_done += done[i] == 1 ? 1 : 0;
            }
        }
        hm_h5_close(&dataset);
    }
cleanup:
    hm_h5_close(&dataset);
    return status;
}

hm_status_t hm_info_read(hid_t file, hm_dataset_info_t *info, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_dataset_info_t found = {0};
    hsize_t shape[2] = {0, 0};
    hid_t run = H5I_INVALID_HID;
    HM_TRY(read_format(file, err));
    HM_TRY(read_shape(file, shape, err));
    found.grid.height = (int64_t)shape[0];
    found.grid.width = (int64_t)shape[1];
    HM_TRY(read_datasets(file, shape, &found, err));
    run = H5Gopen2(file, HM_PATH_RUN, H5P_DEFAULT);
    if (run < 0) {
        HM_TRY(hm_h5_fail(err, HM_EDATA, "%s is missing", HM_PATH_RUN));
    }
    HM_TRY(read_grid(run, &found.grid, err));
    HM_TRY(read_formula(run, &found.formula, err));
    HM_TRY(read_result(run, &found.result, err));
    *info = found;
cleanup:
    hm_h5_close(&run);
    return status;
}
