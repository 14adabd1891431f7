/** @file ticket.c The common counter. */
#include "ticket.h"

static hm_status_t open_remote(const hm_cluster_t *cluster, hm_ticket_t *ticket, hm_error_t *err) {
    hm_status_t status = HM_OK;
    MPI_Win win = MPI_WIN_NULL;
    int64_t *counter = NULL;
    MPI_Aint bytes = cluster->rank == 0 ? (MPI_Aint)sizeof *counter : 0;
    HM_TRY(hm_mpi_check(
        MPI_Win_allocate(bytes, (int)sizeof *counter, MPI_INFO_NULL, cluster->comm, &counter, &win),
        "allocating the common counter", err));
    MPI_Win_set_errhandler(win, MPI_ERRORS_RETURN);
    HM_TRY(
        hm_mpi_check(MPI_Win_lock_all(MPI_MODE_NOCHECK, win), "opening the common counter", err));
    if (cluster->rank == 0) {
        *counter = 0;
        MPI_Win_sync(win);
    }
    HM_TRY(hm_mpi_check(MPI_Barrier(cluster->comm), "opening the common counter", err));
    *ticket = (hm_ticket_t){.window = win};
cleanup:
    return status;
}

bool hm_ticket_ready(hm_ticket_t *ticket, hm_work_t *work, hm_status_t mine) {
    const hm_cluster_t *cluster = work->cluster;
    if (cluster->nodes > 1) {
        return hm_work_ready(work, mine) &&
               hm_work_ready(work, open_remote(cluster, ticket, work->err));
    }
    /* Nobody draws from it any more, as a run ends in a meeting, nor yet, as it begins in one. */
    *ticket = (hm_ticket_t){.window = MPI_WIN_NULL, .shared = &cluster->memory->shared->ticket};
    if (cluster->rank == 0) {
        atomic_store_explicit(ticket->shared, 0, memory_order_relaxed);
    }
    return hm_work_ready(work, mine);
}

bool hm_ticket_ask(hm_ticket_t *ticket, hm_work_t *work) {
    if (ticket->shared != NULL || ticket->asked) {
        return true;
    }
    ticket->one = 1;
    ticket->asked = hm_work_mpi(
        work,
        MPI_Fetch_and_op(&ticket->one, &ticket->drawn, MPI_INT64_T, 0, 0, MPI_SUM, ticket->window),
        "drawing from the common counter");
    return ticket->asked;
}

static bool draw_remote(hm_ticket_t *ticket, hm_work_t *work, int64_t *number) {
    if (!hm_ticket_ask(ticket, work) ||
        !hm_work_mpi(work, MPI_Win_flush(0, ticket->window), "drawing from the common counter")) {
        return false;
    }
    ticket->asked = false;
    *number = ticket->drawn;
    return true;
}

bool hm_ticket_draw(hm_ticket_t *ticket, hm_work_t *work, int64_t *number) {
    if (ticket->shared != NULL) {
        /* Quicker than looking at the clock to book it. */
        *number = atomic_fetch_add_explicit(ticket->shared, 1, memory_order_relaxed);
        return true;
    }
    const hm_state_t before = hm_account_enter(work->account, HM_STATE_TALKING);
    const bool drawn = draw_remote(ticket, work, number);
    hm_account_enter(work->account, before);
    return drawn;
}

void hm_ticket_close(hm_ticket_t *ticket, hm_work_t *work) {
    if (ticket->shared == NULL) {
        hm_work_meet(work); /* what follows only blocks */
        MPI_Win_unlock_all(ticket->window);
        MPI_Win_free(&ticket->window);
    }
    ticket->shared = NULL;
}
