/** @file portion.c The strategies' decisions: cutting bands into portions and parts. */
#include "hm_portion.h"

#include <stdlib.h>

/* What a cut depends on. */
typedef struct cut_t {
    hm_portion_t kind;
    int64_t bands, takers, least;
} cut_t;

static int64_t share_of(const cut_t *c, int64_t left) {
    return (left + 2 * c->takers - 1) / (2 * c->takers);
}

/* The size of a portion that starts where `left` bands are left; `batch` is what was left at the
 * beginning of its batch of `takers` portions. */
static int64_t portion_size(const cut_t *c, int64_t left, int64_t batch) {
    int64_t size = 1;
    if (c->kind == HM_PORTION_GUIDED) {
        size = share_of(c, left);
    } else if (c->kind == HM_PORTION_FACTORING) {
        size = share_of(c, batch);
    } else if (c->kind == HM_PORTION_AUTO) {
        const int64_t most = c->bands / (16 * c->takers);
        size = share_of(c, left);
        size = size < most ? size : most;
    }
    size = size > c->least ? size : c->least;
    return size < left ? size : left;
}

/* Fills first[0 .. count] if it is not NULL; returns the count. */
static int64_t cut(const cut_t *c, int64_t *first) {
    int64_t count = 0;
    int64_t batch = c->bands;
    for (int64_t place = 0; place < c->bands; ++count) {
        if (count % c->takers == 0) {
            batch = c->bands - place;
        }
        if (first != NULL) {
            first[count] = place;
        }
        place += portion_size(c, c->bands - place, batch);
    }
    if (first != NULL) {
        first[count] = c->bands;
    }
    return count;
}

/* Costliest first; equal ones in their order, so that all ranks sort alike. */
static int compare_costs(const void *a, const void *b, void *costs) {
    const double *cost = costs;
    const int64_t i = *(const int64_t *)a;
    const int64_t j = *(const int64_t *)b;
    if (cost[i] != cost[j]) {
        return cost[i] > cost[j] ? -1 : 1;
    }
    return (i > j) - (i < j);
}

hm_status_t hm_portions_make(hm_portion_t kind, int64_t bands, const double *cost, int takers,
                             int64_t least, hm_portions_t *portions, hm_error_t *err) {
    const cut_t c = {kind, bands, takers, least > 1 ? least : 1};
    hm_portions_t p = {.count = cut(&c, NULL)};
    p.first = malloc(((size_t)p.count + 1) * sizeof *p.first);
    const bool sorts = kind == HM_PORTION_FIXED && cost != NULL && bands > 0;
    if (sorts) {
        p.order = malloc((size_t)bands * sizeof *p.order);
    }
    if (p.first == NULL || (sorts && p.order == NULL)) {
        hm_portions_free(&p);
        return hm_error_set(err, HM_EMISSING, "out of memory for %lld portions",
                            (long long)p.count);
    }
    cut(&c, p.first);
    if (sorts) {
        for (int64_t i = 0; i < bands; ++i) {
            p.order[i] = i;
        }
        qsort_r(p.order, (size_t)bands, sizeof *p.order, compare_costs, (void *)(uintptr_t)cost);
    }
    *portions = p;
    return HM_OK;
}

void hm_portions_free(hm_portions_t *portions) {
    free(portions->first);
    free(portions->order);
    *portions = (hm_portions_t){0};
}

hm_pipe_group_t hm_pipe_group(int node_rank, int node_size) {
    const int groups = (node_size + HM_PIPE_SENDERS) / (HM_PIPE_SENDERS + 1);
    int group = 0;
    while ((group + 1) * node_size / groups <= node_rank) {
        ++group;
    }
    const int writer = group * node_size / groups;
    return (hm_pipe_group_t){writer, (group + 1) * node_size / groups - writer - 1};
}

int64_t hm_predict_start(const double *sum, int64_t bands, int part, int parts) {
    const double share = sum[bands] * part / parts;
    int64_t low = 0;
    int64_t high = bands;
    if (part == 0 || part == parts) {
        return part == 0 ? 0 : bands;
    }
    if (!(sum[bands] > 0)) {
        return hm_part_start(bands, part, parts);
    }
    while (low < high) { /* the first boundary at or above the share */
        int64_t middle = low + (high - low) / 2;
        if (sum[middle] < share) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 && share - sum[low - 1] < sum[low] - share ? low - 1 : low;
}
