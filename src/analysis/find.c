/** @file find.c The search for points by all ranks, and its early stop. */
#include <stdlib.h>
#include <string.h>

#include "hm_find.h"
#include "hm_together.h"
#include "share.h"

enum { TAG = 22, PIECE = 1 << 20 };

/** A place, as it travels. */
typedef struct place_t {
    int64_t row, column;
} place_t;

/** A rank's search. */
typedef struct search_t {
    const hm_cluster_t *cluster;
    hm_reader_t *reader;
    const hm_dataset_info_t *info;
    const hm_expression_t *expression;
    int64_t limit;
    int64_t band;                    /**< rows in a band */
    void *channel[HM_CHANNEL_COUNT]; /**< [band][width], those needed */
    uint8_t *done;                   /**< [band] */
    uint8_t *true_;                  /**< [width] */
    double *re;                      /**< [width] */
    double *im;                      /**< [band] */
    place_t *place;                  /**< [count] found here */
    int64_t count, room;
    MPI_Request request; /**< of the round before: who found how much */
    int64_t sent[2], heard[2];
    int64_t total; /**< found by all in the rounds heard of */
    bool failed;   /**< by some rank */
} search_t;

static hm_status_t prepare(search_t *s, hm_error_t *err) {
    const int64_t width = s->info->grid.width;
    const uint32_t needed = hm_expression_channels(s->expression);
    bool good = true;
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        if (!((needed >> channel) & 1u)) {
            continue;
        }
        if (!((s->info->channels >> channel) & 1u)) {
            return hm_error_set(err, HM_EDATA,
                                "the file has no channel %s, which the expression needs: render it "
                                "with --channels iterations,%s",
                                hm_channel_name((hm_channel_t)channel),
                                hm_channel_name((hm_channel_t)channel));
        }
        s->channel[channel] = hm_reader_room((size_t)(s->band * width) * sizeof(uint32_t));
        good = good && s->channel[channel];
    }
    s->done = malloc((size_t)s->band);
    s->im = malloc((size_t)s->band * sizeof *s->im);
    s->true_ = malloc((size_t)width);
    s->re = malloc((size_t)width * sizeof *s->re);
    if (!good || !s->done || !s->im || !s->true_ || !s->re) {
        return hm_error_set(err, HM_EMISSING, "out of memory for a row of %lld points",
                            (long long)width);
    }
    hm_grid_re(&s->info->grid, 0, width, s->re);
    return HM_OK;
}

static void release(search_t *s) {
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        free(s->channel[channel]);
    }
    free(s->done);
    free(s->im);
    free(s->true_);
    free(s->re);
    free(s->place);
}

static hm_status_t keep(search_t *s, int64_t row, int64_t column, hm_error_t *err) {
    if (s->count == s->room) {
        const int64_t room = 2 * s->room + 64;
        place_t *grown = realloc(s->place, (size_t)room * sizeof *grown);
        if (!grown) {
            return hm_error_set(err, HM_EMISSING, "out of memory for %lld hits", (long long)room);
        }
        s->place = grown;
        s->room = room;
    }
    s->place[s->count++] = (place_t){row, column};
    return HM_OK;
}

/** What has been heard of the round before, if it is complete; with `wait` it will be. */
static hm_status_t hear(search_t *s, bool wait, hm_error_t *err) {
    hm_status_t status = HM_OK;
    int complete = 0;
    if (s->request == MPI_REQUEST_NULL) {
        return HM_OK;
    }
    if (wait) {
        HM_TRY(hm_wait(&s->request, "hearing of the other ranks' hits", err));
        complete = 1;
    } else {
        HM_TRY(hm_mpi_check(MPI_Test(&s->request, &complete, MPI_STATUS_IGNORE),
                            "hearing of the other ranks' hits", err));
    }
    if (complete) {
        s->total += s->heard[0];
        s->failed = s->failed || s->heard[1] > 0;
    }
cleanup:
    return status;
}

static bool enough(const search_t *s) {
    return s->failed || s->total >= s->limit;
}

/** Adds a row's hits; no more than `limit` can be needed of one rank. */
static hm_status_t search_row(search_t *s, int64_t first, int64_t index, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const int64_t width = s->info->grid.width;
    hm_points_t points = {.row = first + index,
                          .count = width,
                          .im = s->im[index],
                          .re = s->re,
                          .max_iter = s->info->formula.max_iter};
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        if (s->channel[channel]) {
            points.channel[channel] = (uint32_t *)s->channel[channel] + index * width;
        }
    }
    hm_expression_evaluate(s->expression, &points, s->true_);
    const uint8_t *next = s->true_;
    while (s->count < s->limit &&
           (next = memchr(next, 1, (size_t)(s->true_ + width - next))) != NULL) {
        HM_TRY(keep(s, first + index, next - s->true_, err));
        ++next;
    }
cleanup:
    return status;
}

/** Searches rows [first, first + rows), or fewer when it is heard that others have enough. */
static hm_status_t search_band(search_t *s, int64_t first, int64_t rows, hm_error_t *err) {
    hm_status_t status = HM_OK;
    HM_TRY(hm_reader_done(s->reader, first, rows, s->done, err));
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        if (s->channel[channel]) {
            HM_TRY(hm_reader_rows(s->reader, (hm_channel_t)channel, first, rows,
                                  s->channel[channel], err));
        }
    }
    hm_grid_im(&s->info->grid, first, rows, s->im);
    for (int64_t i = 0; i < rows && !enough(s) && s->count < s->limit; ++i) {
        if (s->done[i] == 1) {
            HM_TRY(search_row(s, first, i, err));
        }
        HM_TRY(hear(s, false, err));
    }
cleanup:
    return status;
}

/** Rounds of a band a rank until there is enough. All ranks leave after the same round. */
static hm_status_t search_rounds(search_t *s, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const int64_t height = s->info->grid.height;
    const int64_t size = s->cluster->size;
    const int64_t bands = (height + s->band - 1) / s->band;
    for (int64_t round = 0; round * size < bands && !enough(s); ++round) {
        const int64_t before = s->count;
        const int64_t first = (round * size + s->cluster->rank) * s->band;
        if (first < height && status == HM_OK) {
            const int64_t rows = height - first < s->band ? height - first : s->band;
            status = search_band(s, first, rows, err);
        }
        const hm_status_t heard = hear(s, true, status == HM_OK ? err : NULL);
        status = status == HM_OK ? heard : status;
        s->sent[0] = s->count - before;
        s->sent[1] = status != HM_OK;
        if (!enough(s)) {
            const hm_status_t told =
                hm_mpi_check(MPI_Iallreduce(s->sent, s->heard, 2, MPI_INT64_T, MPI_SUM,
                                            s->cluster->comm, &s->request),
                             "telling the other ranks of hits", status == HM_OK ? err : NULL);
            status = status == HM_OK ? told : status;
        }
    }
    const hm_status_t heard = hear(s, true, status == HM_OK ? err : NULL);
    return status == HM_OK ? heard : status;
}

static int by_place(const void *a, const void *b) {
    const place_t *x = a;
    const place_t *y = b;
    if (x->row != y->row) {
        return x->row < y->row ? -1 : 1;
    }
    return x->column < y->column ? -1 : x->column > y->column;
}

/** The places of all ranks to rank 0, the first `limit` in order. Collective. */
static hm_status_t gather(search_t *s, hm_error_t *err) {
    hm_status_t status = HM_OK;
    int64_t most = s->count;
    const bool root = s->cluster->rank == 0;
    HM_TRY(hm_mpi_check(MPI_Allreduce(&s->count, &most, 1, MPI_INT64_T, MPI_MAX, s->cluster->comm),
                        "gathering the hits", err));
    if (root) {
        /* `limit` from before and `most` from the next rank. */
        place_t *grown =
            realloc(s->place, (size_t)(s->limit + most + s->count + 1) * sizeof *grown);
        s->place = grown ? grown : s->place;
        status = grown ? HM_OK : hm_error_set(err, HM_EMISSING, "out of memory for the hits");
    }
    HM_TRY(hm_together(s->cluster->comm, status, err));
    if (!root) {
        HM_TRY(hm_mpi_check(
            MPI_Send(s->place, (int)(2 * s->count), MPI_INT64_T, 0, TAG, s->cluster->comm),
            "gathering the hits", err));
    }
    for (int from = 1; root && from < s->cluster->size; ++from) {
        MPI_Status about;
        int words = 0;
        HM_TRY(hm_mpi_check(MPI_Recv(s->place + s->count, (int)(2 * most), MPI_INT64_T, from, TAG,
                                     s->cluster->comm, &about),
                            "gathering the hits", err));
        MPI_Get_count(&about, MPI_INT64_T, &words);
        s->count += words / 2;
        qsort(s->place, (size_t)s->count, sizeof *s->place, by_place);
        s->count = s->count < s->limit ? s->count : s->limit;
    }
cleanup:
    return status;
}

/** All that the file has at a place. */
static hm_status_t describe(const search_t *s, place_t place, hm_hit_t *hit, hm_error_t *err) {
    hm_status_t status = HM_OK;
    void *const into[HM_CHANNEL_COUNT] = {&hit->iterations, &hit->smooth, &hit->distance,
                                          &hit->period};
    hit->row = place.row;
    hit->column = place.column;
    hit->re = s->re[place.column];
    hm_grid_im(&s->info->grid, place.row, 1, &hit->im);
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        if ((s->info->channels >> channel) & 1u) {
            HM_TRY(hm_reader_part(s->reader, (hm_channel_t)channel, place.row, 1, place.column, 1,
                                  into[channel], err));
        }
    }
cleanup:
    return status;
}

static hm_status_t describe_all(const search_t *s, hm_hits_t *hits, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_hit_t *hit = calloc((size_t)s->count + 1, sizeof *hit);
    if (!hit) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for %lld hits", (long long)s->count));
    }
    for (int64_t i = 0; i < s->count; ++i) {
        HM_TRY(describe(s, s->place[i], &hit[i], err));
    }
    hits->hit = hit;
    hits->count = s->count;
    hit = NULL;
cleanup:
    free(hit);
    return status;
}

hm_status_t hm_find(const hm_cluster_t *cluster, const char *path,
                    const hm_expression_t *expression, int64_t limit, hm_hits_t *hits,
                    hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_dataset_info_t info;
    search_t s = {.cluster = cluster,
                  .info = &info,
                  .expression = expression,
                  .limit = limit,
                  .request = MPI_REQUEST_NULL};
    status = hm_reader_open(path, &s.reader, &info, err);
    if (status == HM_OK) {
        s.band = hm_share_piece(info.grid.width);
        status = prepare(&s, err);
    }
    HM_TRY(hm_together(cluster->comm, status, err));
    status = search_rounds(&s, err);
    HM_TRY(hm_together(cluster->comm, status, err));
    HM_TRY(gather(&s, err));
    status = cluster->rank == 0 ? describe_all(&s, hits, err) : HM_OK;
    HM_TRY(hm_together(cluster->comm, status, err));
    hits->info = info;
    hits->all = s.total < limit;
cleanup:
    if (status != HM_OK && s.reader && err && err->text[0] != '\0') {
        (void)hm_error_context(err, "'%s'", path);
    }
    release(&s);
    hm_reader_close(s.reader);
    return status;
}
