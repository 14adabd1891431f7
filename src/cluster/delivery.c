/** @file delivery.c Three ways from a computed band to the file. */
#include "delivery.h"

#include <stdlib.h>
#include <string.h>

#include "gravity.h"

/* --- rounds: all ranks write together
 * -----------------------------------------------------------*/
/*
 * A collective write needs all ranks at the same time, but ranks are at different places in their
 * work, some even waiting for others. So the rank whose store is full lets everybody know by a
 * flood, and everybody joins the round from where it is: whatever a rank does, it looks after its
 * messages, and a round is one of the things it then finds to do. Nobody needs anything from a rank
 * that is in a round in order to come to it, so there is no deadlock. Ranks whose run is stopping
 * join as well, until all have met at the end.
 */

static hm_status_t open_rounds(hm_rounds_t *rounds, hm_work_t *work) {
    const size_t bytes = work->job->band_bytes > 0 ? work->job->band_bytes : 1;
    rounds->room = hm_round_room(bytes);
    hm_status_t status = hm_flood_open(work->cluster->comm, &rounds->wanted, work->err);
    for (int i = 0; status == HM_OK && i < rounds->room; ++i) {
        rounds->buffer[i] = hm_work_alloc(bytes);
        if (rounds->buffer[i] == NULL) {
            status = hm_error_set(work->err, HM_EMISSING,
                                  "out of memory for %d bands of %zu bytes to be written together",
                                  rounds->room, bytes);
        }
    }
    return status;
}

/* One round. All ranks are in it or come to it. */
static void write_together(hm_rounds_t *rounds, hm_work_t *work) {
    while (!rounds->wanted.settled) {
        hm_flood_poll(&rounds->wanted); /* who has not been told would not come */
    }
    const hm_state_t before = hm_account_enter(work->account, HM_STATE_WRITING);
    const void *buffers[HM_ROUND_BANDS];
    memcpy(buffers, rounds->buffer, sizeof buffers);
    hm_error_t err = HM_ERROR_NONE;
    work->writing = true;
    hm_status_t status =
        work->job->deliver_all(work->job->context, rounds->count, rounds->band, buffers, &err);
    work->writing = false;
    rounds->count = 0;
    ++rounds->done;
    if (status != HM_OK) {
        hm_work_fail(work, status, &err);
    }
    hm_account_enter(work->account, before);
}

static void join_rounds(hm_rounds_t *rounds, hm_work_t *work) {
    while (!work->writing && hm_flood_poll(&rounds->wanted) > rounds->done) {
        write_together(rounds, work);
    }
}

static void save_up(hm_rounds_t *rounds, hm_work_t *work, int64_t band, const void *buffer) {
    rounds->band[rounds->count] = band;
    memcpy(rounds->buffer[rounds->count], buffer, work->job->band_bytes);
    ++rounds->count;
    if (rounds->count == rounds->room) {
        hm_flood_raise(&rounds->wanted, rounds->done + 1);
        join_rounds(rounds, work);
    }
}

/*
 * Whoever wants a round is in it until it is over, so once all have met nobody wants one any more.
 * What is left is written in a last one, unless there has been an error: that is the same on all
 * ranks.
 */
static void finish_rounds(hm_rounds_t *rounds, hm_work_t *work) {
    hm_status_t gravest = hm_work_meet(work);
    if (gravest == HM_OK || gravest == HM_STOPPED) {
        write_together(rounds, work);
    }
}

static void close_rounds(hm_rounds_t *rounds) {
    for (int i = 0; i < rounds->room; ++i) {
        free(rounds->buffer[i]);
    }
    if (rounds->wanted.comm != MPI_COMM_NULL) {
        hm_flood_close(&rounds->wanted);
    }
}

/* --- funnel: the node's leader writes
 * -----------------------------------------------------------*/

static hm_status_t open_funnel(hm_pipe_t *pipe, hm_work_t *work) {
    const hm_cluster_t *cluster = work->cluster;
    return hm_pipe_open(pipe, work, cluster->node, HM_TAG_FUNNEL, 0, cluster->node_size - 1,
                        hm_work_write);
}

static void send_to_leader(hm_pipe_t *pipe, hm_work_t *work, int64_t band, const void *buffer) {
    /* While this waits for room, no other band may come in between and take it. */
    work->writing = true;
    void *room = hm_pipe_buffer(pipe);
    work->writing = false;
    if (room != NULL) {
        memcpy(room, buffer, work->job->band_bytes);
        hm_pipe_send(pipe, band);
    }
}

/* --- all ---------------------------------------------------------------------------------------*/

hm_status_t hm_route_open(struct hm_route_t *route, hm_work_t *work) {
    *route = (struct hm_route_t){.kind = work->options.delivery};
    route->rounds.wanted.comm = MPI_COMM_NULL;
    route->funnel.line = MPI_BYTE;
    work->route = route;
    switch (route->kind) {
    case HM_DELIVERY_ROUNDS:
        if (work->job->deliver_all == NULL) {
            return hm_error_set(work->err, HM_EBUG, "this job cannot be delivered in rounds");
        }
        return open_rounds(&route->rounds, work);
    case HM_DELIVERY_FUNNEL:
        return open_funnel(&route->funnel, work);
    case HM_DELIVERY_DIRECT:
    default:
        return HM_OK;
    }
}

void hm_route_take(hm_work_t *work, int64_t band, const void *buffer) {
    struct hm_route_t *route = work->route;
    if (route->kind == HM_DELIVERY_ROUNDS) {
        save_up(&route->rounds, work, band, buffer);
    } else if (route->kind == HM_DELIVERY_FUNNEL && !route->funnel.writes) {
        send_to_leader(&route->funnel, work, band, buffer);
    } else {
        hm_work_write(work, band, buffer);
    }
}

void hm_route_serve(hm_work_t *work) {
    struct hm_route_t *route = work->route;
    if (route->kind == HM_DELIVERY_ROUNDS) {
        join_rounds(&route->rounds, work);
    } else if (route->kind == HM_DELIVERY_FUNNEL) {
        hm_pipe_receive(&route->funnel);
    }
}

void hm_route_finish(hm_work_t *work) {
    struct hm_route_t *route = work->route;
    if (route->kind == HM_DELIVERY_ROUNDS) {
        finish_rounds(&route->rounds, work);
    } else if (route->kind == HM_DELIVERY_FUNNEL) {
        hm_pipe_finish(&route->funnel);
    }
}

void hm_route_close(struct hm_route_t *route) {
    if (route->kind == HM_DELIVERY_ROUNDS) {
        close_rounds(&route->rounds);
    } else if (route->kind == HM_DELIVERY_FUNNEL) {
        hm_pipe_close(&route->funnel);
    }
}
