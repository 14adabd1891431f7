/* export --frames: pictures of many files with one exposure. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export_tiles.h"
#include "hm_text.h"

enum { SAMPLE = 1 << 18, LONGEST_PATH = 4096 };

/* The pattern as what stands before and behind the number, and the number's least width. */
typedef struct pattern_t {
    int before; /* characters */
    int width;
    const char *behind;
} pattern_t;

/* Only %d and %0Nd; every other % would be read by printf. */
static hm_status_t parse_pattern(const char *text, pattern_t *pattern, hm_error_t *err) {
    const char *const percent = strchr(text, '%');
    pattern_t p = {0};
    if (percent) {
        const char *next = percent + 1;
        p.before = (int)(percent - text);
        if (next[0] == '0' && next[1] >= '1' && next[1] <= '9') {
            p.width = next[1] - '0';
            next += 2;
        }
        p.behind = next[0] == 'd' ? next + 1 : NULL;
    }
    if (!percent || !p.behind || strchr(p.behind, '%') || strlen(text) > LONGEST_PATH - 32) {
        return hm_error_set(err, HM_EUSAGE,
                            "frames: expected a name with one %%d, such as frame-%%04d.png, not "
                            "'%s'",
                            text);
    }
    *pattern = p;
    return HM_OK;
}

static void frame_path(const char *text, const pattern_t *pattern, int number, char *path) {
    snprintf(path, LONGEST_PATH, "%.*s%0*d%s", pattern->before, text, pattern->width, number,
             pattern->behind);
}

/* Points of this rank's files; those inside become what stands for not computed. */
static hm_status_t sample_mine(const hm_cluster_t *cluster, const char *const *paths, int count,
                               const export_look_t *options, uint32_t *sample, int *sampled,
                               hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_canvas_t *canvas = NULL;
    const hm_exposure_t any = {.knee = 1};
    const int64_t each = SAMPLE / count > 64 ? SAMPLE / count : 64;
    int found = 0;
    for (int k = cluster->rank; k < count && found + each <= SAMPLE; k += cluster->size) {
        hm_look_t look;
        hm_dataset_info_t info;
        int64_t here = 0;
        HM_TRY(export_look_resolve(options, paths[k], &look, err));
        look.exposure = &any;
        HM_TRY(hm_canvas_open(paths[k], &look, &canvas, &info, err));
        HM_TRY(hm_canvas_sample(canvas, each, sample + found, &here, err));
        hm_canvas_close(canvas);
        canvas = NULL;
        for (int64_t i = found; i < found + here; ++i) {
            sample[i] = sample[i] == info.formula.max_iter ? UINT32_MAX : sample[i];
        }
        found += (int)here;
    }
    *sampled = found;
cleanup:
    hm_canvas_close(canvas);
    return status;
}

/* All ranks' samples on rank 0, its measure for all. Collective. */
static hm_status_t measure(const hm_context_t *context, uint32_t *sample, int sampled,
                           hm_tone_t tone, hm_exposure_t *exposure) {
    const hm_cluster_t *const cluster = context->cluster;
    hm_error_t err = HM_ERROR_NONE;
    hm_status_t status = HM_OK;
    const bool collects = cluster->rank == 0;
    int *counts = NULL;
    int *places = NULL;
    uint32_t *all = NULL;
    hm_status_t mine = HM_OK;
    if (collects) {
        counts = calloc((size_t)cluster->size, sizeof *counts);
        places = calloc((size_t)cluster->size, sizeof *places);
        /* At most SAMPLE points come together: each file brings its share. */
        all = malloc((size_t)2 * SAMPLE * sizeof *all);
        mine = counts && places && all
                   ? HM_OK
                   : hm_error_set(&err, HM_EMISSING, "out of memory for a sample");
    }
    HM_TRY(hm_meet(context, mine, &err));
    MPI_Gather(&sampled, 1, MPI_INT, counts, 1, MPI_INT, 0, cluster->comm);
    int total = 0;
    for (int rank = 0; collects && rank < cluster->size; ++rank) {
        places[rank] = total;
        counts[rank] = counts[rank] < 2 * SAMPLE - total ? counts[rank] : 2 * SAMPLE - total;
        total += counts[rank];
    }
    /* What a rank may send, rank 0 has said. */
    MPI_Scatter(counts, 1, MPI_INT, &sampled, 1, MPI_INT, 0, cluster->comm);
    MPI_Gatherv(sample, sampled, MPI_UINT32_T, all, counts, places, MPI_UINT32_T, 0, cluster->comm);
    if (collects) {
        *exposure = tone == HM_TONE_EQUALIZED ? hm_exposure_equalize(all, total, UINT32_MAX)
                                              : hm_exposure_measure(all, total, UINT32_MAX);
    }
    MPI_Bcast(exposure, (int)sizeof *exposure, MPI_BYTE, 0, cluster->comm);
cleanup:
    free(counts);
    free(places);
    free(all);
    return status;
}

hm_status_t export_frames(const hm_context_t *context, const char *const *paths, int count,
                          const char *pattern, const export_look_t *options) {
    const hm_cluster_t *const cluster = context->cluster;
    hm_error_t err = HM_ERROR_NONE;
    hm_status_t status = HM_OK;
    hm_exposure_t exposure = {0};
    pattern_t parsed = {0};
    int sampled = 0;
    uint32_t *sample = malloc(SAMPLE * sizeof *sample);
    hm_status_t mine = parse_pattern(pattern, &parsed, &err);
    if (!sample) {
        mine = hm_error_set(&err, HM_EMISSING, "out of memory for a sample");
    }
    if (mine == HM_OK) {
        mine = sample_mine(cluster, paths, count, options, sample, &sampled, &err);
    }
    HM_TRY(hm_meet(context, mine, &err));
    HM_TRY(measure(context, sample, sampled, (hm_tone_t)options->tone, &exposure));
    for (int k = cluster->rank; mine == HM_OK && k < count; k += cluster->size) {
        char path[LONGEST_PATH];
        hm_look_t look;
        frame_path(pattern, &parsed, k, path);
        mine = export_look_resolve(options, paths[k], &look, &err);
        look.exposure = &exposure;
        if (mine == HM_OK) {
            mine = hm_picture_write(paths[k], path, &look, &err);
        }
    }
    HM_TRY(hm_meet(context, mine, &err));
cleanup:
    free(sample);
    return status;
}
