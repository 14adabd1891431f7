/** @file hm_clock.h Time. */
#ifndef HM_CLOCK_H
#define HM_CLOCK_H

#include <stddef.h>

/** Seconds of a monotonic clock with an arbitrary start; differences are what counts. */
double hm_clock_now(void);

/** The present time as ISO 8601 UTC, "2026-11-21T03:14:15Z", in `text` of `size` bytes (21
 * suffice). */
void hm_clock_iso8601(char *text, size_t size);

#endif
