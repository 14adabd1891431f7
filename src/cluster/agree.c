/** @file agree.c Agreement on errors, and MPI's errors in this program's terms. */
#include <string.h>

#include "gravity.h"
#include "hm_cluster.h"

hm_status_t hm_mpi_check(int code, const char *what, hm_error_t *err) {
    if (code == MPI_SUCCESS) {
        return HM_OK;
    }
    int class = MPI_ERR_OTHER;
    int length = 0;
    char text[MPI_MAX_ERROR_STRING + 1] = "";
    MPI_Error_class(code, &class);
    if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) {
        length = 0;
    }
    text[length] = '\0';
    for (char *c = text; *c != '\0'; ++c) {
        *c = *c == '\n' ? ' ' : *c; /* a message is one line */
    }
    switch (class) {
    case MPI_ERR_NO_MEM:
        return hm_error_set(err, HM_EMISSING, "%s: MPI is out of memory: %s", what, text);
    case MPI_ERR_ARG:
    case MPI_ERR_BUFFER:
    case MPI_ERR_COMM:
    case MPI_ERR_COUNT:
    case MPI_ERR_DISP:
    case MPI_ERR_GROUP:
    case MPI_ERR_INTERN:
    case MPI_ERR_OP:
    case MPI_ERR_RANK:
    case MPI_ERR_REQUEST:
    case MPI_ERR_ROOT:
    case MPI_ERR_TAG:
    case MPI_ERR_TRUNCATE:
    case MPI_ERR_TYPE:
    case MPI_ERR_WIN:
        return hm_error_set(err, HM_EBUG, "%s: MPI refuses the call: %s", what, text);
    default:
        return hm_error_set(err, HM_EIO, "%s: MPI failed: %s", what, text);
    }
}

/*
 * One reduction settles status and speaker: the maximum of (gravity, lowest rank, status) packed
 * into one number, the rank counted down so that the lowest wins.
 */
hm_status_t hm_agree(const hm_cluster_t *cluster, hm_status_t mine, hm_error_t *err,
                     bool *speaker) {
    const int64_t rank_steps = (int64_t)1 << 32;
    int64_t packed = (int64_t)hm_gravity_class(mine) * rank_steps * HM_GRAVITY_STEP +
                     (int64_t)(cluster->size - cluster->rank) * HM_GRAVITY_STEP + (int64_t)mine;
    int64_t gravest = packed;
    hm_error_t failure = HM_ERROR_NONE;
    hm_status_t status = hm_most(cluster, packed, &gravest, &failure);
    if (status != HM_OK) {
        /* The ranks cannot hear each other any more: each speaks for itself. */
        *speaker = true;
        if (mine != HM_OK) {
            return mine;
        }
        return hm_error_set(err, status, "%s", failure.text);
    }
    status = (hm_status_t)(gravest % HM_GRAVITY_STEP);
    *speaker = status != HM_OK && packed == gravest;
    if (err != NULL && !*speaker) {
        err->status = status;
        err->text[0] = '\0';
    }
    return status;
}
