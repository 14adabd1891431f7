/* A rank that gets no memory: all ranks leave with the same failure, none waits. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "hm_cluster.h"
#include "hm_tally.h"
#include "mpi_runner.h"

/* The C library's own. NOLINTBEGIN: its names. */
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
/* NOLINTEND */

/* How many requests are still granted on this rank; below 0: all. */
static int granted = -1;

static bool denied(void) {
    if (granted < 0) {
        return false;
    }
    if (granted-- > 0) {
        return false;
    }
    errno = ENOMEM;
    return true;
}

/* In place of the C library's, for all of the program. NOLINTBEGIN: its parameters' names. */
void *malloc(size_t bytes) {
    return denied() ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes) {
    return denied() ? NULL : __libc_calloc(count, bytes);
}
/* NOLINTEND */

/* The last rank gets nothing when it asks for the `nth` time, from 0. */
static void starve(int rank, int size, int nth) {
    granted = rank == size - 1 ? nth : -1;
}

static void test_cluster(void) {
    int rank = 0;
    int size = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    for (int nth = 0; nth < 2; ++nth) { /* the alarm, the node's memory */
        hm_cluster_t c = {.size = -1};
        hm_error_t err = HM_ERROR_NONE;
        starve(rank, size, nth);
        const hm_status_t status = hm_cluster_open(MPI_COMM_WORLD, &c, &err);
        CU_ASSERT(everywhere(granted == -1));
        CU_ASSERT(everywhere(status == HM_EMISSING && err.status == HM_EMISSING && c.size == -1));
    }
}

static void test_tally(void) {
    hm_cluster_t c;
    hm_error_t err = HM_ERROR_NONE;
    if (!everywhere(hm_cluster_open(MPI_COMM_WORLD, &c, &err) == HM_OK)) {
        CU_FAIL("no cluster");
        return;
    }
    for (int nth = 0; nth < 2; ++nth) { /* the tally, its nodes' figures */
        hm_tally_t *tally = NULL;
        starve(c.rank, c.size, nth);
        const hm_status_t status = hm_tally_open(&c, 100, HM_PROGRESS_NEVER, &tally, &err);
        CU_ASSERT(everywhere(granted == -1));
        CU_ASSERT(everywhere(status == HM_EMISSING && !tally));
    }
    hm_tally_t *tally = NULL;
    CU_ASSERT(everywhere(hm_tally_open(&c, 100, HM_PROGRESS_NEVER, &tally, &err) == HM_OK));
    hm_tally_close(tally);
    hm_cluster_close(&c);
}

int main(int argc, char **argv) {
    static const hm_case_t cases[] = {
        {"opening the cluster", test_cluster},
        {"opening the tally", test_tally},
        {NULL, NULL},
    };
    return hm_run_mpi_cases(&argc, &argv, "starved", cases);
}
