/** @file driver.c See driver.h. */
#include "driver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

enum { MODE = 0666 };

/** What a list of access properties carries. */
typedef struct wish_t {
    int *unwritten;
} wish_t;

/** An open file. HDF5 knows its first member. */
typedef struct driven_t {
    H5FD_t general;
    int descriptor;
    haddr_t end;    /**< of what is allocated */
    haddr_t length; /**< of the file */
    int *unwritten;
    struct stat is; /**< which file it is */
} driven_t;

static void note(const driven_t *file, int error) {
    if (*file->unwritten == 0) {
        *file->unwritten = error;
    }
}

/** What cannot be read HDF5 has to hear of: the innermost message of its stack. */
static void tell(int error) {
    (void)H5Epush2(H5E_DEFAULT, __FILE__, __func__, __LINE__, H5E_ERR_CLS, H5E_FILE, H5E_READERROR,
                   "%s", strerror(error));
}

static H5FD_t *open_file(const char *name, unsigned flags, hid_t access, haddr_t most) {
    const wish_t *wish = H5Pget_driver_info(access);
    driven_t *file = calloc(1, sizeof *file);
    const int how = ((flags & H5F_ACC_RDWR) ? O_RDWR : O_RDONLY) |
                    ((flags & H5F_ACC_TRUNC) ? O_TRUNC : 0) |
                    ((flags & H5F_ACC_CREAT) ? O_CREAT : 0) | ((flags & H5F_ACC_EXCL) ? O_EXCL : 0);
    (void)most;
    if (!wish || !file) {
        free(file);
        return NULL;
    }
    file->unwritten = wish->unwritten;
    file->descriptor = open(name, how | O_CLOEXEC, MODE);
    if (file->descriptor < 0 || fstat(file->descriptor, &file->is) != 0) {
        tell(errno);
        if (file->descriptor >= 0) {
            close(file->descriptor);
        }
        free(file);
        return NULL;
    }
    file->length = (haddr_t)file->is.st_size;
    return &file->general;
}

static herr_t close_file(H5FD_t *general) {
    driven_t *file = (driven_t *)general;
    if (close(file->descriptor) != 0) {
        note(file, errno); /* some file systems tell of a full disk only here */
    }
    free(file);
    return 0;
}

/** HDF5 asks whether it has a file open already. */
static int compare(const H5FD_t *one, const H5FD_t *other) {
    const struct stat *a = &((const driven_t *)one)->is;
    const struct stat *b = &((const driven_t *)other)->is;
    if (a->st_dev != b->st_dev) {
        return a->st_dev < b->st_dev ? -1 : 1;
    }
    return a->st_ino < b->st_ino ? -1 : a->st_ino > b->st_ino;
}

static herr_t query(const H5FD_t *general, unsigned long *flags) {
    (void)general;
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
             H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
    return 0;
}

static haddr_t get_end(const H5FD_t *general, H5FD_mem_t type) {
    (void)type;
    return ((const driven_t *)general)->end;
}

static herr_t set_end(H5FD_t *general, H5FD_mem_t type, haddr_t end) {
    (void)type;
    ((driven_t *)general)->end = end;
    return 0;
}

static haddr_t get_length(const H5FD_t *general, H5FD_mem_t type) {
    (void)type;
    return ((const driven_t *)general)->length;
}

static herr_t read_bytes(H5FD_t *general, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t size,
                         void *bytes) {
    const driven_t *file = (const driven_t *)general;
    char *to = bytes;
    (void)type;
    (void)transfer;
    while (size > 0) {
        const ssize_t n = pread(file->descriptor, to, size, (off_t)at);
        if (n < 0 && errno != EINTR) {
            tell(errno);
            return -1;
        }
        if (n == 0) { /* behind the end: as if it had been written */
            memset(to, 0, size);
            break;
        }
        if (n > 0) {
            to += n;
            at += (haddr_t)n;
            size -= (size_t)n;
        }
    }
    return 0;
}

static herr_t write_bytes(H5FD_t *general, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t size,
                          const void *bytes) {
    driven_t *file = (driven_t *)general;
    const char *from = bytes;
    (void)type;
    (void)transfer;
    while (size > 0 && *file->unwritten == 0) {
        const ssize_t n = pwrite(file->descriptor, from, size, (off_t)at);
        if (n < 0 && errno != EINTR) {
            note(file, errno);
        } else if (n > 0) {
            from += n;
            at += (haddr_t)n;
            size -= (size_t)n;
            file->length = at > file->length ? at : file->length;
        }
    }
    if (at + size > file->length) { /* what was dropped counts: HDF5 may look for it */
        file->length = at + size;
    }
    return 0;
}

static herr_t set_length(H5FD_t *general, hid_t transfer, hbool_t closing) {
    driven_t *file = (driven_t *)general;
    (void)transfer;
    (void)closing;
    if (file->end != file->length && *file->unwritten == 0 &&
        ftruncate(file->descriptor, (off_t)file->end) != 0) {
        note(file, errno);
    }
    file->length = file->end;
    return 0;
}

/** This driver, registered once: HDF5 1.10 still reads the driver of a file that it closes when it
 * has let go of it, so the last file must not be the last that holds it. */
static hid_t registered(void) {
    static hid_t driver = H5I_INVALID_HID;
    const H5FD_class_t class = {
#ifdef H5FD_CLASS_VERSION
        .version = H5FD_CLASS_VERSION,
        .value = (H5FD_class_value_t)600, /* from 512 to 65535: for drivers of one's own */
#endif
        .name = "hpcmandel",
        .maxaddr = (haddr_t)INT64_MAX,
        .fc_degree = H5F_CLOSE_WEAK,
        .fapl_size = sizeof(wish_t),
        .open = open_file,
        .close = close_file,
        .cmp = compare,
        .query = query,
        .get_eoa = get_end,
        .set_eoa = set_end,
        .get_eof = get_length,
        .read = read_bytes,
        .write = write_bytes,
        .truncate = set_length,
        .fl_map = H5FD_FLMAP_DICHOTOMY,
    };
    if (driver < 0 || H5Iget_type(driver) != H5I_VFL) { /* HDF5 may have been ended between */
        driver = H5FDregister(&class);
    }
    return driver;
}

herr_t hm_driver_use(hid_t access, int *unwritten) {
    wish_t wish;
    const hid_t driver = registered();
    wish.unwritten = unwritten;
    return driver < 0 ? -1 : H5Pset_driver(access, driver, &wish);
}
