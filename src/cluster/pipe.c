/** @file pipe.c A pipe for bands. */
#include "pipe.h"

#include <stdlib.h>

/* A packet is a head, alone on its line so that what follows is aligned, and the band. */
enum { LINE = 64 };
static const int64_t NO_BAND = -1; /* the sender's last packet */

typedef struct head_t {
    int64_t band;
    int64_t sent; /* bands before this packet: a last packet may overtake them on arrival */
} head_t;

static head_t *packet_head(char *packet) {
    return (head_t *)(void *)packet;
}

static void *packet_band(char *packet) {
    return packet + LINE;
}

static bool drained(const hm_pipe_t *pipe) {
    return pipe->open == 0 && pipe->bands == pipe->announced;
}

hm_status_t hm_pipe_open(hm_pipe_t *pipe, hm_work_t *work, MPI_Comm comm, int tag, int writer,
                         int senders, hm_pipe_take_t *take) {
    hm_status_t status = HM_OK;
    int rank = 0;
    MPI_Comm_rank(comm, &rank);
    *pipe = (hm_pipe_t){.work = work, .take = take, .writes = rank == writer, .line = MPI_BYTE};
    for (int i = 0; i < HM_PIPE_RECEIVING; ++i) {
        pipe->request[i] = MPI_REQUEST_NULL;
    }
    const size_t lines = 1 + (work->job->band_bytes + LINE - 1) / LINE;
    if (lines > INT32_MAX) {
        return hm_error_set(work->err, HM_EUSAGE,
                            "a band of %zu bytes is too large for a message; use smaller bands",
                            work->job->band_bytes);
    }
    pipe->lines = (int)lines;
    pipe->open = pipe->writes ? senders : 0;
    int receives = senders < HM_PIPE_RECEIVING ? senders : HM_PIPE_RECEIVING;
    int packets = pipe->writes ? receives : HM_PIPE_AHEAD;
    MPI_Datatype line = MPI_DATATYPE_NULL;
    HM_TRY(hm_mpi_check(MPI_Type_contiguous(LINE, MPI_BYTE, &line), "opening a pipe", work->err));
    pipe->line = line;
    HM_TRY(hm_mpi_check(MPI_Type_commit(&pipe->line), "opening a pipe", work->err));
    for (int i = 0; i < packets; ++i) {
        pipe->packet[i] = hm_work_alloc(lines * LINE);
        if (pipe->packet[i] == NULL) {
            return hm_error_set(work->err, HM_EMISSING, "out of memory for a band of %zu bytes",
                                work->job->band_bytes);
        }
        HM_TRY(hm_mpi_check(pipe->writes
                                ? MPI_Recv_init(pipe->packet[i], pipe->lines, pipe->line,
                                                MPI_ANY_SOURCE, tag, comm, &pipe->request[i])
                                : MPI_Ssend_init(pipe->packet[i], pipe->lines, pipe->line, writer,
                                                 tag, comm, &pipe->request[i]),
                            "opening a pipe", work->err));
        ++pipe->packets;
    }
    if (pipe->writes && pipe->packets > 0) {
        HM_TRY(
            hm_mpi_check(MPI_Startall(pipe->packets, pipe->request), "opening a pipe", work->err));
        pipe->started = true;
    }
cleanup:
    return status;
}

/* Takes what a single test finds. Returns how many packets that were. */
static int take_some(hm_pipe_t *pipe) {
    int count = 0;
    int which[HM_PIPE_RECEIVING];
    MPI_Status statuses[HM_PIPE_RECEIVING];
    if (!hm_work_mpi(pipe->work,
                     MPI_Testsome(pipe->packets, pipe->request, &count, which, statuses),
                     "receiving bands") ||
        count == MPI_UNDEFINED) {
        return 0;
    }
    for (int i = 0; i < count; ++i) {
        char *packet = pipe->packet[which[i]];
        const head_t head = *packet_head(packet);
        if (head.band == NO_BAND) {
            --pipe->open;
            pipe->announced += head.sent;
        } else {
            ++pipe->bands;
            pipe->take(pipe->work, head.band, packet_band(packet));
        }
        hm_work_mpi(pipe->work, MPI_Start(&pipe->request[which[i]]), "receiving bands");
    }
    return count;
}

/*
 * A test moves a large message on by a piece only (UCX: 512 KiB of each), so it takes several until
 * it is here; and behind what is taken the sender's other buffer may be waiting. What is not
 * fetched now waits for the next look, its sender with it. Not for ever, though: there is more to
 * look after than this pipe.
 */
void hm_pipe_receive(hm_pipe_t *pipe) {
    enum { PIECE = 1 << 19, MOST_TESTS = 100 };
    if (!pipe->writes || pipe->work->writing) {
        return;
    }
    const int64_t pieces = (int64_t)pipe->lines * LINE / PIECE + 1;
    const int patience = pieces < MOST_TESTS ? (int)pieces : MOST_TESTS;
    const int most = HM_PIPE_AHEAD * pipe->packets;
    int taken = 0;
    for (int empty = 0; empty < patience && taken < most && !drained(pipe);) {
        const int count = take_some(pipe);
        taken += count;
        empty = count > 0 ? 0 : empty + 1;
    }
}

void *hm_pipe_buffer(hm_pipe_t *pipe) {
    if (!hm_work_wait(pipe->work, &pipe->request[pipe->slot], "sending a band")) {
        return NULL;
    }
    return packet_band(pipe->packet[pipe->slot]);
}

bool hm_pipe_send(hm_pipe_t *pipe, int64_t band) {
    *packet_head(pipe->packet[pipe->slot]) = (head_t){.band = band, .sent = pipe->bands};
    pipe->bands += band != NO_BAND;
    hm_state_t before = hm_account_enter(pipe->work->account, HM_STATE_TALKING);
    hm_work_sent(pipe->work, (size_t)pipe->lines * LINE);
    bool sent = hm_work_mpi(pipe->work, MPI_Start(&pipe->request[pipe->slot]), "sending a band");
    hm_account_enter(pipe->work->account, before);
    pipe->slot = (pipe->slot + 1) % HM_PIPE_AHEAD;
    return sent;
}

void hm_pipe_finish(hm_pipe_t *pipe) {
    if (pipe->writes) {
        for (unsigned turns = 0; !drained(pipe);) {
            int64_t before = pipe->bands;
            hm_work_idle(pipe->work, &turns);
            turns = pipe->bands > before ? 0 : turns;
        }
    } else if (hm_pipe_buffer(pipe) != NULL && hm_pipe_send(pipe, NO_BAND)) {
        for (int i = 0; i < HM_PIPE_AHEAD; ++i) {
            hm_work_wait(pipe->work, &pipe->request[i], "sending a band");
        }
    }
}

void hm_pipe_close(hm_pipe_t *pipe) {
    for (int i = 0; i < pipe->packets; ++i) {
        if (pipe->started) {
            /* All has been received: nothing can match what is still posted. */
            MPI_Cancel(&pipe->request[i]);
            MPI_Wait(&pipe->request[i], MPI_STATUS_IGNORE);
        }
        MPI_Request_free(&pipe->request[i]);
    }
    for (int i = 0; i < HM_PIPE_RECEIVING; ++i) {
        free(pipe->packet[i]);
    }
    if (pipe->line != MPI_BYTE) {
        MPI_Type_free(&pipe->line);
    }
    *pipe = (hm_pipe_t){.line = MPI_BYTE};
}
