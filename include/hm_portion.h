/**
 * @file hm_portion.h
 * How strategies share out bands: their decisions, as pure functions of numbers. A strategy calls
 * them in a run, and the simulation of runs (hm_simulate.h) calls the same ones, so that the two
 * cannot drift apart. No messages, no clocks, not collective: all ranks derive the same.
 *
 * Portions are a table, so that handing out work is handing out the numbers 0, 1, 2, ...: one
 * fetch-and-add, whatever the sizes. Shrinking portions without a table need a compare-and-swap
 * loop or a lock.
 */
#ifndef HM_PORTION_H
#define HM_PORTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hm_error.h"

/**
 * How `pool`, `counter` and `hier` size their portions. What is right depends on what asking for
 * one costs, and on how uneven the costs are: large portions at the beginning save questions, but
 * the first one may hold more than a rank's share of all work.
 *
 * Measured with `pool` on 8 ranks, 128 bands of 4 ms a rank with the rows' costs of four views,
 * efficiency (busy time over ranks x wall time; the better of two runs), lowest to highest over the
 * views: AUTO 0.98 to 1.00, FIXED 0.96 to 0.99, GUIDED 0.93 to 0.99, FACTORING 0.75 to 0.99. With
 * few bands FIXED with known costs is best: 32 bands on 8 ranks are computed 7.8 times as fast as
 * on one, in the order of rows 7.5 times.
 */
typedef enum hm_portion_t {
    HM_PORTION_AUTO,     /**< GUIDED, but at most 1/16 of an equal share; FIXED where asking costs
                            nothing (`counter` on one node) */
    HM_PORTION_FIXED,    /**< one band at a time (`hier`: one for each rank of the smallest node);
                            the costliest first where costs are known */
    HM_PORTION_GUIDED,   /**< remaining / (2 * ranks): Polychronopoulos and Kuck 1987,
                            doi:10.1109/TC.1987.5009495 */
    HM_PORTION_FACTORING /**< batches of half the remainder: Hummel, Schonberg, Flynn 1992,
                            doi:10.1145/135226.135232 */
} hm_portion_t;

/** Where part `part` of `parts` contiguous parts starts, equal but for one band. */
static inline int64_t hm_part_start(int64_t bands, int part, int parts) {
    return bands / parts * part + bands % parts * part / parts;
}

typedef struct hm_portions_t {
    int64_t count;
    int64_t *first; /**< [count + 1]: portion k is the places [first[k], first[k + 1]); owned */
    int64_t *order; /**< [bands]: the band at a place; NULL: place and band are the same; owned */
} hm_portions_t;

/**
 * Cuts `bands` for `takers` who draw portions, none of fewer than `least` bands but the last. With
 * `cost` ([bands], NULL: unknown) FIXED portions hold the costliest bands first. HM_EMISSING: out
 * of memory. Free with hm_portions_free(), also one that is all zeros.
 */
hm_status_t hm_portions_make(hm_portion_t kind, int64_t bands, const double *cost, int takers,
                             int64_t least, hm_portions_t *portions, hm_error_t *err);
void hm_portions_free(hm_portions_t *portions);

static inline int64_t hm_portions_band(const hm_portions_t *portions, int64_t place) {
    return portions->order == NULL ? place : portions->order[place];
}

/**
 * Whether the portion after number `k` should be asked for while the last band of `k` is being
 * computed. Not of a single band near the end: what is asked for ahead waits behind the present
 * band, which may be a costly one, while another rank has nothing to do.
 */
static inline bool hm_portions_ahead(const hm_portions_t *portions, int64_t k, int takers) {
    const int64_t left = portions->first[portions->count] - portions->first[k + 1];
    return portions->first[k + 1] - portions->first[k] > 1 || left >= 4 * (int64_t)takers;
}

/** `counter`: what `kind` stands for on so many nodes. */
static inline hm_portion_t hm_portion_of_counter(hm_portion_t kind, int nodes) {
    return kind == HM_PORTION_AUTO && nodes == 1 ? HM_PORTION_FIXED : kind;
}

/** `hier`: for how many takers its portions are cut. A portion suits the smallest node: a larger
 * one draws more of them. */
static inline int hm_hier_takers(int ranks, int smallest_node) {
    return (ranks + smallest_node - 1) / smallest_node;
}

/** `hier`: does who claims the place `offset` of a portion of `length` draw the node's next one? It
 * is one rank alone, early enough that the node's other ranks have work meanwhile. */
static inline bool hm_hier_draws(int64_t offset, int64_t length, int node_size) {
    const int64_t sign = length - 1 - node_size;
    return offset == (sign > 0 ? sign : 0);
}

/** Into how many pieces a band's rows are cut for the threads of a rank, who take them in order,
 * first come first served: small enough to balance, large enough to fill the lanes. */
static inline int64_t hm_thread_pieces(int64_t rows, int threads) {
    return rows < 4 * (int64_t)threads ? rows : 4 * (int64_t)threads;
}

/** Where piece `piece` of `pieces` starts in the band. */
static inline int64_t hm_thread_start(int64_t rows, int64_t piece, int64_t pieces) {
    return rows * piece / pieces;
}

/** `pipeline`: should the band after `band` be asked for at once? Not near the end, where it might
 * wait here while another rank has nothing to do. */
static inline bool hm_pipeline_ahead(int64_t band, int64_t bands, int ranks) {
    return bands - band >= 4 * (int64_t)ranks;
}

/** `pipeline`: a writer and those who send to it, as ranks of their node. */
typedef struct hm_pipe_group_t {
    int writer;
    int senders; /**< the ranks behind it */
} hm_pipe_group_t;

/** `pipeline`: the most ranks that send to one writer. */
enum { HM_PIPE_SENDERS = 8 };

/** `pipeline`: the group of a node's rank, of groups as even as can be. */
hm_pipe_group_t hm_pipe_group(int node_rank, int node_size);

/** `predict`: where part `part` starts: at the band boundary nearest to its share of the total.
 * sum[b] is the cost of all bands before b, sum[bands] that of all. */
int64_t hm_predict_start(const double *sum, int64_t bands, int part, int parts);

#endif
