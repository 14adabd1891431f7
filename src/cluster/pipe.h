/**
 * @file pipe.h
 * A one-way pipe for bands: several senders, one writer, neither waiting for the other as long as
 * there is room. Private to src/cluster/.
 *
 * A sender has two buffers: it fills one while the other travels. The writer keeps receives posted,
 * a buffer each, and takes what has come whenever it looks. Memory is bounded on both sides: the
 * sends are synchronous, complete only when the writer has begun to receive, so no sender is ever
 * more than two bands ahead, and nothing piles up unreceived at the writer, small bands included.
 *
 * A sender's last message is a packet without a band, sent in every case, so that the writer knows
 * when nothing is under way any more.
 */
#ifndef HM_CLUSTER_PIPE_H
#define HM_CLUSTER_PIPE_H

#include "work.h"

enum { HM_PIPE_RECEIVING = HM_PIPE_SENDERS }; /* most buffers of a writer */

/** What the writer does with a band that has come. */
typedef bool hm_pipe_take_t(hm_work_t *work, int64_t band, const void *buffer);

typedef struct hm_pipe_t {
    hm_work_t *work;
    hm_pipe_take_t *take;
    bool writes;       /* this rank is the writer */
    bool started;      /* writer: the receives are posted */
    int open;          /* writer: senders that have not sent their last packet */
    int64_t bands;     /* sent, or received, here */
    int64_t announced; /* writer: bands that the last packets say have been sent */
    int slot;          /* sender: the buffer to fill next */
    int packets;       /* buffers of this rank */
    int lines;         /* length of a packet in lines */
    MPI_Datatype line; /* so that the length fits an int */
    char *packet[HM_PIPE_RECEIVING];
    MPI_Request request[HM_PIPE_RECEIVING]; /* persistent, one a packet */
} hm_pipe_t;

/**
 * Opens this rank's end of a pipe from `senders` ranks of `comm` to its rank `writer`; messages
 * have the given tag. Not collective; all ends must be open (hm_work_ready()) before the first
 * packet. On failure hm_pipe_close() is still due.
 */
hm_status_t hm_pipe_open(hm_pipe_t *pipe, hm_work_t *work, MPI_Comm comm, int tag, int writer,
                         int senders, hm_pipe_take_t *take);

/** Takes what has come, on the writer, and what is behind it, up to two bands a sender. Must be
 * called by whatever is looked after while waiting; does nothing while this rank is writing a band.
 */
void hm_pipe_receive(hm_pipe_t *pipe);

/** Sender: waits for a free buffer and returns its room for a band; NULL: MPI failed. */
void *hm_pipe_buffer(hm_pipe_t *pipe);

/** Sender: sends the band that has been put into hm_pipe_buffer()'s buffer. */
bool hm_pipe_send(hm_pipe_t *pipe, int64_t band);

/** All ends, once each, also when the run is stopping: returns when nothing is under way. */
void hm_pipe_finish(hm_pipe_t *pipe);

/** Frees this end. */
void hm_pipe_close(hm_pipe_t *pipe);

#endif
