/**
 * @file pipeline.c
 * A non-blocking pipe: while a rank computes band k+1, its band k travels to the writer of its
 * group, and band k-1 is being written there.
 *
 * The ranks of a node form groups of one writer and at most SENDERS senders. Bands go to ranks as
 * in `cyclic`. A sender has two buffers: it computes into one while the other travels. The writer
 * keeps one receive posted for each sender, and computes too: what has come it delivers from
 * `progress`.
 *
 * Memory is bounded on both sides: the sends are synchronous, complete only when the writer has
 * begun to receive, so no sender is ever more than two bands ahead, and nothing piles up unreceived
 * at the writer, small bands included.
 *
 * A sender's last message is a packet without a band. It comes also when the run is stopping, so
 * the writer knows when nothing is under way any more.
 */
#include <stdlib.h>

#include "../work.h"
#include "strategies.h"

enum {
    SENDERS = 8,  /* a writer's share of a node: a buffer each */
    BUFFERS = 2,  /* of a sender */
    LINE = 64,    /* bytes of a packet's head, so that the band behind it is aligned */
    NO_BAND = -1, /* in the head: the sender's last packet */
};

/* A packet is a head of one line, which holds the band's number, and the band. */
static void *packet_band(char *packet) {
    return packet + LINE;
}

static int64_t *packet_number(char *packet) {
    return (int64_t *)(void *)packet;
}

typedef struct pipe_t {
    hm_work_t *work;
    int writer;        /* of this group, as a rank of the node */
    int senders;       /* of this group */
    int packets;       /* here: BUFFERS for a sender, one a sender for the writer */
    int lines;         /* of a packet */
    MPI_Datatype line; /* LINE bytes, so that a packet's length fits an int */
    int open;          /* writer: senders that have not sent their last packet */
    char *packet[SENDERS];
    MPI_Request request[SENDERS]; /* persistent, one a packet */
} pipe_t;

static bool writes(const pipe_t *pipe) {
    return pipe->work->cluster->node_rank == pipe->writer;
}

/* --- the writer
 * ---------------------------------------------------------------------------------*/

/* Delivers what has come and receives on. Called from `progress` and while waiting. */
static void receive(void *context) {
    pipe_t *pipe = context;
    hm_work_t *work = pipe->work;
    int count = 0;
    int which[SENDERS];
    MPI_Status statuses[SENDERS];
    if (pipe->open == 0 ||
        !hm_work_mpi(work, MPI_Testsome(pipe->senders, pipe->request, &count, which, statuses),
                     "receiving bands") ||
        count == MPI_UNDEFINED) {
        return;
    }
    for (int i = 0; i < count; ++i) {
        char *packet = pipe->packet[which[i]];
        if (*packet_number(packet) == NO_BAND) {
            --pipe->open;
            continue;
        }
        hm_work_deliver(work, *packet_number(packet), packet_band(packet));
        hm_work_mpi(work, MPI_Start(&pipe->request[which[i]]), "receiving bands");
    }
}

static void compute_and_write(pipe_t *pipe) {
    hm_work_t *work = pipe->work;
    pipe->open = pipe->senders;
    if (pipe->senders > 0 &&
        !hm_work_mpi(work, MPI_Startall(pipe->senders, pipe->request), "receiving bands")) {
        return;
    }
    work->serve = receive;
    work->served = pipe;
    for (int64_t band = work->cluster->rank; band < work->job->bands; band += work->cluster->size) {
        if (!hm_work_band(work, band)) {
            break;
        }
    }
    for (unsigned turns = 0; pipe->open > 0;) {
        hm_work_idle(work, &turns);
    }
    work->serve = NULL;
}

/* --- a sender
 * -----------------------------------------------------------------------------------*/

/* Waits until packet `i` may be written again. */
static bool vacate(pipe_t *pipe, int i) {
    return hm_work_wait(pipe->work, &pipe->request[i], "sending a band");
}

static bool send(pipe_t *pipe, int i, int64_t band) {
    *packet_number(pipe->packet[i]) = band;
    hm_state_t before = hm_account_enter(pipe->work->account, HM_STATE_TALKING);
    hm_work_sent(pipe->work, (size_t)pipe->lines * LINE);
    bool sent = hm_work_mpi(pipe->work, MPI_Start(&pipe->request[i]), "sending a band");
    hm_account_enter(pipe->work->account, before);
    return sent;
}

static void compute_and_send(pipe_t *pipe) {
    hm_work_t *work = pipe->work;
    int i = 0;
    for (int64_t band = work->cluster->rank; band < work->job->bands; band += work->cluster->size) {
        if (!vacate(pipe, i) || !hm_work_going(work) ||
            !hm_work_compute(work, band, packet_band(pipe->packet[i])) || !send(pipe, i, band)) {
            break;
        }
        i = (i + 1) % BUFFERS;
    }
    if (vacate(pipe, i) && send(pipe, i, NO_BAND)) {
        for (int k = 0; k < BUFFERS; ++k) {
            vacate(pipe, k);
        }
    }
}

/* --- both
 * ---------------------------------------------------------------------------------------*/

/* Splits the node's ranks into groups as even as can be; a group's first rank writes. */
static void join_group(pipe_t *pipe) {
    const int n = pipe->work->cluster->node_size;
    const int me = pipe->work->cluster->node_rank;
    const int groups = (n + SENDERS) / (SENDERS + 1);
    int group = 0;
    while ((group + 1) * n / groups <= me) {
        ++group;
    }
    pipe->writer = group * n / groups;
    pipe->senders = (group + 1) * n / groups - pipe->writer - 1;
}

static hm_status_t open_pipe(pipe_t *pipe) {
    hm_work_t *work = pipe->work;
    hm_status_t status = HM_OK;
    const MPI_Comm node = work->cluster->node;
    join_group(pipe);
    size_t lines = 1 + (work->job->band_bytes + LINE - 1) / LINE;
    if (lines > INT32_MAX) {
        return hm_error_set(work->err, HM_EUSAGE,
                            "a band of %zu bytes is too large for a message; use smaller bands",
                            work->job->band_bytes);
    }
    pipe->lines = (int)lines;
    HM_TRY(hm_mpi_check(MPI_Type_contiguous(LINE, MPI_BYTE, &pipe->line), "opening the pipe",
                        work->err));
    HM_TRY(hm_mpi_check(MPI_Type_commit(&pipe->line), "opening the pipe", work->err));
    pipe->packets = writes(pipe) ? pipe->senders : BUFFERS;
    for (int i = 0; i < pipe->packets; ++i) {
        pipe->packet[i] = hm_work_alloc(lines * LINE);
        if (pipe->packet[i] == NULL) {
            return hm_error_set(work->err, HM_EMISSING, "out of memory for a band of %zu bytes",
                                work->job->band_bytes);
        }
        HM_TRY(hm_mpi_check(
            writes(pipe) ? MPI_Recv_init(pipe->packet[i], pipe->lines, pipe->line,
                                         pipe->writer + 1 + i, HM_TAG_BAND, node, &pipe->request[i])
                         : MPI_Ssend_init(pipe->packet[i], pipe->lines, pipe->line, pipe->writer,
                                          HM_TAG_BAND, node, &pipe->request[i]),
            "opening the pipe", work->err));
    }
cleanup:
    return status;
}

static void close_pipe(pipe_t *pipe) {
    for (int i = 0; i < SENDERS; ++i) {
        if (pipe->request[i] != MPI_REQUEST_NULL) {
            MPI_Request_free(&pipe->request[i]);
        }
        free(pipe->packet[i]);
    }
    if (pipe->line != MPI_DATATYPE_NULL) {
        MPI_Type_free(&pipe->line);
    }
}

static void run(hm_work_t *work) {
    pipe_t pipe = {.work = work, .line = MPI_DATATYPE_NULL};
    for (int i = 0; i < SENDERS; ++i) {
        pipe.request[i] = MPI_REQUEST_NULL;
    }
    if (hm_work_ready(work, open_pipe(&pipe))) {
        if (writes(&pipe)) {
            compute_and_write(&pipe);
        } else {
            compute_and_send(&pipe);
        }
    }
    close_pipe(&pipe);
}

const hm_strategy_t hm_strategy_pipeline = {
    .name = "pipeline",
    .what = "compute band k+1 while k travels to the group's writer and k-1 is written",
    .pattern = "non-blocking pipe, double buffered",
    .mpi = "persistent Ssend and Recv, Testsome",
    .run = run,
};
