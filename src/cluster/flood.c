/**
 * @file flood.c
 * News along a tree. MPI's errors are not looked at after opening: a rank that cannot be told will
 * meet its own failure, and there is nobody to report to in the middle of a run.
 */
#include "flood.h"

#include <limits.h>

#include "hm_cluster.h"

enum { TAG = 1 };
static const int LAST = INT_MAX; /* "from me comes no more": only while draining */

hm_status_t hm_flood_open(MPI_Comm comm, hm_flood_t *flood, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_flood_t f = {.comm = MPI_COMM_NULL, .receive = MPI_REQUEST_NULL, .settled = true};
    int rank = 0;
    int size = 0;
    HM_TRY(hm_mpi_check(MPI_Comm_dup(comm, &f.comm), "duplicating a communicator", err));
    MPI_Comm_set_errhandler(f.comm, MPI_ERRORS_RETURN);
    MPI_Comm_rank(f.comm, &rank);
    MPI_Comm_size(f.comm, &size);
    const int others[HM_FLOOD_NEIGHBOURS] = {rank > 0 ? (rank - 1) / 2 : -1, 2 * rank + 1,
                                             2 * rank + 2};
    for (int i = 0; i < HM_FLOOD_NEIGHBOURS; ++i) {
        if (others[i] >= 0 && others[i] < size) {
            f.neighbour[f.neighbours].rank = others[i];
            f.neighbour[f.neighbours].send = MPI_REQUEST_NULL;
            ++f.neighbours;
        }
    }
    *flood = f;
    if (f.neighbours > 0) {
        HM_TRY(hm_mpi_check(MPI_Recv_init(&flood->inbox, 1, MPI_INT, MPI_ANY_SOURCE, TAG,
                                          flood->comm, &flood->receive),
                            "preparing to receive", err));
        HM_TRY(hm_mpi_check(MPI_Start(&flood->receive), "starting to receive", err));
    }
cleanup:
    if (status != HM_OK && f.comm != MPI_COMM_NULL) {
        MPI_Comm_free(&f.comm);
    }
    return status;
}

/* Tells those neighbours that do not know `value` yet and whose previous message has left. */
static void tell(hm_flood_t *flood) {
    flood->settled = true;
    for (int i = 0; i < flood->neighbours; ++i) {
        int idle = 1;
        MPI_Test(&flood->neighbour[i].send, &idle, MPI_STATUS_IGNORE);
        if (flood->neighbour[i].told < flood->value && idle) {
            flood->neighbour[i].told = flood->value;
            flood->neighbour[i].outbox = flood->value;
            MPI_Isend(&flood->neighbour[i].outbox, 1, MPI_INT, flood->neighbour[i].rank, TAG,
                      flood->comm, &flood->neighbour[i].send);
        }
        if (flood->neighbour[i].told < flood->value ||
            flood->neighbour[i].send != MPI_REQUEST_NULL) {
            flood->settled = false;
        }
    }
}

void hm_flood_raise(hm_flood_t *flood, int value) {
    if (value > flood->value) {
        flood->value = value;
        tell(flood);
    }
}

int hm_flood_poll(hm_flood_t *flood) {
    int arrived = 0;
    if (flood->neighbours == 0) {
        return flood->value;
    }
    MPI_Status from;
    MPI_Test(&flood->receive, &arrived, &from);
    while (arrived) {
        for (int i = 0; i < flood->neighbours; ++i) {
            if (flood->neighbour[i].rank == from.MPI_SOURCE &&
                flood->neighbour[i].told < flood->inbox) {
                flood->neighbour[i].told = flood->inbox; /* who told it knows it */
            }
        }
        if (flood->inbox > flood->value) {
            flood->value = flood->inbox;
            flood->settled = false;
        }
        MPI_Start(&flood->receive);
        MPI_Test(&flood->receive, &arrived, &from);
    }
    if (!flood->settled) {
        tell(flood);
    }
    return flood->value;
}

/*
 * After the reduction everybody knows the greatest value, so what is still under way need not be
 * passed on, only received. Messages between two ranks do not overtake each other: a neighbour's
 * LAST is its last.
 */
static int drain(hm_flood_t *flood) {
    int greatest = flood->value;
    if (flood->neighbours > 0) {
        MPI_Allreduce(&flood->value, &greatest, 1, MPI_INT, MPI_MAX, flood->comm);
        for (int i = 0; i < flood->neighbours; ++i) {
            MPI_Wait(&flood->neighbour[i].send, MPI_STATUS_IGNORE);
            MPI_Isend(&LAST, 1, MPI_INT, flood->neighbour[i].rank, TAG, flood->comm,
                      &flood->neighbour[i].send);
        }
        for (int open = flood->neighbours; open > 0;) {
            if (MPI_Wait(&flood->receive, MPI_STATUS_IGNORE) != MPI_SUCCESS) {
                break;
            }
            open -= flood->inbox == LAST;
            if (open > 0) {
                MPI_Start(&flood->receive);
            }
        }
    }
    for (int i = 0; i < flood->neighbours; ++i) {
        MPI_Wait(&flood->neighbour[i].send, MPI_STATUS_IGNORE);
    }
    return greatest;
}

int hm_flood_drain(hm_flood_t *flood, bool keep) {
    const int greatest = drain(flood);
    flood->value = keep ? greatest : 0;
    flood->settled = true;
    for (int i = 0; i < flood->neighbours; ++i) {
        flood->neighbour[i].told = flood->value;
    }
    if (flood->neighbours > 0) {
        /* Nobody may speak again before all have stopped listening for LAST. */
        MPI_Barrier(flood->comm);
        MPI_Start(&flood->receive);
    }
    return greatest;
}

void hm_flood_close(hm_flood_t *flood) {
    drain(flood);
    if (flood->neighbours > 0) {
        MPI_Request_free(&flood->receive); /* it has been received, and not started again */
    }
    MPI_Comm_free(&flood->comm);
}
