/**
 * @file mpi_runner.h
 * What CUnit programs under mpirun share. All ranks run all cases in step; rank 0 prints. A case
 * brings each rank's finding to all ranks (everywhere()) and asserts that, so that all ranks count
 * the same failures.
 */
#ifndef HM_TEST_MPI_RUNNER_H
#define HM_TEST_MPI_RUNNER_H

#include <mpi.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "hm_cluster.h"
#include "runner.h"

/* For what hangs: 30 times what the longest takes on two processors that have nothing else to do.
 */
enum { HM_MPI_CASES_SECONDS = 900 };

/** Collective over MPI_COMM_WORLD: whether `here` holds on every rank. */
static inline bool everywhere(bool here) {
    int mine = here;
    int all = 0;
    MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_LAND, MPI_COMM_WORLD);
    return all != 0;
}

/** For main: as hm_run_cases(), between hm_mpi_start() and hm_mpi_end(): they, and what they bring
 * along, make ranks that wait give way. A program that hangs is ended. */
static inline int hm_run_mpi_cases(int *argc, char ***argv, const char *suite,
                                   const hm_case_t *cases) {
    int rank = 0;
    alarm(HM_MPI_CASES_SECONDS);
    if (hm_mpi_start(argc, argv) != MPI_SUCCESS) {
        return 1;
    }
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (rank != 0 && freopen("/dev/null", "w", stdout) == NULL) {
        return 1;
    }
    int result = hm_run_cases(suite, cases);
    fflush(stdout);
    hm_mpi_end();
    return result;
}

#endif
