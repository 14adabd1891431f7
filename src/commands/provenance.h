/* Where a run took place: attributes of /run. */
#ifndef HM_PROVENANCE_H
#define HM_PROVENANCE_H

#include <stddef.h>

#include "hm_cluster.h"
#include "hm_dataset.h"

enum { PROVENANCE_MOST = 16, PROVENANCE_TEXT = 256 };

typedef struct provenance_t {
    hm_attribute_t attribute[PROVENANCE_MOST]; /* value points into `text` or to static text */
    char text[PROVENANCE_MOST][PROVENANCE_TEXT];
    int count;
} provenance_t;

/** Fills version, revision, compiler, mpi, hdf5, host, scheduler, job_id, start, ranks, nodes,
 * strategy. */
void provenance_make(const hm_cluster_t *cluster, const char *strategy, provenance_t *provenance);

/** This host's name, NUL-padded. */
void provenance_host(char *host, size_t size);

/** MPI's own name and version, one line. */
void provenance_mpi(char *text, size_t size);

#endif
