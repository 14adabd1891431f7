/**
 * @file pipeline.c
 * A non-blocking pipe: while a rank computes band k+1, its band k travels to the writer of its
 * group, and band k-1 is being written there.
 *
 * The ranks of a node form groups of one writer and at most eight senders. Bands go to ranks as in
 * `cyclic`. The writer computes too: what has come it delivers from `progress`.
 */
#include "../pipe.h"
#include "strategies.h"

static void receive(void *context) {
    hm_pipe_receive(context);
}

static void compute_and_write(hm_work_t *work) {
    for (int64_t band = work->cluster->rank; band < work->job->bands; band += work->cluster->size) {
        if (!hm_work_band(work, band)) {
            return;
        }
    }
}

static void compute_and_send(hm_work_t *work, hm_pipe_t *pipe) {
    for (int64_t band = work->cluster->rank; band < work->job->bands; band += work->cluster->size) {
        void *buffer = hm_pipe_buffer(pipe);
        if (buffer == NULL || !hm_work_going(work) || !hm_work_compute(work, band, buffer) ||
            !hm_pipe_send(pipe, band)) {
            return;
        }
    }
}

/* Splits the node's ranks into groups as even as can be; a group's first rank writes. */
static hm_status_t open_pipe(hm_work_t *work, hm_pipe_t *pipe) {
    const int n = work->cluster->node_size;
    const int most = HM_PIPE_RECEIVING + 1;
    const int groups = (n + most - 1) / most;
    int group = 0;
    while ((group + 1) * n / groups <= work->cluster->node_rank) {
        ++group;
    }
    const int writer = group * n / groups;
    const int senders = (group + 1) * n / groups - writer - 1;
    return hm_pipe_open(pipe, work, work->cluster->node, HM_TAG_BAND, writer, senders,
                        hm_work_deliver);
}

static void run(hm_work_t *work) {
    hm_pipe_t pipe;
    if (hm_work_ready(work, open_pipe(work, &pipe))) {
        if (pipe.writes) {
            work->serve = receive;
            work->served = &pipe;
            compute_and_write(work);
        } else {
            compute_and_send(work, &pipe);
        }
        hm_pipe_finish(&pipe);
        work->serve = NULL;
    }
    hm_pipe_close(&pipe);
}

const hm_strategy_t hm_strategy_pipeline = {
    .name = "pipeline",
    .what = "compute band k+1 while k travels to the group's writer and k-1 is written",
    .pattern = "non-blocking pipe, double buffered",
    .mpi = "persistent Ssend and Recv, Testsome",
    .run = run,
};
