/** @file wait.c Waiting for requests without burning the core. */
#include "hm_cluster.h"

hm_status_t hm_wait(MPI_Request *request, const char *what, hm_error_t *err) {
    int done = 0;
    for (unsigned turns = 0; !done;) {
        hm_status_t status = hm_mpi_check(MPI_Test(request, &done, MPI_STATUS_IGNORE), what, err);
        if (status != HM_OK) {
            return status;
        }
        if (!done) {
            hm_idle(&turns);
        }
    }
    return HM_OK;
}

hm_status_t hm_wait_all(int count, MPI_Request *requests, const char *what, hm_error_t *err) {
    /* Testing one request drives the progress of all, so one after the other loses nothing. */
    for (int i = 0; i < count; ++i) {
        hm_status_t status = hm_wait(&requests[i], what, err);
        if (status != HM_OK) {
            return status;
        }
    }
    return HM_OK;
}
