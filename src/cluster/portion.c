/** @file portion.c Cutting bands into portions. */
#include "portion.h"

#include <stdlib.h>

/* The size of the portion number `number` that starts where `left` bands are left; `batch` is what
 * was left at the beginning of its batch of `takers` portions. */
static int64_t portion_size(hm_portion_t kind, int64_t takers, int64_t left, int64_t batch) {
    switch (kind) {
    case HM_PORTION_GUIDED:
        return (left + 2 * takers - 1) / (2 * takers);
    case HM_PORTION_FACTORING:
        return (batch + 2 * takers - 1) / (2 * takers);
    case HM_PORTION_AUTO:
    case HM_PORTION_FIXED:
    default:
        return 1;
    }
}

/* Fills first[0 .. count] if it is not NULL; returns the count. */
static int64_t cut(hm_portion_t kind, int64_t bands, int64_t takers, int64_t least,
                   int64_t *first) {
    int64_t count = 0;
    int64_t batch = bands;
    for (int64_t place = 0; place < bands; ++count) {
        if (count % takers == 0) {
            batch = bands - place;
        }
        int64_t size = portion_size(kind, takers, bands - place, batch);
        size = size > least ? size : least;
        size = size < bands - place ? size : bands - place;
        if (first != NULL) {
            first[count] = place;
        }
        place += size;
    }
    if (first != NULL) {
        first[count] = bands;
    }
    return count;
}

hm_status_t hm_portions_make(hm_portion_t kind, const hm_job_t *job, int takers, int64_t least,
                             hm_portions_t *portions, hm_error_t *err) {
    hm_portions_t p = {.count = cut(kind, job->bands, takers, least, NULL)};
    p.first = malloc(((size_t)p.count + 1) * sizeof *p.first);
    if (p.first == NULL) {
        return hm_error_set(err, HM_EMISSING, "out of memory for %lld portions",
                            (long long)p.count);
    }
    cut(kind, job->bands, takers, least, p.first);
    *portions = p;
    return HM_OK;
}

void hm_portions_free(hm_portions_t *portions) {
    free(portions->first);
    free(portions->order);
    *portions = (hm_portions_t){0};
}
