/* Traces of a run as Chrome trace events. */
#ifndef HM_TRACE_H
#define HM_TRACE_H

#include "hm_account.h"
#include "hm_command.h"

/**
 * Writes every rank's events into one JSON file, one track a rank, times in microseconds since
 * `begin` (this rank's hm_clock_now(); the ranks' clocks are aligned at a barrier). The events come
 * rank by rank to rank 0, in pieces: memory does not grow with the ranks. Collective; the status is
 * common and reported. HM_ECREATE, HM_EIO. Format: Trace Event Format, "JSON Object Format" with
 * complete ("X") and metadata ("M") events.
 */
hm_status_t trace_write(const hm_context_t *context, const char *path, const hm_trace_t *trace,
                        double begin);

#endif
