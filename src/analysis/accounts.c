/** @file accounts.c See accounts.h. */
#include "accounts.h"
#include "hm_together.h"

#include <stdbool.h>
#include <stdlib.h>

enum { PIECE = 4096, MOST_DOERS = 1 << 20 };

/** A piece of the tables. */
typedef struct piece_t {
    uint8_t done[PIECE];
    uint64_t work[PIECE];
    double seconds[PIECE];
    int32_t rank[PIECE];
} piece_t;

/** Calls `each` for every row of the share that is done. */
static hm_status_t walk(hm_reader_t *reader, hm_share_t share,
                        hm_status_t (*each)(void *context, const hm_costly_t *row, hm_error_t *err),
                        void *context, hm_error_t *err) {
    hm_status_t status = HM_OK;
    piece_t *piece = malloc(sizeof *piece);
    if (!piece) {
        return hm_error_set(err, HM_EMISSING, "out of memory for the rows' accounts");
    }
    const hm_row_accounts_t into = {
        .done = piece->done, .work = piece->work, .seconds = piece->seconds, .rank = piece->rank};
    for (int64_t first = share.first; first < share.end; first += PIECE) {
        const int64_t n = share.end - first < PIECE ? share.end - first : PIECE;
        HM_TRY(hm_reader_accounts(reader, first, n, &into, err));
        for (int64_t i = 0; i < n; ++i) {
            const hm_costly_t row = {piece->work[i], first + i, piece->rank[i], piece->seconds[i]};
            HM_TRY(piece->done[i] == 1 ? each(context, &row, err) : HM_OK);
        }
    }
cleanup:
    free(piece);
    return status;
}

/** Checks a row's account; *context is one more than the largest rank. */
static hm_status_t look(void *context, const hm_costly_t *row, hm_error_t *err) {
    int *doers = context;
    if (row->rank < 0 || row->rank >= MOST_DOERS) {
        return hm_error_set(err, HM_EDATA, "/rows/rank of row %lld is %lld: that cannot be",
                            (long long)row->row, (long long)row->rank);
    }
    if (!(row->seconds >= 0 && row->seconds < HM_MOST_SECONDS)) {
        return hm_error_set(err, HM_EDATA, "/rows/seconds of row %lld is %g: that is no time",
                            (long long)row->row, row->seconds);
    }
    *doers = row->rank < *doers ? *doers : (int)row->rank + 1;
    return HM_OK;
}

static hm_status_t add(void *context, const hm_costly_t *row, hm_error_t *err) {
    hm_accounts_t *a = context;
    (void)err;
    ++a->rows[row->rank];
    a->work[row->rank] += row->work;
    hm_wide_add_seconds(&a->time[row->rank], row->seconds);
    hm_costly_insert(a->costly, a->top, *row);
    return HM_OK;
}

static hm_status_t make(hm_accounts_t *a, int doers, int top, hm_error_t *err) {
    a->doers = doers;
    a->top = top;
    a->rows = calloc((size_t)doers + 1, sizeof *a->rows);
    a->work = calloc((size_t)doers + 1, sizeof *a->work);
    a->time = calloc((size_t)doers + 1, sizeof *a->time);
    a->costly = calloc((size_t)top + 1, sizeof *a->costly);
    if (!a->rows || !a->work || !a->time || !a->costly) {
        return hm_error_set(err, HM_EMISSING, "out of memory for the accounts of %d ranks", doers);
    }
    for (int i = 0; i < top; ++i) {
        a->costly[i].row = -1;
    }
    return HM_OK;
}

hm_status_t hm_accounts_read(const hm_cluster_t *cluster, hm_reader_t *reader, hm_share_t share,
                             int top, hm_accounts_t *accounts, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_accounts_t read = {0};
    int doers = 0;
    int most = 0;
    HM_TRY(hm_together(cluster->comm, walk(reader, share, look, &doers, err), err));
    HM_TRY(hm_mpi_check(MPI_Allreduce(&doers, &most, 1, MPI_INT, MPI_MAX, cluster->comm),
                        "counting the ranks of the run", err));
    status = make(&read, most, top, err);
    if (status == HM_OK) {
        status = walk(reader, share, add, &read, err);
    }
    HM_TRY(hm_together(cluster->comm, status, err));
    HM_TRY(hm_reduce_sums(cluster->comm, read.rows, read.doers, err));
    HM_TRY(hm_reduce_sums(cluster->comm, read.work, read.doers, err));
    HM_TRY(hm_reduce_wide(cluster->comm, read.time, read.doers, err));
    if (top > 0) {
        HM_TRY(hm_reduce_costly(cluster->comm, read.costly, top, err));
    }
    *accounts = read;
    read = (hm_accounts_t){0};
cleanup:
    hm_accounts_free(&read);
    return status;
}

void hm_accounts_free(hm_accounts_t *accounts) {
    free(accounts->rows);
    free(accounts->work);
    free(accounts->time);
    free(accounts->costly);
    *accounts = (hm_accounts_t){0};
}
