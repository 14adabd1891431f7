/**
 * @file hm_simulate.h
 * What a run would be like on a machine that is not here: every strategy as a discrete-event
 * simulation of its ranks, which take bands, compute and deliver them, and ask for more.
 *
 * Who gets which band, and when a rank asks, is decided by the functions of hm_portion.h that the
 * strategies themselves call. What is simulated is time: computing, writing, messages, and that a
 * rank which computes looks at its messages only now and then. Events are kept in a heap, so that
 * a band costs O(log ranks); a round, in which all ranks write together, costs O(ranks).
 *
 * Pure computing: no messages, no files, not collective. The same request gives the same result.
 */
#ifndef HM_SIMULATE_H
#define HM_SIMULATE_H

#include <stdbool.h>
#include <stdint.h>

#include "hm_delivery.h"
#include "hm_error.h"
#include "hm_portion.h"

/** What a machine is like. Times are seconds; zeros make a machine on which only computing takes
 * time. */
typedef struct hm_machine_t {
    double band;         /**< of a rank for each band, whatever its size: taking and writing it */
    double byte;         /**< of a rank for each byte that it writes */
    double latency;      /**< of a message between nodes, one way */
    double node_latency; /**< of a message within a node, one way */
    double transfer;     /**< of each byte of a message */
    double answer;       /**< of a rank that answers a question */
    double poll;         /**< between two looks at the messages while computing;
                              when it has computed a rank looks, too, and when it has written */
    double round;        /**< ROUNDS: of writing together, whatever there is to write */
    double bandwidth;    /**< bytes a second that the file system takes from all; 0: no limit */
} hm_machine_t;

/** What is to be run, on what. Arrays are borrowed. */
typedef struct hm_simulation_t {
    int64_t bands;
    const double *seconds;  /**< [bands] that a rank computes, >= 0 */
    const double *work;     /**< [bands] what imbalance is measured in; NULL: `seconds` */
    const double *forecast; /**< [bands] costs as `predict` foresees them; NULL: `seconds` */
    double probe;           /**< seconds that foreseeing takes a rank, for each band */
    double band_bytes;      /**< of a band in the file */
    int ranks;              /**< >= 1 */
    int nodes;              /**< 1 .. ranks; ranks are spread evenly, neighbours on one node */
    hm_portion_t portion;
    bool idle_coordinator; /**< `pool` */
    hm_delivery_t delivery;
    hm_machine_t machine;
} hm_simulation_t;

/** What it comes to. */
typedef struct hm_simulated_t {
    double seconds;   /**< until the last rank is done */
    double busy;      /**< seconds that all ranks together compute */
    double busy_most; /**< of the rank that computes longest */
    double writing;   /**< seconds that all ranks together write, or are in rounds */
    double work_most; /**< work of the rank that has most */
    double imbalance; /**< that over the mean; 1 where there is no work */
    int64_t messages; /**< questions that were answered: draws from a common counter too */
} hm_simulated_t;

/**
 * Simulates the strategy called `strategy`. HM_EUSAGE: there is no model of that name, or no rank,
 * or fewer ranks than nodes. HM_EMISSING: out of memory (some 100 bytes a rank, 16 a band).
 */
hm_status_t hm_simulate(const char *strategy, const hm_simulation_t *simulation,
                        hm_simulated_t *result, hm_error_t *err);

/** The bytes of bands, beside the file's and the program's own, that a rank of this strategy holds
 * at most: buffers of `band_bytes` and tables. HM_EUSAGE: there is no such model. */
hm_status_t hm_simulate_memory(const char *strategy, const hm_simulation_t *simulation,
                               double *bytes, hm_error_t *err);

enum { HM_SIMULATE_THREADS = 4096 };

/**
 * Seconds that a band takes 1 .. HM_SIMULATE_THREADS threads, who share out its rows as those of a
 * rank do (hm_thread_pieces()): row[rows] is what each row takes one of them.
 */
double hm_simulate_threads(const double *row, int64_t rows, int threads);

#endif
