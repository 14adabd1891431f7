/** @file simulate_queue.c Events in the order of time. */
#include <stdlib.h>

#include "simulate.h"

enum { CHILDREN = 4 };

static bool before(const sim_event_t *a, const sim_event_t *b) {
    return a->time < b->time || (a->time == b->time && a->order < b->order);
}

hm_status_t sim_queue_push(sim_queue_t *queue, double time, int rank, sim_kind_t kind,
                           hm_error_t *err) {
    if (queue->count == queue->room) {
        const int64_t room = queue->room > 0 ? 2 * queue->room : 1024;
        sim_event_t *larger = realloc(queue->event, (size_t)room * sizeof *larger);
        if (larger == NULL) {
            return hm_error_set(err, HM_EMISSING, "out of memory for %lld events", (long long)room);
        }
        queue->event = larger;
        queue->room = room;
    }
    const sim_event_t event = {time, queue->made++, rank, kind};
    int64_t i = queue->count++;
    for (; i > 0 && before(&event, &queue->event[(i - 1) / CHILDREN]); i = (i - 1) / CHILDREN) {
        queue->event[i] = queue->event[(i - 1) / CHILDREN];
    }
    queue->event[i] = event;
    return HM_OK;
}

bool sim_queue_pop(sim_queue_t *queue, sim_event_t *event) {
    if (queue->count == 0) {
        return false;
    }
    *event = queue->event[0];
    const sim_event_t last = queue->event[--queue->count];
    int64_t i = 0;
    for (;;) {
        const int64_t first = CHILDREN * i + 1;
        int64_t least = first;
        for (int64_t child = first + 1; child < first + CHILDREN && child < queue->count; ++child) {
            if (before(&queue->event[child], &queue->event[least])) {
                least = child;
            }
        }
        if (least >= queue->count || !before(&queue->event[least], &last)) {
            break;
        }
        queue->event[i] = queue->event[least];
        i = least;
    }
    queue->event[i] = last;
    return true;
}
