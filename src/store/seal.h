/**
 * @file seal.h
 * A checksum of the headers of a data set file, in its last 4096 bytes: /run/seal.
 *
 * HDF5 1.10 trusts what its headers say: some damaged ones make it crash or believe other settings.
 * Channels have the CRCs of /rows/crc32; all that lies between the raw data has this one, and it is
 * compared before HDF5 sees the file. A file that is changed in place is unsealed first and sealed
 * again when that is done; killed in between it stays unsealed, and is believed as it is. So is a
 * file without a seal at its end: what h5repack makes, say.
 *
 * Inside src/store only.
 */
#ifndef HM_STORE_SEAL_H
#define HM_STORE_SEAL_H

#include <stdbool.h>
#include <stdint.h>

#include "h5.h"

enum { HM_SEAL_BYTES = 4096, HM_SEAL_WORDS = 64 };

/** As it stands in the file, in the machine's byte order: what each word is, see seal.c. */
typedef struct hm_seal_t {
    uint64_t word[HM_SEAL_WORDS];
} hm_seal_t;

/** Makes the object /run/seal, last of all objects, so that it lies at the end of the file.
 * HM_ECREATE. */
hm_status_t hm_seal_make(hid_t file, hm_error_t *err);

/** Finds what lies between the raw data of an open file that /run/seal ends. HM_ECREATE. */
hm_status_t hm_seal_plan(hid_t file, hm_seal_t *seal, hm_error_t *err);

/** Seals a new file, which HDF5 has closed. HM_EBUG: /run/seal is not at its end. HM_EIO. */
hm_status_t hm_seal_new(const char *path, const hm_seal_t *seal, hm_error_t *err);

/** Computes the checksum of a closed file and writes the seal. HM_EIO. */
hm_status_t hm_seal_close(int descriptor, const hm_seal_t *seal, hm_error_t *err);

/** Says in the file that the headers are being changed, and forces that to the disk. HM_EIO. */
hm_status_t hm_seal_break(int descriptor, const hm_seal_t *seal, hm_error_t *err);

/** Reads the seal, if there is one (`found`), and compares. HM_EDATA: the headers are damaged.
 * HM_EIO. */
hm_status_t hm_seal_check(int descriptor, hm_seal_t *seal, bool *found, hm_error_t *err);

#endif
