/**
 * @file edit.h
 * A data set file opened by one process to change values of fixed size in its headers and tables.
 * Inside src/store only.
 */
#ifndef HM_STORE_EDIT_H
#define HM_STORE_EDIT_H

#include "h5.h"
#include "seal.h"

typedef struct hm_edit_t {
    hid_t file;
    int unwritten;  /**< errno of what could not be written */
    int descriptor; /**< the file once more, to force it to the disk */
    bool sealed;    /**< it has a seal, to be broken before the first change */
    bool broken;    /**< and that was done */
    hm_seal_t seal;
} hm_edit_t;

#define HM_EDIT_NONE ((hm_edit_t){.file = H5I_INVALID_HID, .descriptor = -1})

/** *edit has to stay where it is, as HDF5 notes failures in it. HM_EIO: it cannot be opened for
 * writing. HM_EDATA: it is no HDF5 file, or damaged. */
hm_status_t hm_edit_open(const char *path, hm_edit_t *edit, hm_error_t *err);

/** Before the first change. HM_EIO. */
hm_status_t hm_edit_begin(hm_edit_t *edit, hm_error_t *err);

/** What was changed so far is on the disk on return, before all that is changed later. HM_EIO. */
hm_status_t hm_edit_barrier(hm_edit_t *edit, hm_error_t *err);

/** Closes, forces to the disk, and seals what was unsealed. All handles of objects must be closed.
 * HM_EIO. */
hm_status_t hm_edit_close(hm_edit_t *edit, hm_error_t *err);

/** Closes whatever is open, on failure. */
void hm_edit_abandon(hm_edit_t *edit);

#endif
