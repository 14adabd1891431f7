/**
 * @file hm_timeline.h
 * What the ranks of a run did when: a trace file (render --trace) reduced to lanes and steps of
 * time, as many as a picture can show. The file is read twice, event by event: memory does not grow
 * with it.
 */
#ifndef HM_TIMELINE_H
#define HM_TIMELINE_H

#include <stdint.h>

#include "hm_account.h"
#include "hm_error.h"

/** Made by hm_timeline_read(), freed by hm_timeline_free(). */
typedef struct hm_timeline_t {
    int64_t ranks; /**< in the trace */
    int lanes;     /**< ranks, or fewer: then lane k is the rank lane_rank[k] */
    int steps;
    int64_t *lane_rank;      /**< [lanes], ascending; owned */
    double seconds;          /**< the end of the last event, from the beginning of the work */
    float *spent;            /**< [lanes][steps][HM_STATE_COUNT] seconds; owned */
    int64_t events, dropped; /**< in the file; that found no room when it was written */
} hm_timeline_t;

/**
 * Reads a trace: at most `lanes` ranks, evenly chosen where there are more, over `steps` equal
 * steps of time. Takes Chrome's Trace Event Format as far as render writes it: complete events
 * ("X") named after hm_state_name(), one thread a rank; others are skipped. HM_EIO: it cannot be
 * read; HM_EDATA: not such a file, or no event in it, with the line; HM_EMISSING: out of memory.
 */
hm_status_t hm_timeline_read(const char *path, int lanes, int steps, hm_timeline_t *timeline,
                             hm_error_t *err);
void hm_timeline_free(hm_timeline_t *timeline);

/** The state that most of a step was spent in; HM_STATE_COUNT where none was. */
hm_state_t hm_timeline_state(const hm_timeline_t *timeline, int lane, int step);

#endif
