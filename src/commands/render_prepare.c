/* The file a render begins with: a new one, or one to go on with. */
#include <stdlib.h>
#include <unistd.h>

#include "render.h"

/* The done marks of the whole image, from every rank's share. Collective. */
static hm_status_t share_good(const hm_cluster_t *cluster, int64_t height, const uint8_t *mine,
                              const render_before_t *before, uint8_t *good, int64_t *torn,
                              hm_error_t *err) {
    hm_status_t status = HM_OK;
    int *count = malloc((size_t)cluster->size * sizeof *count);
    int *place = malloc((size_t)cluster->size * sizeof *place);
    bool speaker = false;
    if (!count || !place) {
        status = hm_error_set(err, HM_EMISSING, "out of memory for %d ranks", cluster->size);
    }
    HM_TRY(hm_agree(cluster, status, err, &speaker));
    for (int r = 0; r < cluster->size; ++r) {
        place[r] = (int)(height * r / cluster->size);
        count[r] = (int)(height * (r + 1) / cluster->size) - place[r];
    }
    MPI_Request request = MPI_REQUEST_NULL;
    HM_TRY(hm_mpi_check(MPI_Iallgatherv(mine, (int)before->rows, MPI_UINT8_T, good, count, place,
                                        MPI_UINT8_T, cluster->comm, &request),
                        "gathering the rows that are done", err));
    HM_TRY(hm_wait(&request, "gathering the rows that are done", err));
    HM_TRY(hm_most(cluster, before->mine.torn > 0, torn, err));
cleanup:
    free(count);
    free(place);
    return status;
}

/* This rank's share of the rows, read and compared with their checksums. */
static hm_status_t verify_share(const char *path, const render_before_t *before, uint8_t *mine,
                                hm_verified_t *verified, hm_error_t *err) {
    hm_reader_t *reader = NULL;
    hm_dataset_info_t info;
    if (before->rows == 0) {
        return HM_OK;
    }
    hm_status_t status = hm_reader_open(path, &reader, &info, err);
    if (status == HM_OK) {
        status = hm_reader_verify(reader, before->first, before->rows, mine, verified, err);
    }
    hm_reader_close(reader);
    return status;
}

static hm_status_t verify(const hm_context_t *context, const char *path, int64_t height,
                          render_before_t *before) {
    const hm_cluster_t *cluster = context->cluster;
    hm_error_t err = HM_ERROR_NONE;
    before->first = height * cluster->rank / cluster->size;
    before->rows = height * (cluster->rank + 1) / cluster->size - before->first;
    before->good = calloc((size_t)height, 1);
    uint8_t *mine = calloc((size_t)before->rows + 1, 1);
    hm_status_t status = HM_OK;
    if (!before->good || !mine) {
        status = hm_error_set(&err, HM_EMISSING, "out of memory for %lld rows", (long long)height);
    } else {
        status = verify_share(path, before, mine, &before->mine, &err);
    }
    HM_TRY(hm_meet(context, status, &err));
    int64_t torn = 0;
    HM_TRY(hm_meet(context, share_good(cluster, height, mine, before, before->good, &torn, &err),
                   &err));
    before->torn = torn != 0;
cleanup:
    free(mine);
    return status;
}

/* Rank 0: goes on with the file, or makes it. */
static hm_status_t begin_file(const char *path, const hm_dataset_plan_t *plan, bool resume,
                              render_before_t *before, hm_error_t *err) {
    if (resume && access(path, F_OK) == 0) {
        before->resumed = true;
        hm_status_t status = hm_dataset_resume(path, plan, &before->info, err);
        before->complete = status == HM_OK && before->info.result.complete;
        return status;
    }
    return hm_dataset_create(path, plan, err);
}

hm_status_t render_prepare(const hm_context_t *context, const char *path,
                           const hm_dataset_plan_t *plan, bool resume, render_before_t *before) {
    const hm_cluster_t *cluster = context->cluster;
    hm_error_t err = HM_ERROR_NONE;
    render_before_t b = {.resumed = false};
    hm_status_t status = HM_OK;
    if (cluster->rank == 0) {
        status = begin_file(path, plan, resume, &b, &err);
    }
    HM_TRY(hm_meet(context, status, &err));
    int64_t found = 0;
    status = hm_most(cluster, b.complete ? 2 : b.resumed ? 1 : 0, &found, &err);
    HM_TRY(hm_meet(context, status, &err));
    b.resumed = found >= 1;
    b.complete = found == 2;
    if (b.resumed && !b.complete) {
        HM_TRY(verify(context, path, plan->grid.height, &b));
    }
    *before = b;
cleanup:
    if (status != HM_OK) {
        free(b.good);
    }
    return status;
}

void render_before_free(render_before_t *before) {
    free(before->good);
    before->good = NULL;
}

hm_status_t render_unmark_torn(const render_before_t *before, int64_t height, hm_dataset_t *dataset,
                               hm_error_t *err) {
    for (int64_t row = 0; before->torn && row < height;) {
        int64_t end = row;
        while (end < height && !before->good[end]) {
            ++end;
        }
        if (end > row) {
            hm_status_t status = hm_dataset_unmark(dataset, row, end - row, err);
            if (status != HM_OK) {
                return status;
            }
        }
        row = end + 1;
    }
    return HM_OK;
}
