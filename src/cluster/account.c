/** @file account.c Booking a rank's time, and the trace of it. */
#include "hm_account.h"

#include <stdlib.h>
#include <string.h>

#include "hm_clock.h"

void hm_account_start(hm_account_t *account) {
    *account = (hm_account_t){.state = HM_STATE_WAITING, .band = -1};
    account->begin = hm_clock_now();
    account->since = account->begin;
}

static void note(hm_trace_t *trace, const hm_account_t *account, double end) {
    if (trace->count == trace->capacity) {
        int64_t capacity = trace->capacity < 512 ? 1024 : 2 * trace->capacity;
        capacity = capacity < trace->most ? capacity : trace->most;
        hm_event_t *event = NULL;
        if (capacity > trace->count) {
            event = realloc(trace->event, (size_t)capacity * sizeof *event);
        }
        if (event == NULL) {
            ++trace->dropped;
            return;
        }
        trace->event = event;
        trace->capacity = capacity;
    }
    trace->event[trace->count++] = (hm_event_t){
        .band = account->band, .start = account->since, .end = end, .state = account->state};
}

static double book(hm_account_t *account) {
    double now = hm_clock_now();
    account->seconds[account->state] += now - account->since;
    if (account->trace != NULL && now > account->since) {
        note(account->trace, account, now);
    }
    account->since = now;
    return now;
}

hm_state_t hm_account_enter(hm_account_t *account, hm_state_t state) {
    hm_state_t before = account->state;
    if (state != before) {
        book(account);
        account->state = state;
    }
    return before;
}

double hm_account_stop(hm_account_t *account) {
    return book(account) - account->begin;
}

void hm_trace_init(hm_trace_t *trace, int64_t most) {
    *trace = (hm_trace_t){.most = most};
}

void hm_trace_free(hm_trace_t *trace) {
    free(trace->event);
    *trace = (hm_trace_t){0};
}

const char *hm_state_name(hm_state_t state) {
    static const char *const names[HM_STATE_COUNT] = {"busy", "waiting", "writing", "talking"};
    return state >= 0 && state < HM_STATE_COUNT ? names[state] : "unknown";
}
