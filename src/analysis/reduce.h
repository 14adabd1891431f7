/**
 * @file reduce.h
 * Reductions to rank 0 that MPI does not bring: their datatypes and operations. All are exact, so
 * the result does not depend on the number of ranks. Collective over `comm`. Inside src/analysis
 * only.
 */
#ifndef HM_ANALYSIS_REDUCE_H
#define HM_ANALYSIS_REDUCE_H

#include <mpi.h>

#include "hm_error.h"
#include "wide.h"

/** A stretch of bytes by its CRC-32: rows of one rank, of all ranks. */
typedef struct hm_stretch_t {
    uint64_t crc, bytes;
} hm_stretch_t;

/** A row by what it cost. */
typedef struct hm_costly_t {
    uint64_t work;
    int64_t row; /**< -1: none */
    int64_t rank;
    double seconds;
} hm_costly_t;

/** Puts a row into the list costly[count], the costliest first, equal ones by row; the last one
 * falls out. */
void hm_costly_insert(hm_costly_t *costly, int count, hm_costly_t row);

/** value[count] becomes the sum over the ranks, on rank 0; elsewhere rubbish. In pieces, as `count`
 * may be large. HM_EIO, HM_EBUG. */
hm_status_t hm_reduce_sums(MPI_Comm comm, uint64_t *value, int64_t count, hm_error_t *err);
hm_status_t hm_reduce_wide(MPI_Comm comm, hm_wide_t *value, int64_t count, hm_error_t *err);

/** bits[words] become those that any rank has, on rank 0. */
hm_status_t hm_reduce_bits(MPI_Comm comm, uint64_t *bits, int64_t words, hm_error_t *err);

/** The stretches of all ranks, one behind the other in the ranks' order: not commutative. */
hm_status_t hm_reduce_stretch(MPI_Comm comm, hm_stretch_t *stretch, hm_error_t *err);

/** The `count` costliest of all ranks' lists. */
hm_status_t hm_reduce_costly(MPI_Comm comm, hm_costly_t *costly, int count, hm_error_t *err);

#endif
