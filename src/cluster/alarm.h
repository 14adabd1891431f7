/** @file alarm.h The alarm's life. Private to src/cluster/; its use is in hm_cluster.h. */
#ifndef HM_CLUSTER_ALARM_H
#define HM_CLUSTER_ALARM_H

#include <mpi.h>

#include "hm_error.h"

struct hm_alarm_t;

/** Memory for an alarm, to be freed with free() while it is not open; NULL: there is none. */
struct hm_alarm_t *hm_alarm_new(void);

/** Collective over `comm`. */
hm_status_t hm_alarm_open(MPI_Comm comm, struct hm_alarm_t *alarm, hm_error_t *err);

/** Collective. NULL is allowed on all ranks at once. */
void hm_alarm_close(struct hm_alarm_t *alarm);

#endif
