/** @file field.c Fields beside the channels: in a copy of the file that takes its name. */
#include "hm_field.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5_hl.h>
#include <linux/fs.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build.h"
#include "hm_together.h"
#include "info.h"
#include "layout.h"
#include "place.h"
#include "seal.h"
#include "shared.h"

enum { NAME = 64, TEXT = 128, HEADERS = 1 << 16, METADATA = 1 << 14, PIECE_BYTES = 1 << 20 };

#define SEAL "/run/seal"

struct hm_field_t {
    MPI_Comm comm;
    int rank, size;
    hm_dataset_info_t info;
    int64_t rows, columns;
    char name[NAME];
    hm_place_t place; /**< found by rank 0 */
    bool sealed;      /**< rank 0: the copy will get a seal */
    hm_seal_t seal;
    hid_t file, dataset;
};

/* --- copying ---------------------------------------------------------------------------------- */

/** Rank 0: an empty file of the same size and rights; or the whole copy at once, where the file
 * system can share blocks (`*whole`). */
static hm_status_t make_copy(const char *from, const char *to, bool *whole, hm_error_t *err) {
    hm_status_t status = HM_OK;
    struct stat old;
    int source = -1;
    int target = -1;
    HM_TRY(hm_layout_descriptor(from, false, &source, err));
    if (fstat(source, &old) != 0) {
        HM_TRY(hm_error_errno(err, HM_EIO, errno, "cannot read '%s'", from));
    }
    target = open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, old.st_mode & 0777);
    if (target < 0) {
        HM_TRY(hm_error_errno(err, HM_ECREATE, errno, "cannot make a copy of '%s'", from));
    }
    *whole = ioctl(target, FICLONE, source) == 0;
    if (!*whole && ftruncate(target, old.st_size) != 0) {
        HM_TRY(hm_error_errno(err, HM_ECREATE, errno, "cannot make a copy of '%s'", from));
    }
cleanup:
    if (source >= 0) {
        close(source);
    }
    if (target >= 0) {
        close(target);
    }
    return status;
}

/** Bytes [at, end) by reading and writing. */
static hm_status_t copy_plainly(int source, int target, int64_t at, int64_t end, hm_error_t *err) {
    hm_status_t status = HM_OK;
    char *piece = malloc(PIECE_BYTES);
    if (!piece) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory to copy"));
    }
    while (at < end) {
        const size_t most = end - at < PIECE_BYTES ? (size_t)(end - at) : PIECE_BYTES;
        const ssize_t n = pread(source, piece, most, at);
        if (n <= 0) {
            HM_TRY(hm_error_errno(err, HM_EIO, n < 0 ? errno : EIO, "cannot read the file"));
        }
        const ssize_t written = pwrite(target, piece, (size_t)n, at);
        if (written < 0) {
            HM_TRY(hm_error_errno(err, HM_EIO, errno, "cannot write the copy"));
        }
        at += written; /* a full disk takes a part of it, and says so the next time */
    }
cleanup:
    free(piece);
    return status;
}

/** This rank's share of the bytes. */
static hm_status_t copy_share(const hm_field_t *field, const char *from, hm_error_t *err) {
    hm_status_t status = HM_OK;
    struct stat old;
    int source = -1;
    int target = -1;
    HM_TRY(hm_layout_descriptor(from, false, &source, err));
    HM_TRY(hm_layout_descriptor(field->place.temporary, true, &target, err));
    if (fstat(source, &old) != 0) {
        HM_TRY(hm_error_errno(err, HM_EIO, errno, "cannot read '%s'", from));
    }
    const int64_t pieces = (old.st_size + PIECE_BYTES - 1) / PIECE_BYTES;
    int64_t at = pieces * field->rank / field->size * PIECE_BYTES;
    int64_t end = pieces * (field->rank + 1) / field->size * PIECE_BYTES;
    end = end < old.st_size ? end : old.st_size;
    /* The system copies by itself where it can: within itself, or on the file server. */
    while (at < end) {
        off_t in = at;
        off_t out = at;
        const ssize_t n = copy_file_range(source, &in, target, &out, (size_t)(end - at), 0);
        if (n <= 0) {
            HM_TRY(copy_plainly(source, target, at, end, err));
            break;
        }
        at += n;
    }
cleanup:
    if (source >= 0) {
        close(source);
    }
    if (target >= 0) {
        close(target);
    }
    return status;
}

/* --- the headers: rank 0 alone ---------------------------------------------------------------- */

/** Names of the field's scales. */
static void scale_names(const hm_field_plan_t *plan, char re[NAME], char im[NAME]) {
    snprintf(re, NAME, plan->step > 1 ? "%s_re" : "re", plan->name);
    snprintf(im, NAME, plan->step > 1 ? "%s_im" : "im", plan->name);
}

/** Takes away the scales that a dataset has. */
static herr_t detach(hid_t dataset, unsigned dimension, hid_t scale, void *context) {
    (void)context;
    return H5DSdetach_scale(dataset, scale, dimension) < 0 ? -1 : 0;
}

/** Removes what stands in the way: a field of this name, and the seal, which must be last. Their
 * space may stay, as a hole. */
static hm_status_t clear_old(hid_t file, const hm_field_plan_t *plan, bool *sealed,
                             hm_error_t *err) {
    hm_status_t status = HM_OK;
    char own_re[NAME];
    char own_im[NAME];
    hid_t old = H5I_INVALID_HID;
    *sealed = H5Lexists(file, SEAL, H5P_DEFAULT) > 0;
    if (*sealed && H5Ldelete(file, SEAL, H5P_DEFAULT) < 0) {
        HM_TRY(hm_h5_fail(err, HM_EIO, "cannot unseal the copy"));
    }
    if (H5Lexists(file, plan->name, H5P_DEFAULT) > 0) {
        old = H5Dopen2(file, plan->name, H5P_DEFAULT);
        if (old < 0) {
            HM_TRY(hm_h5_fail(err, HM_EDATA, "/%s is there and is no field", plan->name));
        }
        (void)H5DSiterate_scales(old, 0, NULL, detach, NULL);
        (void)H5DSiterate_scales(old, 1, NULL, detach, NULL);
        hm_h5_close(&old);
        if (H5Ldelete(file, plan->name, H5P_DEFAULT) < 0) {
            HM_TRY(hm_h5_fail(err, HM_EIO, "cannot replace /%s", plan->name));
        }
    }
    snprintf(own_re, sizeof own_re, "%s_re", plan->name);
    snprintf(own_im, sizeof own_im, "%s_im", plan->name);
    if ((H5Lexists(file, own_re, H5P_DEFAULT) > 0 && H5Ldelete(file, own_re, H5P_DEFAULT) < 0) ||
        (H5Lexists(file, own_im, H5P_DEFAULT) > 0 && H5Ldelete(file, own_im, H5P_DEFAULT) < 0)) {
        HM_TRY(hm_h5_fail(err, HM_EIO, "cannot replace the scales of /%s", plan->name));
    }
cleanup:
    hm_h5_close(&old);
    return status;
}

/** Opens a scale of the channels, or makes one of every step-th of its numbers. */
static hm_status_t open_scale(hid_t file, const char *of, const char *name, int64_t count,
                              int64_t step, int64_t all, hid_t *made, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hsize_t shape[1] = {(hsize_t)all};
    hid_t scale = H5I_INVALID_HID;
    hid_t source = H5I_INVALID_HID;
    HM_TRY(hm_layout_open(file, of, HM_H5_F64, 1, shape, &source, err));
    if (step == 1) {
        *made = source;
        return HM_OK;
    }
    HM_TRY(hm_build_numbers(file, name, HM_H5_F64, count, 0, NULL, NULL,
                            of[0] == 'r' ? "real part" : "imaginary part", "1", &scale, err));
    if (H5DSset_scale(scale, name) < 0) {
        HM_TRY(hm_h5_fail(err, HM_ECREATE, "cannot make %s a dimension scale", name));
    }
    for (int64_t i = 0; i < count; ++i) {
        double value = 0;
        HM_TRY(hm_layout_transfer(source, HM_H5_F64, i * step, 1, 0, false, &value, err));
        HM_TRY(hm_layout_transfer(scale, HM_H5_F64, i, 1, 0, true, &value, err));
    }
    *made = scale;
    scale = H5I_INVALID_HID;
cleanup:
    hm_h5_close(&source);
    hm_h5_close(&scale);
    return status;
}

static hm_status_t describe(hid_t dataset, const hm_field_plan_t *plan, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const double none = NAN;
    HM_TRY(hm_h5_put(dataset, "_FillValue", HM_H5_F64, &none, err));
    HM_TRY(hm_h5_put_text(dataset, "comment", plan->comment, 0, err));
    for (int i = 0; i < plan->number_count; ++i) {
        HM_TRY(hm_h5_put(dataset, plan->numbers[i].key, HM_H5_F64, &plan->numbers[i].value, err));
    }
    for (int i = 0; i < plan->text_count; ++i) {
        HM_TRY(hm_h5_put_text(dataset, plan->texts[i].key, plan->texts[i].value, TEXT, err));
    }
cleanup:
    return status;
}

static hm_status_t add_field(const hm_field_t *field, hid_t file, const hm_field_plan_t *plan,
                             hm_error_t *err) {
    hm_status_t status = HM_OK;
    char re_name[NAME];
    char im_name[NAME];
    const double none = NAN;
    hid_t re = H5I_INVALID_HID;
    hid_t im = H5I_INVALID_HID;
    hid_t dataset = H5I_INVALID_HID;
    scale_names(plan, re_name, im_name);
    HM_TRY(open_scale(file, "re", re_name, field->columns, plan->step, field->info.grid.width, &re,
                      err));
    HM_TRY(open_scale(file, "im", im_name, field->rows, plan->step, field->info.grid.height, &im,
                      err));
    HM_TRY(hm_build_numbers(file, plan->name, HM_H5_F64, field->rows, field->columns, &none, NULL,
                            plan->long_name, plan->units, &dataset, err));
    HM_TRY(describe(dataset, plan, err));
    HM_TRY(hm_build_attach(dataset, im, 0, err));
    HM_TRY(hm_build_attach(dataset, re, 1, err));
cleanup:
    hm_h5_close(&dataset);
    hm_h5_close(&im);
    hm_h5_close(&re);
    return status;
}

/** Opens the copy to change its headers; new ones in blocks of their own, arrays at whole pages. */
static hm_status_t open_copy(const char *path, int *unwritten, hid_t *file, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t access = hm_h5_writing_access(unwritten);
    if (access < 0 || H5Pset_meta_block_size(access, METADATA) < 0 ||
        H5Pset_alignment(access, HM_PAGE, HM_PAGE) < 0) {
        HM_TRY(hm_h5_fail(err, HM_EBUG, "cannot prepare the copy"));
    }
    *file = H5Fopen(path, H5F_ACC_RDWR, access);
    if (*file < 0) {
        HM_TRY(hm_layout_refuse(path, err));
    }
cleanup:
    hm_h5_close(&access);
    return status;
}

static hm_status_t close_copy(hid_t *file, const int *unwritten, hm_error_t *err) {
    return hm_h5_shut(file, unwritten, "cannot write the headers of the copy", err);
}

/** Overwrites a text attribute of TEXT bytes in its room. */
static hm_status_t set_text(hid_t object, const hm_attribute_t *text, hm_error_t *err) {
    hm_status_t status = HM_OK;
    char room[TEXT] = "";
    hid_t type = H5I_INVALID_HID;
    hid_t attribute = H5Aopen(object, text->key, H5P_DEFAULT);
    snprintf(room, sizeof room, "%s", text->value);
    type = attribute < 0 ? H5I_INVALID_HID : H5Aget_type(attribute);
    if (type < 0 || H5Awrite(attribute, type, room) < 0) {
        status = hm_h5_fail(err, HM_EIO, "cannot write the attribute '%s'", text->key);
    }
    hm_h5_close(&type);
    hm_h5_close(&attribute);
    return status;
}

/** Is there a field of this shape with all these attributes, to be overwritten in place? Others may
 * have put theirs there, of any type and length. */
static bool fits(const hm_field_t *field, hid_t file, const hm_field_plan_t *plan) {
    const hsize_t shape[2] = {(hsize_t)field->rows, (hsize_t)field->columns};
    hid_t dataset = H5I_INVALID_HID;
    if (H5Lexists(file, plan->name, H5P_DEFAULT) <= 0 ||
        hm_layout_open(file, plan->name, HM_H5_F64, 2, shape, &dataset, NULL) != HM_OK) {
        return false;
    }
    bool same = true;
    for (int i = 0; i < plan->number_count; ++i) {
        double old;
        same = same && hm_h5_get(dataset, plan->numbers[i].key, HM_H5_F64, &old, NULL) == HM_OK;
    }
    for (int i = 0; i < plan->text_count; ++i) {
        same = same && hm_h5_text_room(dataset, plan->texts[i].key) == TEXT;
    }
    hm_h5_close(&dataset);
    return same;
}

/** Its attributes anew, in place: no header changes its size. */
static hm_status_t reuse(hid_t file, const hm_field_plan_t *plan, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t dataset = H5Dopen2(file, plan->name, H5P_DEFAULT);
    for (int i = 0; i < plan->number_count; ++i) {
        HM_TRY(hm_h5_set(dataset, plan->numbers[i].key, HM_H5_F64, &plan->numbers[i].value, err));
    }
    for (int i = 0; i < plan->text_count; ++i) {
        HM_TRY(set_text(dataset, &plan->texts[i], err));
    }
cleanup:
    hm_h5_close(&dataset);
    return status;
}

/** The seal that the copy has. */
static hm_status_t find_seal(hm_field_t *field, hm_error_t *err) {
    hm_status_t status = HM_OK;
    int descriptor = -1;
    HM_TRY(hm_layout_descriptor(field->place.temporary, false, &descriptor, err));
    status = hm_seal_check(descriptor, &field->seal, &field->sealed, err);
    close(descriptor);
cleanup:
    return status;
}

/** Opened twice for a new field, as the file gives up the seal's space only when it is closed. */
static hm_status_t change_headers(hm_field_t *field, const hm_field_plan_t *plan, hm_error_t *err) {
    hm_status_t status = HM_OK;
    int unwritten = 0;
    hid_t file = H5I_INVALID_HID;
    HM_TRY(find_seal(field, err));
    HM_TRY(open_copy(field->place.temporary, &unwritten, &file, err));
    if (fits(field, file, plan)) {
        HM_TRY(reuse(file, plan, err));
        HM_TRY(close_copy(&file, &unwritten, err));
        return HM_OK;
    }
    HM_TRY(clear_old(file, plan, &field->sealed, err));
    HM_TRY(close_copy(&file, &unwritten, err));
    HM_TRY(open_copy(field->place.temporary, &unwritten, &file, err));
    HM_TRY(add_field(field, file, plan, err));
    if (field->sealed) {
        HM_TRY(hm_seal_make(file, err));
        HM_TRY(hm_seal_plan(file, &field->seal, err));
    }
    HM_TRY(close_copy(&file, &unwritten, err));
cleanup:
    hm_h5_close(&file);
    return status;
}

/* --- all ranks -------------------------------------------------------------------------------- */

/** Rank 0: looks at the file and finds a place for the copy. */
static hm_status_t prepare(hm_field_t *field, const char *path, const hm_field_plan_t *plan,
                           bool *whole, hm_error_t *err) {
    hm_status_t status = HM_OK;
    struct stat old;
    HM_TRY(hm_place_find(path, true, false, &field->place, err));
    if (stat(path, &old) != 0) {
        HM_TRY(hm_error_errno(err, HM_EIO, errno, "cannot read '%s'", path));
    }
    const int64_t bytes = field->rows * field->columns * (int64_t)sizeof(double) + HEADERS;
    HM_TRY(hm_place_check(&field->place, old.st_size + bytes, true, err));
    if (strlen(plan->name) + 4 > NAME) {
        HM_TRY(hm_error_set(err, HM_EBUG, "a field called '%s'", plan->name));
    }
    HM_TRY(make_copy(path, field->place.temporary, whole, err));
cleanup:
    return status;
}

static hm_status_t read_info(hm_field_t *field, const char *path, const hm_field_plan_t *plan,
                             hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_reader_t *reader = NULL;
    HM_TRY(hm_reader_open(path, &reader, &field->info, err));
    if (!field->info.result.complete) {
        HM_TRY(
            hm_error_set(err, HM_EDATA, "'%s' is not complete: go on with it by --resume", path));
    }
    field->rows = (field->info.grid.height - 1) / plan->step + 1;
    field->columns = (field->info.grid.width - 1) / plan->step + 1;
cleanup:
    hm_reader_close(reader);
    return status;
}

/** Opens the copy for writing by all ranks. */
static hm_status_t open_together(hm_field_t *field, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hsize_t shape[2] = {(hsize_t)field->rows, (hsize_t)field->columns};
    hid_t access = H5I_INVALID_HID;
    HM_TRY(hm_shared_access(field->comm, MPI_INFO_NULL, HM_OK, &access, err));
    field->file = H5Fopen(field->place.temporary, H5F_ACC_RDWR, access);
    if (field->file < 0) {
        status = hm_h5_fail(err, HM_EIO, "the copy cannot be opened by all ranks");
    } else {
        status =
            hm_layout_open(field->file, field->name, HM_H5_F64, 2, shape, &field->dataset, err);
    }
    HM_TRY(hm_together(field->comm, status, err));
cleanup:
    hm_h5_close(&access);
    return status;
}

hm_status_t hm_field_open(const char *path, MPI_Comm comm, const hm_field_plan_t *plan,
                          hm_field_t **field, hm_error_t *err) {
    hm_status_t status = HM_OK;
    int whole = 0;
    hm_field_t *made = calloc(1, sizeof *made);
    hm_h5_quiet();
    if (made) {
        made->comm = comm;
        made->file = H5I_INVALID_HID;
        made->dataset = H5I_INVALID_HID;
        snprintf(made->name, sizeof made->name, "%s", plan->name);
    }
    if (!made || MPI_Comm_rank(comm, &made->rank) != MPI_SUCCESS ||
        MPI_Comm_size(comm, &made->size) != MPI_SUCCESS) {
        status = hm_error_set(err, HM_EMISSING, "out of memory to write '%s'", path);
    } else {
        status = read_info(made, path, plan, err);
    }
    HM_TRY(hm_together(comm, status, err));
    if (made->rank == 0) {
        bool at_once = false;
        status = prepare(made, path, plan, &at_once, err);
        whole = at_once;
    }
    HM_TRY(hm_together(comm, status, err));
    if (MPI_Bcast(&made->place, (int)sizeof made->place, MPI_BYTE, 0, comm) != MPI_SUCCESS ||
        MPI_Bcast(&whole, 1, MPI_INT, 0, comm) != MPI_SUCCESS) {
        HM_TRY(hm_error_set(err, HM_EIO, "cannot talk to the other ranks"));
    }
    HM_TRY(hm_together(comm, whole ? HM_OK : copy_share(made, path, err), err));
    HM_TRY(hm_together(comm, made->rank == 0 ? change_headers(made, plan, err) : HM_OK, err));
    HM_TRY(open_together(made, err));
    *field = made;
    made = NULL;
cleanup:
    if (made) {
        (void)hm_field_close(made, false, NULL);
    }
    if (status != HM_OK && err && !strstr(err->text, path)) {
        (void)hm_error_context(err, "writing '%s'", path);
    }
    return status;
}

hm_status_t hm_field_write(hm_field_t *field, int64_t first, int64_t rows, const double *values,
                           hm_error_t *err) {
    /* HDF5's buffers are not const, but only read here. */
    const hm_status_t status =
        hm_layout_transfer(field->dataset, HM_H5_F64, first, rows, field->columns, true,
                           (void *)(uintptr_t)values, err);
    if (status != HM_OK) {
        (void)hm_error_context(err, "writing '%s'", field->place.final);
    }
    return status;
}

/** What this rank wrote is on the disk. */
static hm_status_t force(const hm_field_t *field, hm_error_t *err) {
    hm_status_t status = HM_OK;
    int file = -1;
    HM_TRY(hm_layout_descriptor(field->place.temporary, true, &file, err));
    if (fdatasync(file) != 0) {
        status = hm_error_errno(err, HM_EIO, errno, "cannot force the copy to the disk");
    }
    close(file);
cleanup:
    return status;
}

static hm_status_t publish(const hm_field_t *field, hm_error_t *err) {
    hm_status_t status = HM_OK;
    if (field->sealed) {
        HM_TRY(hm_seal_new(field->place.temporary, &field->seal, err));
    }
    HM_TRY(hm_place_publish(&field->place, err));
cleanup:
    return status;
}

hm_status_t hm_field_close(hm_field_t *field, bool keep, hm_error_t *err) {
    hm_status_t status = HM_OK;
    if (!field) {
        return HM_OK;
    }
    hm_h5_close(&field->dataset);
    if (!hm_shared_close(&field->file, field->comm, keep)) {
        status = hm_h5_fail(err, HM_EIO, "the copy cannot be written");
    }
    if (keep) {
        HM_TRY(hm_together(field->comm, status, err));
        HM_TRY(hm_together(field->comm, force(field, err), err));
        HM_TRY(hm_together(field->comm, field->rank == 0 ? publish(field, err) : HM_OK, err));
    }
cleanup:
    if (status != HM_OK) {
        (void)hm_error_context(err, "writing '%s'", field->place.final);
    }
    if ((!keep || status != HM_OK) && field->rank == 0 && field->place.temporary[0] != '\0') {
        hm_place_discard(&field->place);
    }
    free(field);
    return status;
}
