#include "check_file.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "hm_clock.h"
#include "hm_dataset.h"

/* Ranges of torn rows that are named. */
enum { MOST_RANGES = 8 };

/* Rows whose marks are held at a time. */
enum { PIECE_ROWS = 65536 };

typedef struct range_t {
    int64_t first, last;
} range_t;

/* What a rank found in its share of the rows. */
typedef struct share_t {
    hm_verified_t verified;
    int64_t ranges; /* of torn rows; those beyond MOST_RANGES are counted only */
    int64_t last;   /* row of the last one */
    range_t range[MOST_RANGES];
} share_t;

static void note_torn(share_t *share, int64_t row) {
    if (share->ranges == 0 || share->last + 1 != row) {
        if (share->ranges < MOST_RANGES) {
            share->range[share->ranges].first = row;
        }
        ++share->ranges;
    }
    if (share->ranges <= MOST_RANGES) {
        share->range[share->ranges - 1].last = row;
    }
    share->last = row;
}

/* Verifies rows [first, end) of an open file. */
static hm_status_t verify(hm_reader_t *reader, int64_t first, int64_t end, share_t *share,
                          hm_error_t *err) {
    hm_status_t status = HM_OK;
    uint8_t *good = malloc(PIECE_ROWS);
    uint8_t *done = malloc(PIECE_ROWS);
    if (!good || !done) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory"));
    }
    for (int64_t row = first; row < end; row += PIECE_ROWS) {
        const int64_t n = end - row < PIECE_ROWS ? end - row : PIECE_ROWS;
        HM_TRY(hm_reader_done(reader, row, n, done, err));
        HM_TRY(hm_reader_verify(reader, row, n, good, &share->verified, err));
        for (int64_t i = 0; i < n; ++i) {
            if (done[i] == 1 && !good[i]) {
                note_torn(share, row + i);
            }
        }
    }
cleanup:
    free(good);
    free(done);
    return status;
}

/* --- rank 0 says what there is
 * ------------------------------------------------------------------- */

static hm_status_t print_history(hm_reader_t *reader, hm_error_t *err) {
    hm_session_t *sessions = NULL;
    int count = 0;
    const hm_status_t status = hm_reader_history(reader, &sessions, &count, err);
    for (int i = 0; status == HM_OK && i < count; ++i) {
        const hm_session_t *s = &sessions[i];
        printf("# session %d: %s on %s, version %s, %d rank%s x %d thread%s, strategy %s, %" PRId64
               " rows before",
               i + 1, s->start, s->host, s->version, (int)s->ranks, s->ranks == 1 ? "" : "s",
               (int)s->threads, s->threads == 1 ? "" : "s", s->strategy, s->rows_before);
        if (s->ended[0]) {
            printf(", %.3f s: %s\n", s->seconds, s->ended);
        } else {
            printf(": never ended\n");
        }
    }
    free(sessions);
    return status;
}

static hm_status_t print_origin(const char *path, hm_reader_t *reader, hm_error_t *err) {
    hm_status_t status = HM_OK;
    char *configuration = NULL;
    HM_TRY(hm_reader_configuration(reader, &configuration, err));
    printf("# configuration of %s\n%s\n", path, configuration);
    HM_TRY(print_history(reader, err));
cleanup:
    free(configuration);
    return status;
}

/* "3, 5 to 9 and 4 more places" */
static void name_torn(const share_t *all, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (int64_t i = 0; i < all->ranges && i < MOST_RANGES && used < size; ++i) {
        const range_t *range = &all->range[i];
        const int n =
            range->first == range->last
                ? snprintf(text + used, size - used, "%s%" PRId64, i ? ", " : "", range->first)
                : snprintf(text + used, size - used, "%s%" PRId64 " to %" PRId64, i ? ", " : "",
                           range->first, range->last);
        used += n > 0 ? (size_t)n : 0;
    }
    if (all->ranges > MOST_RANGES && used < size) {
        snprintf(text + used, size - used, ", and %" PRId64 " more places",
                 all->ranges - MOST_RANGES);
    }
}

/* Is what the file says what all ranks found in it? */
static hm_status_t judge(const char *path, const hm_dataset_info_t *info, const share_t *all,
                         hm_error_t *err) {
    const hm_verified_t *found = &all->verified;
    const hm_dataset_result_t *said = &info->result;
    if (found->torn > 0) {
        char torn[256];
        name_torn(all, torn, sizeof torn);
        return hm_error_set(err, HM_EDATA,
                            "'%s': %" PRId64
                            " row%s, counted from 0, without the data that their checksums "
                            "say: %s; %s",
                            path, found->torn, found->torn == 1 ? " is" : "s are", torn,
                            said->complete ? "it must be computed anew, with --overwrite"
                                           : "--resume computes them again");
    }
    if (!said->complete) {
        printf("# incomplete: what is done is true; go on with --resume\n");
        return HM_OK;
    }
    if (found->good != info->grid.height) {
        return hm_error_set(err, HM_EDATA,
                            "'%s': it says that it is complete, but %" PRId64
                            " rows are not marked done",
                            path, info->grid.height - found->good);
    }
    if (found->crc32 != said->crc32) {
        return hm_error_set(err, HM_EDATA, "'%s': it says crc32 %08" PRIx32 ", its data %08" PRIx32,
                            path, said->crc32, found->crc32);
    }
    if (found->sum != said->sum || found->inside != said->inside) {
        return hm_error_set(err, HM_EDATA,
                            "'%s': it says sum %" PRIu64 " and inside %" PRIu64
                            ", its data %" PRIu64 " and %" PRIu64,
                            path, said->sum, said->inside, found->sum, found->inside);
    }
    printf("# true: every row has its checksum, and sum, inside and crc32 are those of the data\n");
    return HM_OK;
}

/* Adds up what the ranks found; their shares follow each other. */
static void add_up(const share_t *share, const int64_t *rows, int ranks, int64_t row_bytes,
                   share_t *all) {
    *all = (share_t){.ranges = 0};
    for (int r = 0; r < ranks; ++r) {
        const hm_verified_t *v = &share[r].verified;
        all->verified.good += v->good;
        all->verified.torn += v->torn;
        all->verified.sum += v->sum;
        all->verified.inside += v->inside;
        all->verified.crc32 =
            (uint32_t)crc32_combine(all->verified.crc32, v->crc32, (z_off_t)(rows[r] * row_bytes));
        for (int64_t i = 0; i < share[r].ranges; ++i) {
            if (i < MOST_RANGES && all->ranges < MOST_RANGES) {
                all->range[all->ranges] = share[r].range[i];
            }
            ++all->ranges;
        }
    }
}

/* --- all ranks
 * ----------------------------------------------------------------------------------- */

/* Opens the file and verifies this rank's share. Not collective. */
static hm_status_t take_share(const hm_cluster_t *cluster, const char *path, hm_reader_t **reader,
                              hm_dataset_info_t *info, share_t *share, hm_error_t *err) {
    hm_status_t status = HM_OK;
    HM_TRY(hm_reader_open(path, reader, info, err));
    const int64_t height = info->grid.height;
    status = cluster->rank == 0 ? print_origin(path, *reader, err) : HM_OK;
    if (status == HM_OK) {
        status = verify(*reader, height * cluster->rank / cluster->size,
                        height * (cluster->rank + 1) / cluster->size, share, err);
    }
    if (status != HM_OK) {
        (void)hm_error_context(err, "'%s'", path);
    }
cleanup:
    return status;
}

static hm_status_t gather(const hm_cluster_t *cluster, const share_t *mine, share_t *all,
                          hm_error_t *err) {
    hm_status_t status = HM_OK;
    MPI_Request request = MPI_REQUEST_NULL;
    HM_TRY(hm_mpi_check(MPI_Igather(mine, (int)sizeof *mine, MPI_BYTE, all, (int)sizeof *mine,
                                    MPI_BYTE, 0, cluster->comm, &request),
                        "gathering what the ranks found", err));
    HM_TRY(hm_wait(&request, "gathering what the ranks found", err));
cleanup:
    return status;
}

/* Rank 0 has everybody's share. */
static hm_status_t conclude(const hm_cluster_t *cluster, const char *path,
                            const hm_dataset_info_t *info, const share_t *shares, int64_t *rows,
                            double seconds, hm_error_t *err) {
    const int64_t height = info->grid.height;
    const int64_t row_bytes = info->grid.width * (int64_t)sizeof(uint32_t);
    share_t all;
    for (int r = 0; r < cluster->size; ++r) {
        rows[r] = height * (r + 1) / cluster->size - height * r / cluster->size;
    }
    add_up(shares, rows, cluster->size, row_bytes, &all);
    printf("# checked by %d rank%s in %.3f s\n", cluster->size, cluster->size == 1 ? "" : "s",
           seconds);
    printf("# rows %" PRId64 " of %" PRId64 " done\n", info->rows_done, height);
    if (info->result.complete) {
        printf("# sum %" PRIu64 "\n# inside %" PRIu64 "\n# crc32 %08" PRIx32 "\n", all.verified.sum,
               all.verified.inside, all.verified.crc32);
    }
    return judge(path, info, &all, err);
}

hm_status_t check_file(const hm_context_t *context, const char *path) {
    const hm_cluster_t *cluster = context->cluster;
    const double begin = hm_clock_now();
    hm_error_t err = HM_ERROR_NONE;
    hm_reader_t *reader = NULL;
    hm_dataset_info_t info;
    share_t mine = {.ranges = 0};
    share_t *shares = NULL;
    int64_t *rows = NULL;
    hm_status_t status = take_share(cluster, path, &reader, &info, &mine, &err);
    if (status == HM_OK && cluster->rank == 0) {
        shares = calloc((size_t)cluster->size, sizeof *shares);
        rows = calloc((size_t)cluster->size, sizeof *rows);
        if (!shares || !rows) {
            status = hm_error_set(&err, HM_EMISSING, "out of memory for %d ranks", cluster->size);
        }
    }
    HM_TRY(hm_meet(context, status, &err));
    HM_TRY(hm_meet(context, gather(cluster, &mine, shares, &err), &err));
    if (cluster->rank == 0) {
        status = conclude(cluster, path, &info, shares, rows, hm_clock_now() - begin, &err);
    }
    HM_TRY(hm_meet(context, status, &err));
cleanup:
    free(shares);
    free(rows);
    hm_reader_close(reader);
    return status;
}
