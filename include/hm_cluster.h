/**
 * @file hm_cluster.h
 * The ranks of a run: communicators, nodes, polite waiting, agreement on errors, and the alarm that
 * stops everybody.
 *
 * All communicators here return errors (MPI_ERRORS_RETURN). Nothing here knows kernels or files.
 */
#ifndef HM_CLUSTER_H
#define HM_CLUSTER_H

#include <mpi.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "hm_error.h"

/**
 * MPI_Init_thread() at the level this program needs (FUNNELED: threads compute, the main thread
 * speaks to MPI), and MPI_Finalize(). They return what those return; MPI_ERR_OTHER: MPI gives less.
 *
 * Where mpirun started more ranks on the node than it has processors, they see to it that ranks do
 * not burn their time slices waiting for each other in there: src/cluster/start.c. Meanwhile system
 * calls may be interrupted by a signal (SA_RESTART), and HWLOC_COMPONENTS and UCX_TLS are set in
 * the environment where they were not.
 */
int hm_mpi_start(int *argc, char ***argv);
int hm_mpi_end(void);

/** The ranks as one run sees them. Made by hm_cluster_open(), closed by hm_cluster_close(). */
typedef struct hm_cluster_t {
    MPI_Comm comm;    /**< duplicate of the communicator given: strategies' messages travel here */
    MPI_Comm node;    /**< the ranks that share memory with this one */
    MPI_Comm leaders; /**< rank 0 of each node; MPI_COMM_NULL on the others */
    int rank, size;
    int node_rank, node_size;
    int node_index,
        nodes; /**< which node this is, of how many; nodes are numbered by their leaders' ranks */
    bool oversubscribed; /**< more ranks on some node than processors they may use */
    struct hm_alarm_t *alarm;
    struct hm_node_t *memory; /**< what the node's ranks share: src/cluster/node.h */
} hm_cluster_t;

/** Collective over `comm`. HM_EMISSING when MPI cannot give what is needed (the message carries
 * MPI's own). */
hm_status_t hm_cluster_open(MPI_Comm comm, hm_cluster_t *cluster, hm_error_t *err);

/** Collective. Must not be called with strategies' messages under way. */
void hm_cluster_close(hm_cluster_t *cluster);

/**
 * The agreement point: collective over cluster->comm; every rank brings its own status and message
 * and all leave with the same status: the gravest (an error before HM_STOPPED before HM_OK; among
 * errors the lowest rank's). On the rank whose failure was chosen, *speaker is true: it alone
 * reports `err`. On the others err->status is set, its text is emptied.
 */
hm_status_t hm_agree(const hm_cluster_t *cluster, hm_status_t mine, hm_error_t *err, bool *speaker);

/**
 * The greatest of what the ranks bring (each 0 or more), in *most. Collective over cluster->comm;
 * waits politely. Ranks of a node meet in the memory they share and only leaders send messages, so
 * that it is quick where many ranks take turns on few processors: 64 ranks on 2 take about a
 * millisecond, with MPI_Allreduce 12. HM_EIO, HM_EBUG: MPI failed.
 */
hm_status_t hm_most(const hm_cluster_t *cluster, int64_t mine, int64_t *most, hm_error_t *err);

/** Turns an MPI error code into HM_EIO or HM_EBUG with MPI's message behind `what`; HM_OK for
 * MPI_SUCCESS. */
hm_status_t hm_mpi_check(int code, const char *what, hm_error_t *err);

/**
 * Waits without burning a core that other ranks need: tests, then yields, then sleeps 1 us growing
 * to 2 ms. MPI's error is returned as by hm_mpi_check().
 *
 * MPI's own blocking calls are as polite where MPICH runs on UCX: see src/cluster/polite.c.
 */
hm_status_t hm_wait(MPI_Request *request, const char *what, hm_error_t *err);
hm_status_t hm_wait_all(int count, MPI_Request *requests, const char *what, hm_error_t *err);

/** One step of polite idleness: call in a loop that waits for something, `*turns` starting at 0.
 * Needs no MPI. */
void hm_idle(unsigned *turns);

/**
 * The alarm: any rank may raise it, at any time, without the others' help; all others see it in
 * hm_alarm_poll() soon after (it travels along a binary tree of small messages, so all ranks must
 * poll now and then). The gravest status raised wins: any error before HM_STOPPED. Raise HM_STOPPED
 * to ask for a clean early end; an error to make all ranks give up. hm_alarm_poll() is cheap (one
 * MPI_Test) and is also what drives MPI's progress.
 */
void hm_alarm_raise(const hm_cluster_t *cluster, hm_status_t status);
hm_status_t hm_alarm_poll(const hm_cluster_t *cluster);

/**
 * From now on hm_alarm_poll() on this rank raises HM_STOPPED when it finds `*flag` not 0: for
 * signal handlers and timers, which may do no more than set a flag. NULL: no longer. Not
 * collective; the flag must live as long as it is watched.
 */
void hm_alarm_watch(const hm_cluster_t *cluster, const volatile sig_atomic_t *flag);

/**
 * Collective: after a run that was stopped, makes the alarm ready for another one. Returns what had
 * been raised, the same on all ranks.
 */
hm_status_t hm_alarm_reset(const hm_cluster_t *cluster);

#endif
