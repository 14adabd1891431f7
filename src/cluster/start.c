/**
 * @file start.c
 * Starting and ending MPI where ranks outnumber processors.
 *
 * In MPI_Init and MPI_Finalize the ranks of a node wait for each other several times, and MPICH
 * waits there in a bare loop: it reads a word of shared memory until that changes. No function is
 * called, so polite.c cannot reach it; a rank that waits burns its time slice, and so do sixty
 * others before it is the turn of the one that all wait for. (64 ranks on 2 processors: half of all
 * processor time of an empty program.)
 *
 * So a timer looks now and then where the thread is. Who has used the processor all the time since
 * the last look and still is at the same place is in such a loop, and is put to sleep for a while,
 * the longer the more often in a row. Only while MPI starts and ends, and only where mpirun says
 * that this node has more ranks than processors.
 *
 * There, every rank is also spared two inquiries of some 10 ms of processor time each: into the
 * machine's topology (hwloc), which is of no use to ranks that have no processor of their own, and,
 * where all ranks are on one node, into its networks (UCX). Who has set HWLOC_COMPONENTS or UCX_TLS
 * is not overruled.
 */
#include <errno.h>
#include <mpi.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "hm_cluster.h"
#include "polite.h"

enum {
    LOOK_NS = 500000,     /* from one look to the next */
    BLOCKED_NS = 8000000, /* most of it, while the thread is not running anyway */
    BURNT_NS = 100000,    /* processor time between looks that is no accident */
    NAP_NS = 200000,      /* the first nap */
    NAP_DOUBLINGS = 6,    /* at most */
    LOOP_BYTES = 64       /* a loop this small does nothing but wait */
};

/*
 * What a signal handler knows must be at a fixed place: an exception, as polite.c's, to the rule
 * that this program's state belongs to objects. One thread uses it.
 */
static struct {
    timer_t timer;
    uintptr_t place;  /* in the program, at the last look */
    int64_t used_ns;  /* processor time until then */
    long interval_ns; /* to the next look */
    int naps;         /* in a row */
} watch;

static uintptr_t place_of(const ucontext_t *context) {
#if defined(__x86_64__)
    return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (uintptr_t)context->uc_mcontext.pc;
#else
    return (void)context, 0;
#endif
}

static bool places_known(void) {
#if defined(__x86_64__) || defined(__aarch64__)
    return true;
#else
    return false;
#endif
}

static void look_again(void) {
    const struct itimerspec next = {.it_value = {0, watch.interval_ns}};
    timer_settime(watch.timer, 0, &next, NULL);
}

static void look(int number, siginfo_t *info, void *context) {
    (void)number;
    (void)info;
    const int saved = errno;
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    const int64_t used_ns = (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
    const uintptr_t place = place_of(context);
    const uintptr_t moved = place > watch.place ? place - watch.place : watch.place - place;
    if (used_ns - watch.used_ns < BURNT_NS) {
        /* It sleeps in the kernel, or has had no turn: it is in nobody's way. */
        watch.interval_ns = watch.interval_ns < BLOCKED_NS ? 2 * watch.interval_ns : BLOCKED_NS;
    } else if (moved > LOOP_BYTES) {
        watch.naps = 0;
        watch.interval_ns = LOOK_NS;
    } else {
        const struct timespec nap = {0, (long)NAP_NS << watch.naps};
        watch.naps += watch.naps < NAP_DOUBLINGS;
        watch.interval_ns = LOOK_NS;
        nanosleep(&nap, NULL);
    }
    watch.place = place;
    watch.used_ns = used_ns;
    look_again();
    errno = saved;
}

static int look_signal(void) {
    return SIGRTMIN + 9; /* nobody's */
}

static bool begin_looking(void) {
    if (!places_known() || !hm_polite_crowded()) {
        return false;
    }
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_RESTART};
    action.sa_sigaction = look;
    sigemptyset(&action.sa_mask);
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = look_signal()};
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    if (sigaction(look_signal(), &action, NULL) != 0) {
        return false;
    }
    if (timer_create(CLOCK_MONOTONIC, &event, &watch.timer) != 0) {
        signal(look_signal(), SIG_IGN);
        return false;
    }
    watch.place = 0;
    watch.naps = 0;
    watch.interval_ns = LOOK_NS;
    look_again();
    return true;
}

static void end_looking(bool looking) {
    if (looking) {
        timer_delete(watch.timer);
        signal(look_signal(), SIG_IGN); /* also one that is on its way */
    }
}

/* Before other threads exist. */
static void ask_less(void) {
    const char *all = getenv("PMI_SIZE");
    const char *here = getenv("MPI_LOCALNRANKS");
    if (hm_polite_crowded()) {
        setenv("HWLOC_COMPONENTS", "no_os,stop", 0);
        if (all != NULL && here != NULL && strcmp(all, here) == 0) {
            setenv("UCX_TLS", "self,sm", 0);
        }
    }
}

int hm_mpi_start(int *argc, char ***argv) {
    int level = 0;
    ask_less();
    const bool looking = begin_looking();
    /* Threads compute; only the main thread speaks to MPI. */
    const int code = MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &level);
    end_looking(looking);
    return code == MPI_SUCCESS && level < MPI_THREAD_FUNNELED ? MPI_ERR_OTHER : code;
}

int hm_mpi_end(void) {
    const bool looking = begin_looking();
    const int code = MPI_Finalize();
    end_looking(looking);
    return code;
}
