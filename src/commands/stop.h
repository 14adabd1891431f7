/* Signals and the time limit as one flag that the alarm looks at. */
#ifndef HM_STOP_H
#define HM_STOP_H

#include <signal.h>

#include "hm_error.h"

/**
 * From now on SIGTERM, SIGINT, SIGUSR1 and, after `seconds` (0: never), a timer set the flag that
 * is returned. A second SIGINT ends the process at once. Undone by stop_unwatch().
 */
const volatile sig_atomic_t *stop_watch(double seconds);
void stop_unwatch(void);

/** The number of the signal that set the flag on this rank (SIGALRM: the time limit), or 0. */
int stop_signal(void);

/** "time limit", "SIGTERM" ...: why a run ended early. */
const char *stop_reason(int signal_number);

#endif
