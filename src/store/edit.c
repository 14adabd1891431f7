/** @file edit.c See edit.h. */
#include "edit.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layout.h"

hm_status_t hm_edit_open(const char *path, hm_edit_t *edit, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_edit_t opened = HM_EDIT_NONE;
    hm_h5_quiet();
    hid_t access = H5I_INVALID_HID;
    HM_TRY(hm_layout_descriptor(path, true, &opened.descriptor, err));
    /* HDF5 would make a file of its own of it. */
    struct stat found;
    if (fstat(opened.descriptor, &found) == 0 && found.st_size == 0) {
        HM_TRY(hm_error_set(err, HM_EDATA, "'%s' is empty: no data set file", path));
    }
    status = hm_seal_check(opened.descriptor, &opened.seal, &opened.sealed, err);
    if (status != HM_OK) {
        (void)hm_error_context(err, "'%s'", path);
        goto cleanup;
    }
    edit->unwritten = 0;
    access = hm_h5_writing_access(&edit->unwritten);
    if (access >= 0) {
        opened.file = H5Fopen(path, H5F_ACC_RDWR, access);
    }
    if (opened.file < 0) {
        HM_TRY(hm_layout_refuse(path, err));
    }
    opened.unwritten = edit->unwritten;
    *edit = opened;
    opened = HM_EDIT_NONE;
cleanup:
    hm_h5_close(&access);
    hm_edit_abandon(&opened);
    return status;
}

static hm_status_t force(const hm_edit_t *edit, hm_error_t *err) {
    if (fsync(edit->descriptor) != 0) {
        return hm_error_errno(err, HM_EIO, errno, "cannot force the file to the disk");
    }
    return HM_OK;
}

hm_status_t hm_edit_begin(hm_edit_t *edit, hm_error_t *err) {
    hm_status_t status = HM_OK;
    if (edit->sealed) {
        HM_TRY(hm_seal_break(edit->descriptor, &edit->seal, err));
        edit->broken = true;
    }
cleanup:
    return status;
}

hm_status_t hm_edit_barrier(hm_edit_t *edit, hm_error_t *err) {
    hm_status_t status = HM_OK;
    HM_TRY(
        hm_h5_written(edit->file, &edit->unwritten, "cannot write the headers of the file", err));
    HM_TRY(force(edit, err));
cleanup:
    return status;
}

hm_status_t hm_edit_close(hm_edit_t *edit, hm_error_t *err) {
    hm_status_t status = HM_OK;
    HM_TRY(hm_h5_shut(&edit->file, &edit->unwritten, "cannot write the headers of the file", err));
    HM_TRY(force(edit, err));
    if (edit->broken) {
        HM_TRY(hm_seal_close(edit->descriptor, &edit->seal, err));
    }
cleanup:
    hm_edit_abandon(edit);
    return status;
}

void hm_edit_abandon(hm_edit_t *edit) {
    hm_h5_close(&edit->file);
    if (edit->descriptor >= 0) {
        close(edit->descriptor);
        edit->descriptor = -1;
    }
}
