/**
 * @file node.h
 * What the ranks of a node share: a little memory, made once when the cluster is opened, and
 * meetings in it. Private to src/cluster/.
 *
 * A meeting brings every rank's number together and tells all ranks the greatest. An MPI_Allreduce
 * does the same by log2(ranks) messages to and from each rank; where ranks take turns on few
 * processors every one of them waits for a turn (64 ranks on 2 processors: 12 ms). Here each rank
 * adds to a counter in the node's memory, and looks at it now and then; only node leaders speak
 * MPI.
 */
#ifndef HM_CLUSTER_NODE_H
#define HM_CLUSTER_NODE_H

#include <stdatomic.h>

#include "hm_cluster.h"

enum { HM_NODE_PROCESSORS = 1024 / 64 }; /* words of a set of processors */

/** One of two meeting places that take turns. */
typedef struct hm_place_t {
    _Alignas(64) _Atomic int64_t arrived; /* ranks */
    _Atomic int64_t most;                 /* of what they brought */
    _Atomic int64_t outcome;              /* what everybody leaves with */
} hm_place_t;

/** The node's memory. What is written often by different ranks stands on lines of its own. */
typedef struct hm_shared_t {
    _Alignas(64) _Atomic int64_t ticket; /* the common counter of a run on one node */
    _Alignas(64) _Atomic int64_t rows;   /* hm_tally's: done on this node ... */
    _Atomic uint64_t updates;            /* ... and the updates they stand for */
    _Alignas(64) _Atomic int64_t over;   /* meetings that are */
    hm_place_t place[2];
    _Alignas(64) _Atomic uint64_t processors[HM_NODE_PROCESSORS]; /* that its ranks may use */
} hm_shared_t;

/** A rank's side of it. */
struct hm_node_t {
    MPI_Win window;
    hm_shared_t *shared;
    int64_t begun; /* meetings that this rank has come to */
};

/** Collective over cluster->comm, whose node, leaders and their numbers are known. `node` is the
 * caller's, from malloc(): hm_node_close() frees it. */
hm_status_t hm_node_open(const hm_cluster_t *cluster, struct hm_node_t *node, hm_error_t *err);

/** Collective over `node`'s ranks. NULL: nothing. */
void hm_node_close(struct hm_node_t *node);

/** A rank at a meeting. */
typedef struct hm_meeting_t {
    int64_t number;
    int64_t most;
    MPI_Request request; /* among leaders */
    bool asked;          /* the leaders have begun */
} hm_meeting_t;

/** Comes to the next meeting with `mine`, 0 or more, and does not wait. All ranks of the cluster
 * come to the same meetings in the same order, and leave one before they come to the next. */
void hm_meeting_begin(const hm_cluster_t *cluster, hm_meeting_t *meeting, int64_t mine);

/**
 * Looks whether all have come; if so, *most is the greatest of what they brought. Must be called
 * until it says so. Drives MPI only on leaders, and only with several nodes: whoever waits looks
 * after MPI itself. HM_EIO, HM_EBUG: MPI failed; then the meeting is over, too.
 */
hm_status_t hm_meeting_look(const hm_cluster_t *cluster, hm_meeting_t *meeting, bool *over,
                            int64_t *most, hm_error_t *err);

/**
 * Collective over `node`: `bytes` of zeroed memory that its ranks share, in *memory, aligned to a
 * cache line. Freed by MPI_Win_free().
 */
hm_status_t hm_share(MPI_Comm node, size_t bytes, MPI_Win *window, void **memory, hm_error_t *err);

#endif
