/** @file alarm.c The alarm: a flood whose news is the gravest status. */
#include "alarm.h"

#include <stdlib.h>

#include "flood.h"
#include "gravity.h"
#include "hm_cluster.h"
#include "polite.h"

struct hm_alarm_t {
    hm_flood_t flood;
    const volatile sig_atomic_t *flag;
};

struct hm_alarm_t *hm_alarm_new(void) {
    return calloc(1, sizeof(struct hm_alarm_t));
}

hm_status_t hm_alarm_open(MPI_Comm comm, struct hm_alarm_t *alarm, hm_error_t *err) {
    alarm->flag = NULL;
    return hm_flood_open(comm, &alarm->flood, err);
}

void hm_alarm_close(struct hm_alarm_t *alarm) {
    if (alarm != NULL) {
        hm_flood_close(&alarm->flood);
        free(alarm);
    }
}

void hm_alarm_raise(const hm_cluster_t *cluster, hm_status_t status) {
    hm_flood_raise(&cluster->alarm->flood, hm_gravity_encode(status));
}

void hm_alarm_watch(const hm_cluster_t *cluster, const volatile sig_atomic_t *flag) {
    cluster->alarm->flag = flag;
}

hm_status_t hm_alarm_poll(const hm_cluster_t *cluster) {
    struct hm_alarm_t *alarm = cluster->alarm;
    hm_polite_glance();
    if (alarm->flag != NULL && *alarm->flag != 0) {
        hm_flood_raise(&alarm->flood, hm_gravity_encode(HM_STOPPED));
    }
    return hm_gravity_decode(hm_flood_poll(&alarm->flood));
}

hm_status_t hm_alarm_reset(const hm_cluster_t *cluster) {
    return hm_gravity_decode(hm_flood_drain(&cluster->alarm->flood, false));
}
