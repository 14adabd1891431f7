/** @file hm_together.h Ranks that fail together. */
#ifndef HM_TOGETHER_H
#define HM_TOGETHER_H

#include <mpi.h>

#include "hm_error.h"

/** All ranks of `comm` fail when one did, so that none waits for another that gave up: each leaves
 * with its own failure or, where all was well, with that of the first rank that failed and its
 * message, as nobody knows here which rank will be asked what was wrong. Collective. */
hm_status_t hm_together(MPI_Comm comm, hm_status_t mine, hm_error_t *err);

#endif
