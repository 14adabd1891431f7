/** @file together.c See hm_together.h. */
#include "hm_together.h"

#include <stdio.h>

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
