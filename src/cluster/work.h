/**
 * @file work.h
 * What every strategy works with: one rank's side of one hm_strategy_run(). Private to
 * src/cluster/.
 *
 * How a strategy is written: its `run` prepares, asks hm_work_ready() whether all ranks have, in
 * any case, hands out the bands 0 .. job->bands-1 and returns when this rank has nothing more to
 * do, in every case - also when the run is stopping - having completed every message that it sent
 * and received every message that was sent to it. It looks at the results of hm_work_band() and its
 * like only to know whether to go on: they record a failure, raise the alarm, and return false from
 * then on. hm_strategy_run() waits for all ranks afterwards.
 */
#ifndef HM_CLUSTER_WORK_H
#define HM_CLUSTER_WORK_H

#include "hm_strategy.h"

/** Tags of the strategies' messages on cluster->comm and on the node's communicator. */
enum { HM_TAG_ASK = 101, HM_TAG_PORTION = 102, HM_TAG_BAND = 103, HM_TAG_FUNNEL = 104 };

typedef struct hm_work_t {
    const hm_cluster_t *cluster;
    const hm_job_t *job;
    hm_strategy_options_t options;
    hm_account_t *account;
    hm_error_t *err;
    hm_status_t prepared;     /* this rank's outcome of what comes before the strategy */
    bool started;             /* all ranks have been ready */
    hm_status_t status;       /* this rank's: HM_OK, its own failure, or HM_STOPPED */
    hm_progress_t progress;   /* what callbacks get: looks after alarm and messages */
    void *buffer;             /* room for a band */
    void (*serve)(void *of);  /* the strategy's messages; called from `progress`; NULL: none */
    void *served;             /* its argument */
    struct hm_route_t *route; /* the way bands take to the file */
    bool writing;             /* a band is being delivered: nothing may be delivered in between */
    bool serving;             /* `serve` is being called: it must not be called within itself */
    hm_error_t compute_err, deliver_err; /* one each, as deliver may be called within compute */
} hm_work_t;

/** A buffer as job->compute wants it: 64-byte aligned, `bytes` rounded up. NULL: out of memory.
 * Free with free(). */
void *hm_work_alloc(size_t bytes);

/**
 * Collective over cluster->comm, before the first band: whether all ranks have prepared
 * successfully, `mine` and work->err being this rank's outcome. When false, no rank may go on. May
 * be asked several times, after each step that needs the one before on all ranks.
 */
bool hm_work_ready(hm_work_t *work, hm_status_t mine);

/** Records this rank's failure (the first one counts) and tells all others. `err` is where its
 * message is; may be work->err. */
void hm_work_fail(hm_work_t *work, hm_status_t status, const hm_error_t *err);

/** As hm_work_fail() if MPI's `code` is an error. True if it is none. */
bool hm_work_mpi(hm_work_t *work, int code, const char *what);

/** Computes a band into `buffer`. False: there is no result, the run is stopping. */
bool hm_work_compute(hm_work_t *work, int64_t band, void *buffer);

/** Sends a band on its way to job->deliver. A band that has been computed is delivered also when
 * the run is stopping early, not when it has failed. False: the run is stopping. */
bool hm_work_deliver(hm_work_t *work, int64_t band, const void *buffer);

/** Calls job->deliver here and now, on the same terms. */
bool hm_work_write(hm_work_t *work, int64_t band, const void *buffer);

/** Computes and delivers a band in work->buffer, looks after the messages before either. */
bool hm_work_band(hm_work_t *work, int64_t band);

/** Looks after alarm and messages. False: the run is stopping. */
bool hm_work_going(hm_work_t *work);

/** One turn of waiting: looks after alarm and messages, then idles. The state becomes waiting. */
void hm_work_idle(hm_work_t *work, unsigned *turns);

/** Waits until `request` is complete, also when the run is stopping. False: MPI failed. */
bool hm_work_wait(hm_work_t *work, MPI_Request *request, const char *what);

/**
 * Collective over cluster->comm: waits until all ranks have come here, looking after alarm and
 * messages meanwhile. Belongs before collective calls that free things, as those only block.
 * Returns the gravest status that a rank came with, the same on all ranks.
 */
hm_status_t hm_work_meet(hm_work_t *work);

/** Books a message of this rank. */
static inline void hm_work_sent(hm_work_t *work, size_t bytes) {
    ++work->account->messages;
    work->account->bytes += (int64_t)bytes;
}

#endif
