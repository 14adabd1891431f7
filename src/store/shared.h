/**
 * @file shared.h
 * A file that all ranks of a communicator have open with MPI-IO. Inside src/store only.
 *
 * What fails on one rank alone must not leave the others waiting in HDF5, which agrees on nothing.
 */
#ifndef HM_STORE_SHARED_H
#define HM_STORE_SHARED_H

#include "h5.h"
#include "hm_dataset.h"

/**
 * Hints for MPI-IO, ours and behind them `count` of the caller's, to be freed by MPI_Info_free().
 * ROMIO tells all ranks of one's failed write only where it writes in two phases, and HDF5 leaves
 * out a collective call after a failure that it knows of: unless all know, the others would wait
 * for ever. So two phases are what ours ask for. HM_EUSAGE: MPI refuses one. HM_EMISSING.
 */
hm_status_t hm_shared_hints(const hm_attribute_t *hints, int count, MPI_Info *info,
                            hm_error_t *err);

/**
 * A property list for H5Fopen(), which the caller closes. Headers are written by rank 0 alone:
 * HDF5 would hand them round, and wait in H5Fclose() for a rank that could not write its own.
 * Collective; `mine` is this rank's outcome of what comes before. All ranks return HM_OK, or
 * failures: hm_together(). HM_EMISSING.
 */
hm_status_t hm_shared_access(MPI_Comm comm, MPI_Info hints, hm_status_t mine, hid_t *access,
                             hm_error_t *err);

/**
 * Closes the file, if it is one. HDF5 must not fail in it (driver.h): so rank 0 writes the first
 * bytes once more, as they are, and where even that fails, or without `keep` (the same on all
 * ranks), what HDF5 still has to write goes nowhere. False: it failed. Collective.
 */
bool hm_shared_close(hid_t *file, MPI_Comm comm, bool keep);

#endif
