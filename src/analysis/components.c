/** @file components.c See components.h. */
#include "components.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "hm_cluster.h"
#include "hm_together.h"
#include "reduce.h"

enum { TAG = 21, PIECE = 1 << 20 };

/** Pixels [start, end) of a row, of region `region`. */
typedef struct run_t {
    int64_t start, end, region;
} run_t;

/** A region under way. */
typedef struct region_t {
    int64_t parent; /**< in the set of those that turned out to be one; itself: the root */
    int64_t period;
    uint64_t pixels;
    int64_t opening; /**< root: the index of an opening that it reaches, or -1 */
    int64_t moved;   /**< where it goes in the next row's list */
} region_t;

/** Lists that grow. */
typedef struct runs_t {
    run_t *run;
    int64_t count, room;
} runs_t;

typedef struct regions_t {
    region_t *region;
    int64_t count, room;
} regions_t;

struct hm_components_t {
    runs_t above, here, first; /**< the rows before and now; the rank's first row */
    regions_t regions, next;   /**< those that reach the row */
    regions_t openings; /**< those that reach the rank's first row, also when they have ended */
    bool begun;
    hm_period_sums_t sums;
};

/** What a rank's rows leave open: regions, and their runs in its first and last row. */
typedef struct open_t {
    regions_t regions;
    runs_t first, last;
} open_t;

static hm_status_t grow(void **list, int64_t *room, int64_t needed, size_t bytes, hm_error_t *err) {
    if (needed <= *room) {
        return HM_OK;
    }
    const int64_t wanted = needed + needed / 2 + 16;
    void *grown = realloc(*list, (size_t)wanted * bytes);
    if (!grown) {
        return hm_error_set(err, HM_EMISSING, "out of memory for %lld regions", (long long)needed);
    }
    *list = grown;
    *room = wanted;
    return HM_OK;
}

static hm_status_t add_run(runs_t *runs, run_t run, hm_error_t *err) {
    void *list = runs->run;
    const hm_status_t status = grow(&list, &runs->room, runs->count + 1, sizeof run, err);
    runs->run = list;
    if (status == HM_OK) {
        runs->run[runs->count++] = run;
    }
    return status;
}

static hm_status_t add_region(regions_t *regions, region_t region, hm_error_t *err) {
    void *list = regions->region;
    const hm_status_t status = grow(&list, &regions->room, regions->count + 1, sizeof region, err);
    regions->region = list;
    if (status == HM_OK) {
        regions->region[regions->count++] = region;
    }
    return status;
}

static int64_t root_of(regions_t *regions, int64_t index) {
    region_t *region = regions->region;
    while (region[index].parent != index) {
        region[index].parent = region[region[index].parent].parent;
        index = region[index].parent;
    }
    return index;
}

/** Two regions are one. `openings` may be NULL. */
static int64_t unite(regions_t *regions, int64_t a, int64_t b, regions_t *openings) {
    a = root_of(regions, a);
    b = root_of(regions, b);
    if (a == b) {
        return a;
    }
    region_t *into = &regions->region[a < b ? a : b];
    region_t *from = &regions->region[a < b ? b : a];
    from->parent = a < b ? a : b;
    into->pixels += from->pixels;
    if (into->opening < 0) {
        into->opening = from->opening;
    } else if (from->opening >= 0 && openings) {
        into->opening = unite(openings, into->opening, from->opening, NULL);
    }
    return a < b ? a : b;
}

static size_t line_of(int64_t period) {
    return period < HM_PERIODS ? (size_t)period : 0;
}

static void close_region(hm_period_sums_t *sums, const region_t *region) {
    const size_t line = line_of(region->period);
    ++sums->components[line];
    sums->largest[line] =
        sums->largest[line] > region->pixels ? sums->largest[line] : region->pixels;
}

/** Joins the runs of a row with those above that they touch and that have the same period. */
static void join(regions_t *regions, const runs_t *above, const runs_t *below,
                 regions_t *openings) {
    int64_t from = 0;
    for (int64_t i = 0; i < below->count; ++i) {
        const run_t *run = &below->run[i];
        while (from < above->count && above->run[from].end < run->start) {
            ++from;
        }
        for (int64_t k = from; k < above->count && above->run[k].start <= run->end; ++k) {
            const run_t *other = &above->run[k];
            if (regions->region[other->region].period == regions->region[run->region].period) {
                unite(regions, other->region, run->region, openings);
            }
        }
    }
}

hm_status_t hm_components_make(hm_components_t **components, hm_error_t *err) {
    hm_components_t *made = calloc(1, sizeof *made);
    if (!made) {
        return hm_error_set(err, HM_EMISSING, "out of memory for the statistics of periods");
    }
    *components = made;
    return HM_OK;
}

void hm_components_free(hm_components_t *components) {
    if (!components) {
        return;
    }
    free(components->above.run);
    free(components->here.run);
    free(components->first.run);
    free(components->regions.region);
    free(components->next.region);
    free(components->openings.region);
    free(components);
}

/** The runs of a row, each a region of its own. */
static hm_status_t split(hm_components_t *c, const uint32_t *period, int64_t width,
                         hm_error_t *err) {
    hm_status_t status = HM_OK;
    c->here.count = 0;
    for (int64_t i = 0; period && i < width;) {
        const int64_t start = i;
        while (++i < width && period[i] == period[start]) {
        }
        if (period[start] == 0) {
            continue;
        }
        const uint64_t pixels = (uint64_t)(i - start);
        const int64_t index = c->regions.count;
        c->sums.pixels[line_of(period[start])] += pixels;
        HM_TRY(add_region(&c->regions, (region_t){index, period[start], pixels, -1, -1}, err));
        HM_TRY(add_run(&c->here, (run_t){start, i, index}, err));
    }
cleanup:
    return status;
}

/** The rank's first row: all its regions are openings. */
static hm_status_t open_first(hm_components_t *c, hm_error_t *err) {
    hm_status_t status = HM_OK;
    for (int64_t i = 0; i < c->here.count; ++i) {
        run_t run = c->here.run[i];
        region_t *region = &c->regions.region[run.region];
        region->opening = i;
        run.region = i;
        HM_TRY(add_run(&c->first, run, err));
        HM_TRY(add_region(&c->openings, (region_t){i, region->period, 0, -1, -1}, err));
    }
cleanup:
    return status;
}

/** Regions that reach the row go on, the others have ended. */
static hm_status_t sift(hm_components_t *c, hm_error_t *err) {
    hm_status_t status = HM_OK;
    c->next.count = 0;
    for (int64_t i = 0; i < c->here.count; ++i) {
        run_t *run = &c->here.run[i];
        region_t *region = &c->regions.region[root_of(&c->regions, run->region)];
        if (region->moved < 0) {
            region->moved = c->next.count;
            HM_TRY(add_region(
                &c->next,
                (region_t){c->next.count, region->period, region->pixels, region->opening, -1},
                err));
        }
        run->region = region->moved;
    }
    for (int64_t i = 0; i < c->regions.count; ++i) {
        const region_t *region = &c->regions.region[i];
        if (region->parent != i || region->moved >= 0) {
            continue;
        }
        if (region->opening >= 0) {
            c->openings.region[root_of(&c->openings, region->opening)].pixels += region->pixels;
        } else {
            close_region(&c->sums, region);
        }
    }
    const regions_t old = c->regions;
    c->regions = c->next;
    c->next = old;
cleanup:
    return status;
}

hm_status_t hm_components_row(hm_components_t *c, const uint32_t *period, int64_t width,
                              hm_error_t *err) {
    hm_status_t status = HM_OK;
    HM_TRY(split(c, period, width, err));
    if (!c->begun) {
        HM_TRY(open_first(c, err));
        c->begun = true;
    }
    join(&c->regions, &c->above, &c->here, &c->openings);
    HM_TRY(sift(c, err));
    const runs_t old = c->above;
    c->above = c->here;
    c->here = old;
cleanup:
    return status;
}

/** What this rank leaves open. Each opening is a region; those of the last row come behind. */
static hm_status_t leave_open(hm_components_t *c, open_t *open, hm_error_t *err) {
    hm_status_t status = HM_OK;
    for (int64_t i = 0; i < c->openings.count; ++i) {
        HM_TRY(add_region(&open->regions, c->openings.region[i], err));
    }
    for (int64_t i = 0; i < c->regions.count; ++i) {
        region_t region = c->regions.region[i];
        const int64_t index = open->regions.count;
        region.parent = index;
        HM_TRY(add_region(&open->regions, region, err));
        if (region.opening >= 0) {
            unite(&open->regions, index, region.opening, NULL);
        }
    }
    for (int64_t i = 0; i < c->first.count; ++i) {
        HM_TRY(add_run(&open->first, c->first.run[i], err));
    }
    for (int64_t i = 0; i < c->above.count; ++i) {
        run_t run = c->above.run[i];
        run.region += c->openings.count;
        HM_TRY(add_run(&open->last, run, err));
    }
cleanup:
    return status;
}

static void free_open(open_t *open) {
    free(open->regions.region);
    free(open->first.run);
    free(open->last.run);
    *open = (open_t){0};
}

/** `next` lies below `open`: joins them; what does not reach the last row then has ended. */
static hm_status_t merge(hm_period_sums_t *sums, open_t *open, open_t *next, hm_error_t *err) {
    hm_status_t status = HM_OK;
    open_t joined = {0};
    regions_t *all = &open->regions;
    const int64_t shift = all->count;
    for (int64_t i = 0; i < next->regions.count; ++i) {
        region_t region = next->regions.region[i];
        region.parent += shift;
        HM_TRY(add_region(all, region, err));
    }
    for (int64_t i = 0; i < next->first.count; ++i) {
        next->first.run[i].region += shift;
    }
    join(all, &open->last, &next->first, NULL);
    for (int64_t i = 0; i < next->last.count; ++i) {
        run_t run = next->last.run[i];
        region_t *region = &all->region[root_of(all, run.region + shift)];
        if (region->moved < 0) {
            region->moved = joined.regions.count;
            HM_TRY(add_region(
                &joined.regions,
                (region_t){joined.regions.count, region->period, region->pixels, -1, -1}, err));
        }
        run.region = region->moved;
        HM_TRY(add_run(&joined.last, run, err));
    }
    for (int64_t i = 0; i < all->count; ++i) {
        if (all->region[i].parent == i && all->region[i].moved < 0) {
            close_region(sums, &all->region[i]);
        }
    }
    free_open(open);
    *open = joined;
    joined = (open_t){0};
cleanup:
    free_open(&joined);
    return status;
}

/* Travelling: lengths first, so that rank 0 can say whether it has room; then the lists as they
 * are: the ranks of a run are one kind of machine. */

/** What comes first. */
typedef struct lengths_t {
    int64_t begun, regions, first, last;
} lengths_t;

static hm_status_t send_bytes(MPI_Comm comm, const void *bytes, size_t count, hm_error_t *err) {
    hm_status_t status = HM_OK;
    for (size_t i = 0; i < count; i += PIECE) {
        const int n = (int)(count - i < PIECE ? count - i : PIECE);
        HM_TRY(hm_mpi_check(MPI_Send((const char *)bytes + i, n, MPI_BYTE, 0, TAG, comm),
                            "joining the ranks' regions", err));
    }
cleanup:
    return status;
}

static hm_status_t receive_bytes(MPI_Comm comm, void *bytes, size_t count, int from,
                                 hm_error_t *err) {
    hm_status_t status = HM_OK;
    for (size_t i = 0; i < count; i += PIECE) {
        const int n = (int)(count - i < PIECE ? count - i : PIECE);
        HM_TRY(hm_mpi_check(
            MPI_Recv((char *)bytes + i, n, MPI_BYTE, from, TAG, comm, MPI_STATUS_IGNORE),
            "joining the ranks' regions", err));
    }
cleanup:
    return status;
}

static hm_status_t send_open(MPI_Comm comm, const open_t *open, bool begun, hm_error_t *err) {
    hm_status_t status = HM_OK;
    int go = 0;
    const lengths_t length = {begun, open->regions.count, open->first.count, open->last.count};
    HM_TRY(send_bytes(comm, &length, sizeof length, err));
    HM_TRY(hm_mpi_check(MPI_Recv(&go, 1, MPI_INT, 0, TAG, comm, MPI_STATUS_IGNORE),
                        "joining the ranks' regions", err));
    if (go) {
        HM_TRY(
            send_bytes(comm, open->regions.region, (size_t)length.regions * sizeof(region_t), err));
        HM_TRY(send_bytes(comm, open->first.run, (size_t)length.first * sizeof(run_t), err));
        HM_TRY(send_bytes(comm, open->last.run, (size_t)length.last * sizeof(run_t), err));
    }
cleanup:
    return status;
}

/** Room for what a rank is going to send. */
static hm_status_t make_room(open_t *open, const lengths_t *length, int from, hm_error_t *err) {
    open->regions.region = calloc((size_t)length->regions + 1, sizeof(region_t));
    open->first.run = calloc((size_t)length->first + 1, sizeof(run_t));
    open->last.run = calloc((size_t)length->last + 1, sizeof(run_t));
    if (!open->regions.region || !open->first.run || !open->last.run) {
        return hm_error_set(err, HM_EMISSING, "out of memory for rank %d's regions", from);
    }
    open->regions.count = open->regions.room = length->regions;
    open->first.count = open->first.room = length->first;
    open->last.count = open->last.room = length->last;
    return HM_OK;
}

/** Rank 0: one rank's open regions below those so far. After a failure the rank is only told not to
 * send. */
static hm_status_t take(MPI_Comm comm, int from, hm_status_t before, open_t *open,
                        hm_period_sums_t *sums, hm_error_t *err) {
    hm_status_t status = before;
    open_t next = {0};
    lengths_t length;
    const hm_status_t heard =
        receive_bytes(comm, &length, sizeof length, from, status == HM_OK ? err : NULL);
    status = status == HM_OK ? heard : status;
    if (status == HM_OK && length.begun) {
        status = make_room(&next, &length, from, err);
    }
    const int go = status == HM_OK && length.begun;
    const hm_status_t said =
        hm_mpi_check(MPI_Send(&go, 1, MPI_INT, from, TAG, comm), "joining the ranks' regions",
                     status == HM_OK ? err : NULL);
    HM_TRY(status == HM_OK ? said : status);
    if (go) {
        HM_TRY(receive_bytes(comm, next.regions.region, (size_t)length.regions * sizeof(region_t),
                             from, err));
        HM_TRY(
            receive_bytes(comm, next.first.run, (size_t)length.first * sizeof(run_t), from, err));
        HM_TRY(receive_bytes(comm, next.last.run, (size_t)length.last * sizeof(run_t), from, err));
        HM_TRY(merge(sums, open, &next, err));
    }
cleanup:
    free_open(&next);
    return status;
}

/** Rank 0: all ranks' open regions from top to bottom. */
static hm_status_t take_all(const hm_cluster_t *cluster, open_t *open, hm_period_sums_t *sums,
                            hm_error_t *err) {
    hm_status_t status = HM_OK;
    for (int from = 1; from < cluster->size; ++from) {
        status = take(cluster->comm, from, status, open, sums, err);
    }
    for (int64_t i = 0; i < open->regions.count; ++i) {
        if (open->regions.region[i].parent == i) {
            close_region(sums, &open->regions.region[i]);
        }
    }
    return status;
}

hm_status_t hm_components_reduce(const hm_cluster_t *cluster, hm_components_t *c,
                                 hm_period_sums_t *sums, hm_error_t *err) {
    hm_status_t status = HM_OK;
    open_t open = {0};
    const bool root = cluster->rank == 0;
    HM_TRY(hm_together(cluster->comm, leave_open(c, &open, err), err));
    status = root ? take_all(cluster, &open, &c->sums, err)
                  : send_open(cluster->comm, &open, c->begun, err);
    HM_TRY(hm_together(cluster->comm, status, err));
    HM_TRY(hm_reduce_sums(cluster->comm, c->sums.pixels, HM_PERIODS, err));
    HM_TRY(hm_reduce_sums(cluster->comm, c->sums.components, HM_PERIODS, err));
    HM_TRY(hm_mpi_check(MPI_Reduce(root ? MPI_IN_PLACE : c->sums.largest, c->sums.largest,
                                   HM_PERIODS, MPI_UINT64_T, MPI_MAX, 0, cluster->comm),
                        "putting the ranks' figures together", err));
    if (root) {
        *sums = c->sums;
    }
cleanup:
    free_open(&open);
    return status;
}
