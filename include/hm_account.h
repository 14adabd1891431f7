/**
 * @file hm_account.h
 * Where a rank's time goes. At each moment a rank is in exactly one state, so the shares add up to
 * the wall time.
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

/** One rank's account. Start with hm_account_start(). */
typedef struct hm_account_t {
    double seconds[HM_STATE_COUNT];
    double since; /**< hm_clock_now() of the last switch */
    double begin; /**< hm_clock_now() of hm_account_start() */
    hm_state_t state;
    int64_t bands;    /**< computed here */
    int64_t messages; /**< sent by this rank's strategy code */
    int64_t bytes;    /**< in these messages */
} hm_account_t;

void hm_account_start(hm_account_t *account);

/** Switches to `state`; returns the state before, to go back to. */
hm_state_t hm_account_enter(hm_account_t *account, hm_state_t state);

/** Books the time up to now; the shares then add up to now - begin, which is returned. */
double hm_account_stop(hm_account_t *account);

#endif
