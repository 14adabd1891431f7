/**
 * @file ticket.h
 * Numbers 0, 1, 2, ... of which each is drawn once, by whichever rank comes first: the common
 * counter of self-scheduling. Private to src/cluster/.
 *
 * On one node the counter lies in shared memory and is advanced with a C11 atomic: no rank takes
 * part in another's draw. On several it lies in a window of rank 0, drawn from by
 * MPI_Fetch_and_op(); MPI has to be polled on rank 0 for a draw to go through, which is what its
 * `progress` does.
 */
#ifndef HM_CLUSTER_TICKET_H
#define HM_CLUSTER_TICKET_H

#include <stdatomic.h>

#include "node.h"
#include "work.h"

typedef struct hm_ticket_t {
    MPI_Win window;
    _Atomic int64_t *shared; /* NULL: on several nodes */
    int64_t one, drawn;      /* of MPI_Fetch_and_op() */
    bool asked;              /* one is under way */
} hm_ticket_t;

/**
 * hm_work_ready(work, mine), and the counter is open. Collective over cluster->comm, once in a run
 * at most. False: no rank may go on, and hm_ticket_close() must not be called.
 */
bool hm_ticket_ready(hm_ticket_t *ticket, hm_work_t *work, hm_status_t mine);

/** Not collective: announces that the next number will be drawn soon, so that on several nodes it
 * comes while the caller does something else. False: failed, the run is stopping. */
bool hm_ticket_ask(hm_ticket_t *ticket, hm_work_t *work);

/** Not collective: draws a number. False: failed, `*number` is untouched, the run is stopping. */
bool hm_ticket_draw(hm_ticket_t *ticket, hm_work_t *work, int64_t *number);

/** Collective; waits for all ranks where it must (hm_work_meet()). */
void hm_ticket_close(hm_ticket_t *ticket, hm_work_t *work);

#endif
