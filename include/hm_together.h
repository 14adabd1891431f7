/** @file hm_together.h Ranks that fail together. */
#ifndef HM_TOGETHER_H
#define HM_TOGETHER_H

#include <mpi.h>

#include "hm_error.h"

/** All ranks of `comm` fail when one did, so that none waits for another that gave up: each leaves
 * with its own failure or, where all was well, with that of the first rank that failed and its
 * message, as nobody knows here which rank will be asked what was wrong. Collective. */
hm_status_t hm_together(MPI_Comm comm, hm_status_t mine, hm_error_t *err);

/**
 * Waits for all ranks of `comm` after a collective operation of a library, in which one that failed
 * alone may have left the others waiting, with no way out but to end the program. So a rank that
 * failed, which `mine` says, waits half a minute; then it says why and ends all by MPI_Abort, with
 * `mine` as the exit code. Collective.
 */
void hm_together_after(MPI_Comm comm, hm_status_t mine, const hm_error_t *err);

#endif
