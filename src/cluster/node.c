/** @file node.c Memory that a node's ranks share, and meetings in it. */
#include "node.h"

#include <stdlib.h>
#include <string.h>

/* In place of a meeting's outcome: the leaders could not hear each other. */
static const int64_t DEAF = -1;

hm_status_t hm_share(MPI_Comm node, size_t bytes, MPI_Win *window, void **memory, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const size_t line = 64;
    MPI_Win win = MPI_WIN_NULL;
    void *base = NULL;
    MPI_Aint size = 0;
    int unit = 1;
    int rank = 0;
    MPI_Comm_rank(node, &rank);
    size_t mine = rank == 0 ? bytes + line : 0;
    HM_TRY(
        hm_mpi_check(MPI_Win_allocate_shared((MPI_Aint)mine, 1, MPI_INFO_NULL, node, &base, &win),
                     "allocating memory that the node shares", err));
    MPI_Win_set_errhandler(win, MPI_ERRORS_RETURN);
    HM_TRY(hm_mpi_check(MPI_Win_shared_query(win, 0, &size, &unit, &base),
                        "finding the memory that the node shares", err));
    base = (char *)base + (line - (uintptr_t)base % line) % line;
    if (rank == 0) {
        memset(base, 0, bytes);
    }
    HM_TRY(hm_mpi_check(MPI_Barrier(node), "clearing the memory that the node shares", err));
    *window = win;
    *memory = base;
cleanup:
    if (status != HM_OK && win != MPI_WIN_NULL) {
        MPI_Win_free(&win);
    }
    return status;
}

hm_status_t hm_node_open(const hm_cluster_t *cluster, struct hm_node_t *node, hm_error_t *err) {
    hm_status_t status = HM_OK;
    void *memory = NULL;
    *node = (struct hm_node_t){.window = MPI_WIN_NULL};
    HM_TRY(hm_share(cluster->node, sizeof *node->shared, &node->window, &memory, err));
    node->shared = memory;
cleanup:
    return status;
}

void hm_node_close(struct hm_node_t *node) {
    if (node != NULL) {
        MPI_Win_free(&node->window);
        free(node);
    }
}

static hm_place_t *place_of(const hm_cluster_t *cluster, int64_t number) {
    return &cluster->memory->shared->place[number % 2];
}

void hm_meeting_begin(const hm_cluster_t *cluster, hm_meeting_t *meeting, int64_t mine) {
    *meeting = (hm_meeting_t){.number = cluster->memory->begun++, .request = MPI_REQUEST_NULL};
    hm_place_t *place = place_of(cluster, meeting->number);
    int64_t most = atomic_load_explicit(&place->most, memory_order_relaxed);
    while (mine > most &&
           !atomic_compare_exchange_weak_explicit(&place->most, &most, mine, memory_order_relaxed,
                                                  memory_order_relaxed)) {
    }
    atomic_fetch_add_explicit(&place->arrived, 1, memory_order_acq_rel);
}

/* The leader, when its whole node has come: lets everybody go. Nobody uses the other place any
 * more: all have left the meeting before. */
static void let_go(const hm_cluster_t *cluster, const hm_meeting_t *meeting, int64_t outcome) {
    hm_place_t *next = place_of(cluster, meeting->number + 1);
    atomic_store_explicit(&next->arrived, 0, memory_order_relaxed);
    atomic_store_explicit(&next->most, 0, memory_order_relaxed);
    atomic_store_explicit(&place_of(cluster, meeting->number)->outcome, outcome,
                          memory_order_relaxed);
    atomic_store_explicit(&cluster->memory->shared->over, meeting->number + 1,
                          memory_order_release);
}

static hm_status_t lead(const hm_cluster_t *cluster, hm_meeting_t *meeting, hm_error_t *err) {
    const hm_place_t *place = place_of(cluster, meeting->number);
    if (!meeting->asked) {
        if (atomic_load_explicit(&place->arrived, memory_order_acquire) < cluster->node_size) {
            return HM_OK;
        }
        meeting->asked = true;
        meeting->most = atomic_load_explicit(&place->most, memory_order_relaxed);
        if (cluster->nodes > 1) {
            hm_status_t status =
                hm_mpi_check(MPI_Iallreduce(MPI_IN_PLACE, &meeting->most, 1, MPI_INT64_T, MPI_MAX,
                                            cluster->leaders, &meeting->request),
                             "meeting the other nodes", err);
            if (status != HM_OK) {
                let_go(cluster, meeting, DEAF);
                return status;
            }
        }
    }
    int met = 1;
    hm_status_t status = meeting->request == MPI_REQUEST_NULL
                             ? HM_OK
                             : hm_mpi_check(MPI_Test(&meeting->request, &met, MPI_STATUS_IGNORE),
                                            "meeting the other nodes", err);
    if (status != HM_OK || met) {
        let_go(cluster, meeting, status == HM_OK ? meeting->most : DEAF);
    }
    return status;
}

hm_status_t hm_meeting_look(const hm_cluster_t *cluster, hm_meeting_t *meeting, bool *over,
                            int64_t *most, hm_error_t *err) {
    hm_status_t status = HM_OK;
    *over = false;
    if (cluster->node_rank == 0) {
        status = lead(cluster, meeting, err);
    }
    if (atomic_load_explicit(&cluster->memory->shared->over, memory_order_acquire) >
        meeting->number) {
        *over = true;
        const int64_t outcome = atomic_load_explicit(&place_of(cluster, meeting->number)->outcome,
                                                     memory_order_relaxed);
        if (outcome != DEAF) {
            *most = outcome;
        } else if (status == HM_OK) {
            status = hm_error_set(err, HM_EIO, "this node's leader cannot meet the other nodes");
        }
    }
    return status;
}

hm_status_t hm_most(const hm_cluster_t *cluster, int64_t mine, int64_t *most, hm_error_t *err) {
    hm_meeting_t meeting;
    hm_status_t status = HM_OK;
    int64_t outcome = 0;
    bool over = false;
    hm_meeting_begin(cluster, &meeting, mine);
    for (unsigned turns = 0;;) {
        status = hm_meeting_look(cluster, &meeting, &over, &outcome, err);
        if (over) {
            break;
        }
        hm_alarm_poll(cluster); /* others may need this rank's MPI to get here */
        hm_idle(&turns);
    }
    if (status == HM_OK) {
        *most = outcome;
    }
    return status;
}
