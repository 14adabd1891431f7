/**
 * @file pipeline.c
 * A non-blocking pipe: while a rank computes band k+1, its band k travels to the writer of its
 * group, and band k-1 is being written there.
 *
 * The ranks of a node form groups of one writer and at most eight senders. The writer computes too:
 * what has come it delivers from `progress`. As it has more to do than the others, bands are not
 * dealt out evenly but drawn one by one as in `counter`.
 */
#include "../pipe.h"
#include "../ticket.h"
#include "strategies.h"

static void receive(void *context) {
    hm_pipe_receive(context);
}

/* Draws the next band; false: there is none. */
static bool draw(hm_work_t *work, hm_ticket_t *ticket, int64_t *band) {
    const int64_t bands = work->job->bands;
    if (!hm_ticket_draw(ticket, work, band) || *band >= bands) {
        return false;
    }
    return !hm_pipeline_ahead(*band, bands, work->cluster->size) || hm_ticket_ask(ticket, work);
}

static void compute_and_write(hm_work_t *work, hm_ticket_t *ticket) {
    for (int64_t band = 0; draw(work, ticket, &band);) {
        if (!hm_work_band(work, band)) {
            return;
        }
    }
}

static void compute_and_send(hm_work_t *work, hm_ticket_t *ticket, hm_pipe_t *pipe) {
    for (int64_t band = 0; draw(work, ticket, &band);) {
        void *buffer = hm_pipe_buffer(pipe);
        if (buffer == NULL || !hm_work_going(work) || !hm_work_compute(work, band, buffer) ||
            !hm_pipe_send(pipe, band)) {
            return;
        }
    }
}

static hm_status_t open_pipe(hm_work_t *work, hm_pipe_t *pipe) {
    const hm_pipe_group_t group = hm_pipe_group(work->cluster->node_rank, work->cluster->node_size);
    return hm_pipe_open(pipe, work, work->cluster->node, HM_TAG_BAND, group.writer, group.senders,
                        hm_work_deliver);
}

static void run(hm_work_t *work) {
    hm_pipe_t pipe;
    hm_ticket_t ticket;
    if (hm_ticket_ready(&ticket, work, open_pipe(work, &pipe))) {
        if (pipe.writes) {
            work->serve = receive;
            work->served = &pipe;
            compute_and_write(work, &ticket);
        } else {
            compute_and_send(work, &ticket, &pipe);
        }
        hm_pipe_finish(&pipe);
        hm_ticket_close(&ticket, work);
        work->serve = NULL;
    }
    hm_pipe_close(&pipe);
}

const hm_strategy_t hm_strategy_pipeline = {
    .name = "pipeline",
    .what = "compute band k+1 while k travels to the group's writer and k-1 is written",
    .pattern = "non-blocking pipe, double buffered",
    .mpi = "persistent Ssend and Recv, Testsome; the counter of `counter`",
    .run = run,
};
