#include "stop.h"

#include <stddef.h>
#include <string.h>
#include <sys/time.h>

/* A signal handler can reach nothing but globals: the one flag of the process. It holds the
 * signal's number. */
static volatile sig_atomic_t stop_flag;

static const int stop_signals[] = {SIGTERM, SIGINT, SIGUSR1, SIGALRM};
enum { STOP_SIGNALS = sizeof stop_signals / sizeof *stop_signals };

static void on_signal(int number) {
    if (number == SIGINT && stop_flag) {
        signal(SIGINT, SIG_DFL);
        raise(SIGINT);
    }
    if (!stop_flag) {
        stop_flag = number;
    }
}

static void set_timer(double seconds) {
    const double most = 1e9; /* thirty years: no limit, and still a whole number of seconds */
    seconds = seconds < most ? seconds : most;
    struct itimerval timer = {.it_value = {.tv_sec = (time_t)seconds}};
    timer.it_value.tv_usec = (suseconds_t)((seconds - (double)timer.it_value.tv_sec) * 1e6);
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void set_handlers(void (*handler)(int)) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    for (int i = 0; i < STOP_SIGNALS; ++i) {
        sigaction(stop_signals[i], &action, NULL);
    }
}

const volatile sig_atomic_t *stop_watch(double seconds) {
    stop_flag = 0;
    set_handlers(on_signal);
    if (seconds > 0) {
        /* A timer of zero would be no timer. */
        set_timer(seconds < 1e-6 ? 1e-6 : seconds);
    }
    return &stop_flag;
}

void stop_unwatch(void) {
    set_timer(0);
    set_handlers(SIG_DFL);
    /* Who asks for the end may ask twice, and the second time must not kill what is ending. */
    signal(SIGUSR1, SIG_IGN);
}

int stop_signal(void) {
    return stop_flag;
}

const char *stop_reason(int signal_number) {
    switch (signal_number) {
    case SIGALRM:
        return "time limit";
    case SIGTERM:
        return "SIGTERM";
    case SIGINT:
        return "SIGINT";
    case SIGUSR1:
        return "SIGUSR1";
    default:
        return "stopped";
    }
}
