/** @file together.c See hm_together.h. */
#include "hm_together.h"

#include <stdio.h>
#include <time.h>

#include "hm_clock.h"
#include "hm_log.h"

/* Seconds that a rank that failed waits for the others. */
static const double PATIENCE = 30;

/** What a rank tells the others of its failure. */
typedef struct notice_t {
    int status;
    char text[HM_ERROR_TEXT];
} notice_t;

hm_status_t hm_together(MPI_Comm comm, hm_status_t mine, hm_error_t *err) {
    int size = 1;
    int rank = 0;
    if (MPI_Comm_size(comm, &size) != MPI_SUCCESS || MPI_Comm_rank(comm, &rank) != MPI_SUCCESS) {
        return hm_error_set(err, HM_EBUG, "no communicator");
    }
    int failed = mine == HM_OK ? size : rank;
    int first = failed;
    if (size > 1 && MPI_Allreduce(&failed, &first, 1, MPI_INT, MPI_MIN, comm) != MPI_SUCCESS) {
        return hm_error_set(err, HM_EIO, "cannot agree with the other ranks");
    }
    if (first == size || size == 1) {
        return mine;
    }
    notice_t notice = {.status = (int)mine};
    if (rank == first && err) {
        snprintf(notice.text, sizeof notice.text, "%s", err->text);
    }
    if (MPI_Bcast(&notice, (int)sizeof notice, MPI_BYTE, first, comm) != MPI_SUCCESS) {
        return hm_error_set(err, HM_EIO, "cannot agree with the other ranks");
    }
    return mine != HM_OK ? mine : hm_error_set(err, (hm_status_t)notice.status, "%s", notice.text);
}

void hm_together_after(MPI_Comm comm, hm_status_t mine, const hm_error_t *err) {
    const struct timespec nap = {.tv_nsec = 1000000};
    const double start = hm_clock_now();
    MPI_Request request = MPI_REQUEST_NULL;
    int all_here = 0;
    if (MPI_Ibarrier(comm, &request) != MPI_SUCCESS) {
        return;
    }
    if (mine == HM_OK) {
        (void)MPI_Wait(&request, MPI_STATUS_IGNORE);
        return;
    }
    while (MPI_Test(&request, &all_here, MPI_STATUS_IGNORE) == MPI_SUCCESS && !all_here) {
        if (hm_clock_now() - start > PATIENCE) {
            hm_log_error(err);
            MPI_Abort(MPI_COMM_WORLD, (int)mine);
        }
        nanosleep(&nap, NULL);
    }
}
