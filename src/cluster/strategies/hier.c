/**
 * @file hier.c
 * Two levels: nodes draw portions from a common counter, the ranks of a node share a portion
 * through its memory.
 *
 * A node's ranks claim numbers 0, 1, 2, ... from the node's counter, by one atomic addition in
 * shared memory. Portions that the node has drawn lie one behind the other along these numbers, in
 * a table in the same memory, so a number leads to a band. Exactly one rank claims the number that
 * stands node_size before the end of the last portion: it is the node's leader for the moment,
 * draws the next portion at once and enters it in the table, while the others go on with what is
 * left. So nobody waits for a leader that computes, and there is no lock. A rank whose number has
 * no portion yet waits until it has, or until all portions are drawn.
 *
 * Only the rank that holds the common counter has to let others in while it computes: it does so in
 * `progress`, and a node draws when it still has work for that long.
 */
#include "../ticket.h"
#include "../work.h"
#include "strategies.h"

/* In node memory; each counter alone on its cache line. */
typedef struct node_t {
    _Alignas(64) _Atomic int64_t claims; /* numbers claimed */
    _Alignas(64) _Atomic int64_t drawn;  /* portions in the table */
    _Alignas(64) _Atomic bool exhausted; /* there will be no more */
    _Alignas(64) int64_t table[];        /* two for each portion: its first number, what it is;
                                            behind the last one its end */
} node_t;

typedef struct share_t {
    hm_work_t *work;
    hm_portions_t portions;
    hm_ticket_t ticket;
    MPI_Win window;
    node_t *node;
    int64_t at; /* the portion in the table that this rank's last number was in */
} share_t;

static int64_t start_of(const share_t *share, int64_t i) {
    return share->node->table[2 * i];
}

static int64_t length_of(const share_t *share, int64_t i) {
    return start_of(share, i + 1) - start_of(share, i);
}

/* Draws the next portion for this node. Only its leader of the moment is here. */
static bool draw(share_t *share) {
    node_t *node = share->node;
    int64_t k = 0;
    if (!hm_ticket_draw(&share->ticket, share->work, &k)) {
        return false;
    }
    if (k >= share->portions.count) {
        atomic_store_explicit(&node->exhausted, true, memory_order_release);
        return true;
    }
    const int64_t i = atomic_load_explicit(&node->drawn, memory_order_relaxed);
    node->table[2 * i + 1] = k;
    node->table[2 * i + 2] =
        node->table[2 * i] + share->portions.first[k + 1] - share->portions.first[k];
    atomic_store_explicit(&node->drawn, i + 1, memory_order_release);
    return true;
}

/* Moves share->at to the portion that `number` is in; false: there is none yet. */
static bool find(share_t *share, int64_t number) {
    const int64_t drawn = atomic_load_explicit(&share->node->drawn, memory_order_acquire);
    while (share->at < drawn && number >= start_of(share, share->at + 1)) {
        ++share->at;
    }
    return share->at < drawn;
}

/* Claims a number and returns its place among the bands; -1: the node has nothing left, or the run
 * is stopping. */
static int64_t claim(share_t *share) {
    node_t *node = share->node;
    const int64_t number = atomic_fetch_add_explicit(&node->claims, 1, memory_order_relaxed);
    for (unsigned turns = 0; !find(share, number);) {
        if (atomic_load_explicit(&node->exhausted, memory_order_acquire) && !find(share, number)) {
            return -1;
        }
        hm_work_idle(share->work, &turns);
        if (share->work->status != HM_OK) {
            return -1;
        }
    }
    const int64_t offset = number - start_of(share, share->at);
    if (hm_hier_draws(offset, length_of(share, share->at), share->work->cluster->node_size) &&
        !draw(share)) {
        return -1;
    }
    return share->portions.first[share->node->table[2 * share->at + 1]] + offset;
}

static void compute(share_t *share) {
    for (int64_t place = claim(share); place >= 0; place = claim(share)) {
        if (!hm_work_band(share->work, hm_portions_band(&share->portions, place))) {
            return;
        }
    }
}

/* Collective. A portion suits the smallest node: a larger one draws more of them. */
static hm_status_t cut(share_t *share) {
    hm_work_t *work = share->work;
    const hm_cluster_t *cluster = work->cluster;
    hm_status_t status = HM_OK;
    int64_t missing = 0;
    HM_TRY(hm_most(cluster, cluster->size - cluster->node_size, &missing, work->err));
    const int smallest = cluster->size - (int)missing;
    HM_TRY(hm_portions_make(work->options.portion, work->job->bands, work->job->cost,
                            hm_hier_takers(cluster->size, smallest), smallest, &share->portions,
                            work->err));
cleanup:
    return status;
}

/* Collective. */
static hm_status_t open_share(share_t *share) {
    const size_t entries = 2 * (size_t)share->portions.count + 1;
    void *memory = NULL;
    hm_status_t status =
        hm_share(share->work->cluster->node, sizeof(node_t) + entries * sizeof(int64_t),
                 &share->window, &memory, share->work->err);
    if (status == HM_OK) {
        share->node = memory;
    }
    return status;
}

static void run(hm_work_t *work) {
    share_t share = {.work = work, .window = MPI_WIN_NULL};
    if (hm_work_ready(work, cut(&share)) &&
        hm_ticket_ready(&share.ticket, work, open_share(&share))) {
        if (work->cluster->node_rank != 0 || draw(&share)) {
            compute(&share);
        }
        hm_work_meet(work); /* what follows only blocks */
        hm_ticket_close(&share.ticket, work);
    }
    if (share.window != MPI_WIN_NULL) {
        MPI_Win_free(&share.window);
    }
    hm_portions_free(&share.portions);
}

const hm_strategy_t hm_strategy_hier = {
    .name = "hier",
    .what = "nodes draw portions from a common counter, a node's ranks share them in its memory",
    .pattern = "two-level self-scheduling",
    .mpi = "Comm_split_type, Win_allocate_shared with C11 atomics, Fetch_and_op between nodes",
    .run = run,
};
