/** @file h5.c See h5.h. */
#include "h5.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

enum { MESSAGE = 400, LONGEST_TEXT = 65536 };

hid_t hm_h5_file_type(hm_h5_number_t number) {
    switch (number) {
    case HM_H5_U8:
        return H5T_STD_U8LE;
    case HM_H5_I32:
        return H5T_STD_I32LE;
    case HM_H5_U32:
        return H5T_STD_U32LE;
    case HM_H5_I64:
        return H5T_STD_I64LE;
    case HM_H5_U64:
        return H5T_STD_U64LE;
    case HM_H5_F32:
        return H5T_IEEE_F32LE;
    case HM_H5_F64:
        return H5T_IEEE_F64LE;
    }
    return H5I_INVALID_HID;
}

hid_t hm_h5_memory_type(hm_h5_number_t number) {
    switch (number) {
    case HM_H5_U8:
        return H5T_NATIVE_UINT8;
    case HM_H5_I32:
        return H5T_NATIVE_INT32;
    case HM_H5_U32:
        return H5T_NATIVE_UINT32;
    case HM_H5_I64:
        return H5T_NATIVE_INT64;
    case HM_H5_U64:
        return H5T_NATIVE_UINT64;
    case HM_H5_F32:
        return H5T_NATIVE_FLOAT;
    case HM_H5_F64:
        return H5T_NATIVE_DOUBLE;
    }
    return H5I_INVALID_HID;
}

size_t hm_h5_size(hm_h5_number_t number) {
    switch (number) {
    case HM_H5_U8:
        return 1;
    case HM_H5_I32:
    case HM_H5_U32:
    case HM_H5_F32:
        return 4;
    case HM_H5_I64:
    case HM_H5_U64:
    case HM_H5_F64:
        return 8;
    }
    return 0;
}

void hm_h5_quiet(void) {
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

/** Keeps the first message of the walk: the innermost, as the walk starts there. */
static herr_t keep_innermost(unsigned n, const H5E_error2_t *entry, void *context) {
    char *message = context;
    if (entry->desc && (n == 0 || message[0] == '\0')) {
        snprintf(message, MESSAGE, "%s", entry->desc);
    }
    return 0;
}

/** HDF5's own driver tells much, among it the time with a new line: "error message = 'WHAT'". MPI
 * brings a stack of several lines, of which the last one tells: "WHO(ARGUMENTS): Other I/O error
 * WHAT'", the last quote being HDF5's. */
static void one_line(char *message) {
    const char *plain = "error message = '";
    const char *begin = strstr(message, plain);
    if (begin) {
        begin += strlen(plain);
        memmove(message, begin, strlen(begin) + 1);
        message[strcspn(message, "'")] = '\0';
    }
    size_t length = strlen(message);
    while (length > 0 && message[length - 1] == '\n') {
        message[--length] = '\0';
    }
    const char *line = strrchr(message, '\n');
    if (line) {
        const char *what = strstr(line, "): ");
        what = what ? what + 3 : line + 1;
        const char *general = "Other I/O error ";
        if (strncmp(what, general, strlen(general)) == 0) {
            what += strlen(general);
        }
        memmove(message, what, strlen(what) + 1);
        message[strcspn(message, "'")] = '\0';
    }
}

hm_status_t hm_h5_fail(hm_error_t *err, hm_status_t status, const char *format, ...) {
    char inner[MESSAGE] = "";
    (void)H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, inner);
    one_line(inner);
    char text[HM_ERROR_TEXT];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)H5Eclear2(H5E_DEFAULT);
    if (strstr(inner, strerror(ENOSPC))) {
        status = HM_EIO;
    } else if (strstr(inner, "addr overflow")) {
        status = HM_EDATA; /* it was led behind the end of the file: no fault of the disk */
    }
    return inner[0] ? hm_error_set(err, status, "%s: %s", text, inner)
                    : hm_error_set(err, status, "%s", text);
}

void hm_h5_close(hid_t *handle) {
    if (*handle >= 0 && H5Iis_valid(*handle) > 0) {
        switch (H5Iget_type(*handle)) {
        case H5I_FILE:
            (void)H5Fclose(*handle);
            break;
        case H5I_GROUP:
            (void)H5Gclose(*handle);
            break;
        case H5I_DATATYPE:
            (void)H5Tclose(*handle);
            break;
        case H5I_DATASPACE:
            (void)H5Sclose(*handle);
            break;
        case H5I_DATASET:
            (void)H5Dclose(*handle);
            break;
        case H5I_ATTR:
            (void)H5Aclose(*handle);
            break;
        case H5I_GENPROP_LST:
            (void)H5Pclose(*handle);
            break;
        default:
            (void)H5Oclose(*handle);
            break;
        }
    }
    *handle = H5I_INVALID_HID;
}

hid_t hm_h5_serial_access(void) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access >= 0 && (H5Pset_file_locking(access, false, true) < 0 ||
                        H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0)) {
        hm_h5_close(&access);
    }
    return access;
}

hid_t hm_h5_writing_access(int *unwritten) {
    hid_t access = hm_h5_serial_access();
    if (access >= 0 && hm_driver_use(access, unwritten) < 0) {
        hm_h5_close(&access);
    }
    return access;
}

/** What HDF5 says of its writing, and what its driver kept from it. */
static hm_status_t outcome(herr_t wrote, const int *unwritten, const char *what, hm_error_t *err) {
    if (*unwritten != 0) {
        return hm_error_errno(err, HM_EIO, *unwritten, "%s", what);
    }
    return wrote >= 0 ? HM_OK : hm_h5_fail(err, HM_EIO, "%s", what);
}

hm_status_t hm_h5_written(hid_t file, const int *unwritten, const char *what, hm_error_t *err) {
    return outcome(H5Fflush(file, H5F_SCOPE_GLOBAL), unwritten, what, err);
}

hm_status_t hm_h5_shut(hid_t *file, const int *unwritten, const char *what, hm_error_t *err) {
    const herr_t closed = H5Fclose(*file);
    *file = H5I_INVALID_HID;
    return outcome(closed, unwritten, what, err);
}

/** A scalar when `count` is 0, else a row of that many. */
static hm_status_t put(hid_t object, const char *name, hid_t file_type, hid_t memory_type,
                       int count, const void *value, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t attribute = H5I_INVALID_HID;
    const hsize_t length = (hsize_t)count;
    hid_t space = count ? H5Screate_simple(1, &length, NULL) : H5Screate(H5S_SCALAR);
    if (space >= 0) {
        attribute = H5Acreate2(object, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
    }
    if (attribute < 0 || H5Awrite(attribute, memory_type, value) < 0) {
        status = hm_h5_fail(err, HM_ECREATE, "cannot write the attribute '%s'", name);
    }
    hm_h5_close(&attribute);
    hm_h5_close(&space);
    return status;
}

hm_status_t hm_h5_put(hid_t object, const char *name, hm_h5_number_t number, const void *value,
                      hm_error_t *err) {
    return put(object, name, hm_h5_file_type(number), hm_h5_memory_type(number), 0, value, err);
}

hm_status_t hm_h5_put_many(hid_t object, const char *name, hm_h5_number_t number, int count,
                           const void *values, hm_error_t *err) {
    return put(object, name, hm_h5_file_type(number), hm_h5_memory_type(number), count, values,
               err);
}

hm_status_t hm_h5_put_text(hid_t object, const char *name, const char *value, size_t room,
                           hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t type = H5I_INVALID_HID;
    size_t size = strlen(value) + 1;
    if (size < room) {
        size = room;
    }
    char *field = calloc(1, size);
    if (!field) {
        return hm_error_set(err, HM_EMISSING, "out of memory for the attribute '%s'", name);
    }
    memcpy(field, value, strlen(value));
    type = H5Tcopy(H5T_C_S1);
    if (type < 0 || H5Tset_size(type, size) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0) {
        status = hm_h5_fail(err, HM_ECREATE, "cannot make the type of the attribute '%s'", name);
    } else {
        status = put(object, name, type, type, 0, field, err);
    }
    hm_h5_close(&type);
    free(field);
    return status;
}

/** Opens a scalar attribute and its type. The caller closes both, also on failure. */
static hm_status_t open_scalar(hid_t object, const char *name, hid_t *attribute, hid_t *type,
                               hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t space = H5I_INVALID_HID;
    *type = H5I_INVALID_HID;
    *attribute = H5I_INVALID_HID;
    if (H5Aexists(object, name) <= 0) {
        HM_TRY(hm_error_set(err, HM_EDATA, "the attribute '%s' is missing", name));
    }
    *attribute = H5Aopen(object, name, H5P_DEFAULT);
    if (*attribute < 0) {
        HM_TRY(hm_h5_fail(err, HM_EDATA, "the attribute '%s' cannot be read", name));
    }
    *type = H5Aget_type(*attribute);
    space = H5Aget_space(*attribute);
    if (*type < 0 || space < 0 || H5Sget_simple_extent_npoints(space) != 1) {
        HM_TRY(hm_h5_fail(err, HM_EDATA, "the attribute '%s' is not one value", name));
    }
cleanup:
    hm_h5_close(&space);
    return status;
}

/** Opens an attribute that is one number of this kind. The caller closes it, also on failure. */
static hm_status_t open_number(hid_t object, const char *name, hm_h5_number_t number,
                               hid_t *attribute, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t type;
    bool real = number == HM_H5_F32 || number == HM_H5_F64;
    HM_TRY(open_scalar(object, name, attribute, &type, err));
    /* Of the size we write it in: a conversion would clip what does not fit without a word. */
    if (H5Tget_class(type) != (real ? H5T_FLOAT : H5T_INTEGER) ||
        H5Tget_size(type) != hm_h5_size(number) ||
        (!real && H5Tget_sign(type) != H5Tget_sign(hm_h5_file_type(number)))) {
        HM_TRY(hm_error_set(err, HM_EDATA, "the attribute '%s' is of another type", name));
    }
cleanup:
    hm_h5_close(&type);
    return status;
}

hm_status_t hm_h5_set(hid_t object, const char *name, hm_h5_number_t number, const void *value,
                      hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t attribute;
    HM_TRY(open_number(object, name, number, &attribute, err));
    if (H5Awrite(attribute, hm_h5_memory_type(number), value) < 0) {
        HM_TRY(hm_h5_fail(err, HM_EIO, "cannot write the attribute '%s'", name));
    }
cleanup:
    hm_h5_close(&attribute);
    return status;
}

hm_status_t hm_h5_get(hid_t object, const char *name, hm_h5_number_t number, void *value,
                      hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t attribute;
    HM_TRY(open_number(object, name, number, &attribute, err));
    if (H5Aread(attribute, hm_h5_memory_type(number), value) < 0) {
        HM_TRY(hm_h5_fail(err, HM_EDATA, "the attribute '%s' cannot be read", name));
    }
cleanup:
    hm_h5_close(&attribute);
    return status;
}

size_t hm_h5_text_room(hid_t object, const char *name) {
    size_t room = 0;
    hid_t attribute;
    hid_t type;
    if (open_scalar(object, name, &attribute, &type, NULL) == HM_OK &&
        H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0) {
        room = H5Tget_size(type);
    }
    hm_h5_close(&type);
    hm_h5_close(&attribute);
    return room;
}

hm_status_t hm_h5_get_text(hid_t object, const char *name, char **value, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t attribute;
    hid_t type;
    char *text = NULL;
    HM_TRY(open_scalar(object, name, &attribute, &type, err));
    size_t size = H5Tget_size(type);
    if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0 || size < 1 ||
        size > LONGEST_TEXT) {
        HM_TRY(hm_error_set(err, HM_EDATA, "the attribute '%s' is no text of fixed length", name));
    }
    text = calloc(1, size + 1);
    if (!text) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for the attribute '%s'", name));
    }
    if (H5Aread(attribute, type, text) < 0) {
        HM_TRY(hm_h5_fail(err, HM_EDATA, "the attribute '%s' cannot be read", name));
    }
    *value = text;
    text = NULL;
cleanup:
    free(text);
    hm_h5_close(&type);
    hm_h5_close(&attribute);
    return status;
}
