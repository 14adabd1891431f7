/** @file shared.c See shared.h. */
#include "shared.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hm_together.h"

enum { HEAD = 96 };

hm_status_t hm_shared_hints(const hm_attribute_t *hints, int count, MPI_Info *info,
                            hm_error_t *err) {
    hm_status_t status = HM_OK;
    MPI_Info made = MPI_INFO_NULL;
    if (MPI_Info_create(&made) != MPI_SUCCESS ||
        MPI_Info_set(made, "romio_cb_write", "enable") != MPI_SUCCESS) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for hints"));
    }
    for (int i = 0; i < count; ++i) {
        const char *key = hints[i].key;
        const char *value = hints[i].value;
        if (key[0] == '\0' || value[0] == '\0' || strlen(key) >= MPI_MAX_INFO_KEY ||
            strlen(value) >= MPI_MAX_INFO_VAL || MPI_Info_set(made, key, value) != MPI_SUCCESS) {
            HM_TRY(
                hm_error_set(err, HM_EUSAGE, "the hint '%.60s=%.60s' is none for MPI", key, value));
        }
    }
    *info = made;
    made = MPI_INFO_NULL;
cleanup:
    if (made != MPI_INFO_NULL) {
        MPI_Info_free(&made);
    }
    return status;
}

static herr_t headers_by_rank_0(hid_t access) {
    H5AC_cache_config_t config = {.version = H5AC__CURR_CACHE_CONFIG_VERSION};
    if (H5Pget_mdc_config(access, &config) < 0) {
        return -1;
    }
    config.metadata_write_strategy = H5AC_METADATA_WRITE_STRATEGY__PROCESS_0_ONLY;
    return H5Pset_mdc_config(access, &config);
}

hm_status_t hm_shared_access(MPI_Comm comm, MPI_Info hints, hm_status_t mine, hid_t *access,
                             hm_error_t *err) {
    hm_status_t status = mine;
    hid_t made = H5Pcreate(H5P_FILE_ACCESS);
    if (status == HM_OK && (made < 0 || headers_by_rank_0(made) < 0)) {
        status = hm_h5_fail(err, HM_EMISSING, "cannot prepare to open a file");
    }
    HM_TRY(hm_together(comm, status, err)); /* what follows duplicates the communicator */
    if (H5Pset_fapl_mpio(made, comm, hints) < 0) {
        status = hm_h5_fail(err, HM_EMISSING, "cannot prepare to open a file with all ranks");
    }
    HM_TRY(hm_together(comm, status, err));
    *access = made;
    made = H5I_INVALID_HID;
cleanup:
    hm_h5_close(&made);
    return status;
}

/** Can the file's first bytes be written, as they are? */
static bool writable(MPI_File file) {
    char head[HEAD];
    MPI_Status done;
    int got = 0;
    return MPI_File_read_at(file, 0, head, HEAD, MPI_BYTE, &done) == MPI_SUCCESS &&
           MPI_Get_count(&done, MPI_BYTE, &got) == MPI_SUCCESS && got == HEAD &&
           MPI_File_write_at(file, 0, head, HEAD, MPI_BYTE, &done) == MPI_SUCCESS;
}

/** Memory that nobody reads, as a file of this rank alone; MPI_FILE_NULL on failure. */
static MPI_File nowhere(void) {
    char path[64];
    MPI_File file = MPI_FILE_NULL;
    const int descriptor = memfd_create("hpcmandel", MFD_CLOEXEC);
    if (descriptor >= 0) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
        if (MPI_File_open(MPI_COMM_SELF, path, MPI_MODE_RDWR, MPI_INFO_NULL, &file) !=
            MPI_SUCCESS) {
            file = MPI_FILE_NULL;
        }
        close(descriptor);
    }
    return file;
}

bool hm_shared_close(hid_t *file, MPI_Comm comm, bool keep) {
    int rank = 0;
    int sound = 1;
    MPI_File kept = MPI_FILE_NULL;
    MPI_File *used = NULL;
    if (*file < 0) {
        return true;
    }
    if (H5Fget_vfd_handle(*file, H5P_DEFAULT, (void **)&used) >= 0 && used &&
        MPI_Comm_rank(comm, &rank) == MPI_SUCCESS) {
        /* After a collective write that failed HDF5 leaves the view of its selection behind:
         * offsets would count from there, and headers go into the rows. */
        (void)MPI_File_set_view(*used, 0, MPI_BYTE, MPI_BYTE, "native", MPI_INFO_NULL);
        sound = rank != 0 || !keep || writable(*used);
        if (MPI_Bcast(&sound, 1, MPI_INT, 0, comm) == MPI_SUCCESS && (!sound || !keep)) {
            kept = *used;
            *used = nowhere();
        }
    }
    const bool closed = H5Fclose(*file) >= 0;
    if (kept != MPI_FILE_NULL) {
        (void)MPI_File_close(&kept);
    }
    *file = H5I_INVALID_HID;
    return closed && sound;
}
