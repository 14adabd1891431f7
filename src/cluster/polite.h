/**
 * @file polite.h
 * Giving way while waiting: see polite.c. Private to src/cluster/.
 */
#ifndef HM_CLUSTER_POLITE_H
#define HM_CLUSTER_POLITE_H

#include <stdbool.h>

/**
 * Says that the next look at the messages is a glance between two pieces of work, not a wait: it
 * must not count as idleness. Costs one store. Being referred to, it also brings polite.c's
 * interposed function into every program that opens a cluster.
 */
void hm_polite_glance(void);

/** Whether mpirun started more ranks on this node than processors they may use. Hydra says how many
 * it started; bound ranks count as having processors of their own. Of other launchers: false. */
bool hm_polite_crowded(void);

#endif
