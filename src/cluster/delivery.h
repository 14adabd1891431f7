/**
 * @file delivery.h
 * The ways a band takes from who computed it to job->deliver or job->deliver_all. Private to
 * src/cluster/; what they are good for is said at hm_delivery_t in hm_delivery.h.
 */
#ifndef HM_CLUSTER_DELIVERY_H
#define HM_CLUSTER_DELIVERY_H

#include "flood.h"
#include "pipe.h"

/** Bands saved up until all ranks write together. */
typedef struct hm_rounds_t {
    hm_flood_t wanted; /* the number of rounds that somebody wanted */
    int done;          /* the number of rounds that have been */
    int count, room;
    int64_t band[HM_ROUND_BANDS];
    void *buffer[HM_ROUND_BANDS];
} hm_rounds_t;

/** A rank's side of the way that the run's bands take. */
struct hm_route_t {
    hm_delivery_t kind;
    hm_rounds_t rounds;
    hm_pipe_t funnel;
};

/** Collective over cluster->comm: sets up work->route as work->options.delivery wants it. On
 * failure hm_route_close() is still due. */
hm_status_t hm_route_open(struct hm_route_t *route, hm_work_t *work);

/** Sends a band on its way, at the latest when it returns the buffer may be used again. */
void hm_route_take(hm_work_t *work, int64_t band, const void *buffer);

/** What has to be done for the others' bands. Called wherever alarm and messages are looked after.
 */
void hm_route_serve(hm_work_t *work);

/** Collective: on return all bands are where they belong, or the run has failed. */
void hm_route_finish(hm_work_t *work);

/** Collective. */
void hm_route_close(struct hm_route_t *route);

#endif
