/**
 * @file hm_delivery.h
 * The ways of a computed band to the file: what the strategies take (hm_strategy.h) and the
 * simulation of runs models (hm_simulate.h), with the decisions that both make alike.
 */
#ifndef HM_DELIVERY_H
#define HM_DELIVERY_H

#include <stddef.h>

/** The way of a computed band to the file; every strategy takes any of them. */
typedef enum hm_delivery_t {
    HM_DELIVERY_DIRECT, /**< by job->deliver, on the rank that the strategy brings it to */
    HM_DELIVERY_ROUNDS, /**< saved up and written by all ranks together, by job->deliver_all: what
                           file systems and compressed files like that want large collective writes.
                           Costs up to eight more bands of memory, at most 16 MiB or one band */
    HM_DELIVERY_FUNNEL  /**< to the node's leader by message, which calls job->deliver: fewer
                           writers. Two bands more on each rank, at most eight on the leader */
} hm_delivery_t;

/** ROUNDS: the most bands that a rank saves up. */
enum { HM_ROUND_BANDS = 8 };

/** ROUNDS: how many bands of so many bytes a rank saves up until it wants a round: at least 1. */
static inline int hm_round_room(size_t band_bytes) {
    const size_t most_bytes = (size_t)16 << 20;
    const size_t room = most_bytes / (band_bytes > 0 ? band_bytes : 1);
    return room < 1 ? 1 : room < HM_ROUND_BANDS ? (int)room : HM_ROUND_BANDS;
}

/** FUNNEL and `pipeline`: the buffers of who sends bands to a writer. */
enum { HM_PIPE_AHEAD = 2 };

#endif
