/** @file seal.c See seal.h. */
#include "seal.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layout.h"

/** What the words of a seal are. Behind RANGES: offset and length of each range. */
enum { MAGIC, STATE, FILE_SIZE, COUNT, CRC32, RANGES, OWN_CRC32 = HM_SEAL_WORDS - 1 };
enum { MOST_RANGES = (OWN_CRC32 - RANGES) / 2, SEALED = 1, BROKEN = 2 };
enum { SUPERBLOCK_FLAGS = 20, MOST_COORDINATES = 1 << 20 };

/** "hmseal1\n" */
static const uint64_t magic = 0x0a316c6165736d68u;

#define PATH "/run/seal"

/** Raw data in the file. */
typedef struct extent_t {
    uint64_t offset, length;
} extent_t;

typedef struct extents_t {
    extent_t extent[MOST_RANGES];
    int count;
    bool failed;
} extents_t;

hm_status_t hm_seal_make(hid_t file, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t dataset = H5I_INVALID_HID;
    /* One opaque value: netCDF readers, which want names for all dimensions, need none here. */
    hid_t type = H5Tcreate(H5T_OPAQUE, HM_SEAL_BYTES);
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    if (type >= 0 && space >= 0 && properties >= 0 && H5Tset_tag(type, "seal") >= 0 &&
        H5Pset_layout(properties, H5D_CONTIGUOUS) >= 0 &&
        H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY) >= 0 &&
        H5Pset_fill_time(properties, H5D_FILL_TIME_NEVER) >= 0 &&
        H5Pset_obj_track_times(properties, false) >= 0) {
        dataset = H5Dcreate2(file, PATH, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    }
    if (dataset < 0) {
        HM_TRY(hm_h5_fail(err, HM_ECREATE, "cannot make %s", PATH));
    }
    HM_TRY(hm_h5_put_text(dataset, "long_name", "checksum of this file's headers", 0, err));
cleanup:
    hm_h5_close(&dataset);
    hm_h5_close(&properties);
    hm_h5_close(&space);
    hm_h5_close(&type);
    return status;
}

/** Notes where the raw data of a dataset stand: one piece each, contiguous or the only chunk. */
static herr_t note(hid_t object, const char *name, const H5O_info_t *info, void *context) {
    extents_t *extents = context;
    if (info->type != H5O_TYPE_DATASET) {
        return 0;
    }
    haddr_t offset = HADDR_UNDEF;
    hsize_t length = 0;
    hsize_t chunks = 1;
    hid_t dataset = H5Dopen2(object, name, H5P_DEFAULT);
    hid_t properties = dataset >= 0 ? H5Dget_create_plist(dataset) : H5I_INVALID_HID;
    if (properties >= 0 && H5Pget_layout(properties) == H5D_CONTIGUOUS) {
        offset = H5Dget_offset(dataset);
        length = H5Dget_storage_size(dataset);
    } else if (properties >= 0) {
        hid_t space = H5Dget_space(dataset);
        hsize_t first = 0;
        unsigned filters = 0;
        if (space < 0 || H5Dget_num_chunks(dataset, space, &chunks) < 0 ||
            H5Dget_chunk_info(dataset, space, 0, &first, &filters, &offset, &length) < 0) {
            offset = HADDR_UNDEF;
        }
        hm_h5_close(&space);
    }
    /* Coordinates never change: they are sealed too, unless reading them would take a while. */
    const bool coordinate = strcmp(name, "re") == 0 || strcmp(name, "im") == 0;
    if (coordinate && offset != HADDR_UNDEF && length <= MOST_COORDINATES) {
        goto noted;
    }
    extents->failed = offset == HADDR_UNDEF || chunks != 1 || extents->count == MOST_RANGES - 1;
    if (!extents->failed) {
        extents->extent[extents->count++] = (extent_t){offset, length};
    }
noted:
    hm_h5_close(&properties);
    hm_h5_close(&dataset);
    return extents->failed ? -1 : 0;
}

static int by_offset(const void *a, const void *b) {
    const extent_t *x = a;
    const extent_t *y = b;
    return x->offset < y->offset ? -1 : x->offset > y->offset ? 1 : 0;
}

hm_status_t hm_seal_plan(hid_t file, hm_seal_t *seal, hm_error_t *err) {
    hm_seal_t made = {.word = {0}};
    /* HDF5 notes in these bytes of the superblock (version 0) that the file is open for writing,
     * and never looks at them: all around them is sealed, they are not. */
    extents_t extents = {.extent = {{SUPERBLOCK_FLAGS, 4}}, .count = 1};
    uint64_t *range = &made.word[RANGES];
    uint64_t end = 0;
    if (H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_NATIVE, note, &extents, H5O_INFO_BASIC) < 0 ||
        extents.failed) {
        return hm_h5_fail(err, HM_ECREATE, "cannot find where the data of the new file stand");
    }
    qsort(extents.extent, (size_t)extents.count, sizeof *extents.extent, by_offset);
    for (int i = 0; i < extents.count; ++i) {
        if (extents.extent[i].offset > end) {
            *range++ = end;
            *range++ = extents.extent[i].offset - end;
            ++made.word[COUNT];
        }
        end = extents.extent[i].offset + extents.extent[i].length;
    }
    made.word[MAGIC] = magic;
    made.word[FILE_SIZE] = end;
    *seal = made;
    return HM_OK;
}

/** CRC-32 of the ranges, one after the other. */
static hm_status_t checksum(int descriptor, const hm_seal_t *seal, uint32_t *crc, hm_error_t *err) {
    enum { PIECE = 16384 };
    unsigned char bytes[PIECE];
    uint32_t found = 0;
    for (uint64_t i = 0; i < seal->word[COUNT]; ++i) {
        uint64_t at = seal->word[RANGES + 2 * i];
        uint64_t left = seal->word[RANGES + 2 * i + 1];
        while (left > 0) {
            const ssize_t n = pread(descriptor, bytes, left < PIECE ? left : PIECE, (off_t)at);
            if (n == 0 || (n < 0 && errno != EINTR)) {
                return hm_error_errno(err, HM_EIO, n < 0 ? errno : EIO, "cannot read the headers");
            }
            if (n > 0) {
                found = libdeflate_crc32(found, bytes, (size_t)n);
                at += (uint64_t)n;
                left -= (uint64_t)n;
            }
        }
    }
    *crc = found;
    return HM_OK;
}

static uint64_t own_crc32(const uint64_t *little) {
    return libdeflate_crc32(0, little, OWN_CRC32 * sizeof *little);
}

/** Less than a sector, at the start of one: it is there whole or not at all. */
static hm_status_t put(int descriptor, hm_seal_t seal, hm_error_t *err) {
    for (int i = 0; i < OWN_CRC32; ++i) {
        seal.word[i] = htole64(seal.word[i]);
    }
    seal.word[OWN_CRC32] = htole64(own_crc32(seal.word));
    const off_t at = (off_t)(le64toh(seal.word[FILE_SIZE]) - HM_SEAL_BYTES);
    if (pwrite(descriptor, seal.word, sizeof seal.word, at) != (ssize_t)sizeof seal.word ||
        fsync(descriptor) != 0) {
        return hm_error_errno(err, HM_EIO, errno, "cannot write %s", PATH);
    }
    return HM_OK;
}

hm_status_t hm_seal_close(int descriptor, const hm_seal_t *seal, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_seal_t closed = *seal;
    uint32_t crc = 0;
    HM_TRY(checksum(descriptor, seal, &crc, err));
    closed.word[STATE] = SEALED;
    closed.word[CRC32] = crc;
    HM_TRY(put(descriptor, closed, err));
cleanup:
    return status;
}

hm_status_t hm_seal_new(const char *path, const hm_seal_t *seal, hm_error_t *err) {
    hm_status_t status = HM_OK;
    struct stat file;
    const int descriptor = open(path, O_RDWR | O_CLOEXEC);
    if (descriptor < 0 || fstat(descriptor, &file) != 0) {
        HM_TRY(hm_error_errno(err, HM_EIO, errno, "cannot open the new file"));
    }
    if (file.st_size != (off_t)seal->word[FILE_SIZE]) {
        HM_TRY(hm_error_set(err, HM_EBUG, "%s ends at %lld, the file at %lld", PATH,
                            (long long)seal->word[FILE_SIZE], (long long)file.st_size));
    }
    HM_TRY(hm_seal_close(descriptor, seal, err));
cleanup:
    if (descriptor >= 0) {
        close(descriptor);
    }
    return status;
}

hm_status_t hm_seal_break(int descriptor, const hm_seal_t *seal, hm_error_t *err) {
    hm_seal_t broken = *seal;
    broken.word[STATE] = BROKEN;
    return put(descriptor, broken, err);
}

/** Ranges in ascending order, inside the file: also a bound on what is read. */
static bool plausible(const hm_seal_t *seal) {
    uint64_t end = 0;
    if (seal->word[COUNT] > MOST_RANGES ||
        (seal->word[STATE] != SEALED && seal->word[STATE] != BROKEN)) {
        return false;
    }
    for (uint64_t i = 0; i < seal->word[COUNT]; ++i) {
        const uint64_t offset = seal->word[RANGES + 2 * i];
        const uint64_t length = seal->word[RANGES + 2 * i + 1];
        if (offset < end || offset > seal->word[FILE_SIZE] ||
            length > seal->word[FILE_SIZE] - offset) {
            return false;
        }
        end = offset + length;
    }
    return true;
}

hm_status_t hm_seal_check(int descriptor, hm_seal_t *seal, bool *found, hm_error_t *err) {
    hm_status_t status = HM_OK;
    struct stat file;
    hm_seal_t read;
    uint32_t crc = 0;
    *found = false;
    if (fstat(descriptor, &file) != 0) {
        return hm_error_errno(err, HM_EIO, errno, "cannot read the headers");
    }
    if (file.st_size < HM_SEAL_BYTES ||
        pread(descriptor, read.word, sizeof read.word, file.st_size - HM_SEAL_BYTES) !=
            (ssize_t)sizeof read.word ||
        le64toh(read.word[MAGIC]) != magic ||
        le64toh(read.word[FILE_SIZE]) != (uint64_t)file.st_size) {
        return HM_OK;
    }
    const uint64_t own = own_crc32(read.word);
    for (int i = 0; i < HM_SEAL_WORDS; ++i) {
        read.word[i] = le64toh(read.word[i]);
    }
    if (read.word[OWN_CRC32] == own && plausible(&read)) {
        HM_TRY(read.word[STATE] == SEALED ? checksum(descriptor, &read, &crc, err) : HM_OK);
    }
    if (read.word[OWN_CRC32] != own || !plausible(&read) ||
        (read.word[STATE] == SEALED && read.word[CRC32] != crc)) {
        HM_TRY(hm_error_set(err, HM_EDATA,
                            "its headers are damaged, or were changed by another program: see "
                            "with h5dump -H what is left, or copy it with h5repack to have it "
                            "taken as it is"));
    }
    *seal = read;
    *found = true;
cleanup:
    return status;
}
