/**
 * @file flood.h
 * News that any rank may spread to all others at any time without their help. Private to
 * src/cluster/.
 *
 * The news is one number that only grows. Ranks are the nodes of a binary tree; who learns a
 * greater number tells its neighbours (parent and children), so it reaches all in at most
 * 2 log2(size) hops, and no more than one message per number runs along an edge in each direction.
 */
#ifndef HM_CLUSTER_FLOOD_H
#define HM_CLUSTER_FLOOD_H

#include <mpi.h>
#include <stdbool.h>

#include "hm_error.h"

enum { HM_FLOOD_NEIGHBOURS = 3 };

typedef struct hm_flood_t {
    MPI_Comm comm; /* of its own: nothing else travels there */
    int value;     /* greatest heard of */
    bool settled;  /* all neighbours have been told `value` */
    int inbox;
    MPI_Request receive; /* persistent */
    int neighbours;
    struct {
        int rank;
        int told, outbox;
        MPI_Request send;
    } neighbour[HM_FLOOD_NEIGHBOURS];
} hm_flood_t;

/** Collective over `comm`, which is duplicated. The value starts at 0. */
hm_status_t hm_flood_open(MPI_Comm comm, hm_flood_t *flood, hm_error_t *err);

/** Not collective: spreads `value` if it is greater than all heard of. */
void hm_flood_raise(hm_flood_t *flood, int value);

/** Not collective: passes on what has come, drives MPI's progress, returns the greatest value. */
int hm_flood_poll(hm_flood_t *flood);

/**
 * Collective: on return no message is under way, all ranks hold the same greatest value, which is
 * returned, and the flood goes on from it (`keep`) or from 0.
 */
int hm_flood_drain(hm_flood_t *flood, bool keep);

/** Collective. Drains and frees. */
void hm_flood_close(hm_flood_t *flood);

#endif
