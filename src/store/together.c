/** @file together.c See together.h. */
#include "together.h"

hm_status_t hm_together(MPI_Comm comm, hm_status_t mine, hm_error_t *err) {
    int size = 1;
    int here = (int)mine;
    int worst = here;
    if (MPI_Comm_size(comm, &size) != MPI_SUCCESS) {
        return hm_error_set(err, HM_EBUG, "no communicator");
    }
    if (size > 1 && MPI_Allreduce(&here, &worst, 1, MPI_INT, MPI_MAX, comm) != MPI_SUCCESS) {
        return hm_error_set(err, HM_EIO, "cannot agree with the other ranks");
    }
    if (mine == HM_OK && worst != (int)HM_OK) {
        return hm_error_set(err, (hm_status_t)worst, "another rank failed");
    }
    return mine;
}
