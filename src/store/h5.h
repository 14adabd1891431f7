/**
 * @file h5.h
 * HDF5 in this project's manner: its failures as hm_error_t, attributes of fixed size, types as
 * values of a table. Inside src/store only.
 */
#ifndef HM_STORE_H5_H
#define HM_STORE_H5_H

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>

#include "hm_error.h"

/** Types of numbers in the file; all are little-endian there, and the machine's own in memory. */
typedef enum hm_h5_number_t {
    HM_H5_U8,
    HM_H5_I32,
    HM_H5_U32,
    HM_H5_I64,
    HM_H5_U64,
    HM_H5_F32,
    HM_H5_F64
} hm_h5_number_t;

/** Borrowed type handles of the library: never close them. */
hid_t hm_h5_file_type(hm_h5_number_t number);
hid_t hm_h5_memory_type(hm_h5_number_t number);
size_t hm_h5_size(hm_h5_number_t number);

/** Switches HDF5's own printing off. */
void hm_h5_quiet(void);

/**
 * Fails with the message given and, behind ": ", the innermost message on HDF5's error stack.
 * Returns `status`, except where the stack tells of a full disk, which is always HM_EIO, or of a
 * place behind the end of the file, which is always HM_EDATA.
 */
hm_status_t hm_h5_fail(hm_error_t *err, hm_status_t status, const char *format, ...)
    HM_PRINTF(3, 4);

/** Close whatever kind of handle it is, if it is one, and make it H5I_INVALID_HID. */
void hm_h5_close(hid_t *handle);

/** A property list for serial reading: no file locks (a reader that looks at a running job's file
 * must not stop it), all handles closed with the file. H5I_INVALID_HID on failure. */
hid_t hm_h5_serial_access(void);

/** The same for writing: for HDF5 no write fails (driver.h), but *unwritten, 0 at first, becomes
 * the errno of the first that did. It must outlive the file. */
hid_t hm_h5_writing_access(int *unwritten);

/** What was written into a file so opened has left HDF5; `what` says what could not be done.
 * HM_EIO. */
hm_status_t hm_h5_written(hid_t file, const int *unwritten, const char *what, hm_error_t *err);

/** Closes such a file. `what` as above. HM_EIO: something could not be written since it was
 * opened. */
hm_status_t hm_h5_shut(hid_t *file, const int *unwritten, const char *what, hm_error_t *err);

/** New scalar attributes. HM_ECREATE. */
hm_status_t hm_h5_put(hid_t object, const char *name, hm_h5_number_t number, const void *value,
                      hm_error_t *err);
/** The same for `count` of them: a row. */
hm_status_t hm_h5_put_many(hid_t object, const char *name, hm_h5_number_t number, int count,
                           const void *values, hm_error_t *err);
/** Fixed length, UTF-8, in a field of at least `room` bytes with its final NUL. */
hm_status_t hm_h5_put_text(hid_t object, const char *name, const char *value, size_t room,
                           hm_error_t *err);

/** Overwrites an existing scalar attribute in place. HM_EDATA as hm_h5_get(); HM_EIO. */
hm_status_t hm_h5_set(hid_t object, const char *name, hm_h5_number_t number, const void *value,
                      hm_error_t *err);

/** Reads a scalar number; HM_EDATA when it is missing, no scalar, or of another class of number. */
hm_status_t hm_h5_get(hid_t object, const char *name, hm_h5_number_t number, void *value,
                      hm_error_t *err);

/** Reads a text attribute into a malloc'ed string of at most 64 KiB; HM_EDATA when it is missing or
 * no scalar text of fixed length. */
hm_status_t hm_h5_get_text(hid_t object, const char *name, char **value, hm_error_t *err);

/** The bytes of a text attribute; 0: it is missing or no scalar text of fixed length. */
size_t hm_h5_text_room(hid_t object, const char *name);

#endif
