/**
 * @file hm_account.h
 * Where a rank's time goes. At each moment a rank is in exactly one state, so the shares add up to
 * the wall time. "Messages" are what a strategy's code sends; what MPI sends for a collective call
 * or an access to another rank's memory is not counted.
 */
#ifndef HM_ACCOUNT_H
#define HM_ACCOUNT_H

#include <stdint.h>

/** What a rank is doing. */
typedef enum hm_state_t {
    HM_STATE_BUSY,    /**< computing a band */
    HM_STATE_WAITING, /**< nothing to do: waiting for work or for others */
    HM_STATE_WRITING, /**< delivering a band */
    HM_STATE_TALKING, /**< sending, receiving, asking for work */
    HM_STATE_COUNT
} hm_state_t;

/** The state's name, as in a trace: "busy", "waiting", "writing", "talking". */
const char *hm_state_name(hm_state_t state);

/** A stretch of time that a rank spent in one state. Times are those of hm_clock_now(). */
typedef struct hm_event_t {
    int64_t band; /**< the band it was about, or -1 */
    double start, end;
    hm_state_t state;
} hm_event_t;

/**
 * A rank's events in order, without gaps. Owned by who asks for it: hm_trace_init(), hand it over
 * in hm_strategy_options_t.trace, read event[0 .. count), hm_trace_free(). It grows as needed up to
 * `most` events (40 bytes each); what comes later is only counted.
 */
typedef struct hm_trace_t {
    hm_event_t *event; /**< [count] */
    int64_t count;
    int64_t dropped; /**< events that found no room */
    int64_t capacity, most;
} hm_trace_t;

void hm_trace_init(hm_trace_t *trace, int64_t most);
void hm_trace_free(hm_trace_t *trace);

/** One rank's account. Start with hm_account_start(). */
typedef struct hm_account_t {
    double seconds[HM_STATE_COUNT];
    double since; /**< hm_clock_now() of the last switch */
    double begin; /**< hm_clock_now() of hm_account_start() */
    hm_state_t state;
    int64_t band;     /**< what the present state is about, or -1 */
    int64_t bands;    /**< computed here */
    int64_t messages; /**< sent by this rank's strategy code */
    int64_t bytes;    /**< in these messages */
    double predicted; /**< `predict`: load imbalance (maximum over mean of the ranks' work) that the
                         prediction foretells; 0: there was none. The actual one is that of
                         seconds[HM_STATE_BUSY] */
    hm_trace_t *trace; /**< NULL: none; not owned */
} hm_account_t;

/** Sets everything to 0, the state to waiting, no trace. */
void hm_account_start(hm_account_t *account);

/** Switches to `state`; returns the state before, to go back to. */
hm_state_t hm_account_enter(hm_account_t *account, hm_state_t state);

/** Books the time up to now; the shares then add up to now - begin, which is returned. The account
 * may go on from there: hm_account_enter(), and stopped again. */
double hm_account_stop(hm_account_t *account);

#endif
