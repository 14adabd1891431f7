/**
 * @file polite.c
 * Giving way while waiting.
 *
 * MPICH waits by polling and never gives up its core. With more ranks than cores that is ruinous:
 * the rank that everybody waits for does not get a core until the waiting ones have burnt their
 * time slices. Two remedies here:
 *
 * 1. Our own loops call hm_idle().
 * 2. Blocking calls - ours, and those inside HDF5, PETSc and MPI itself, MPI_Init and MPI_Finalize
 *    included - all turn on one function of the layer below MPICH: ucp_worker_progress() of UCX,
 *    which looks for messages once and returns how much it found. This file defines a function of
 *    that name. The dynamic linker prefers the program's definition over the library's, so MPICH
 *    polls through it: it calls the real one and backs off when poll after poll found nothing. An
 *    MPICH without UCX never calls it, and only remedy 1 remains.
 */
#include "polite.h"

#include <dlfcn.h>
#include <limits.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "hm_cluster.h"
#include "hm_text.h"

/*
 * How many turns without success until the next stage. A message within a node takes about 1 us and
 * a poll 0.1 us: who waits for a partner that is running never leaves the first stage. Naps double
 * every few turns, so a nap is always a small part of the time waited so far; yet with many ranks
 * waiting on few cores they soon cost next to nothing.
 */
enum {
    SPIN_CROWDED = 10, /* polls, and yields, where ranks are known to outnumber processors */
    YIELD_CROWDED = 10,
    SPIN_TURNS = 200,    /* then give the core to whoever wants it */
    YIELD_TURNS = 10000, /* then sleep: the wait is long */
    NAP_TURNS = 4,       /* then sleep twice as long */
    NAP_DOUBLINGS = 11,  /* at most */
    LAST_TURN = YIELD_TURNS + NAP_TURNS * NAP_DOUBLINGS
};
static const long NAP_NS = 1000;        /* the first one; the kernel adds about 50 us to any */
static const int64_t SCARCE_NS = 20000; /* a yield that nobody uses takes 0.5 us */

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/*
 * Mutable state that belongs to no object, as only start.c's and store/driver.c's. The function
 * at the end is called by a library through its name alone, so there is no argument to pass an
 * object in. It is one counter a thread, read by nobody else, and two things that are looked up
 * once and never change.
 */
static _Thread_local unsigned empty_polls;
typedef unsigned (*poll_function_t)(void *worker);
static _Atomic(poll_function_t) real_poll;
static atomic_int crowd; /* 0: not known yet; 1: no; 2: yes */

static bool look_for_crowd(void) {
    const char *text = getenv("MPI_LOCALNRANKS");
    int64_t ranks = 0;
    cpu_set_t mine;
    return text != NULL && hm_text_int(text, 1, INT_MAX, &ranks, NULL) == HM_OK &&
           sched_getaffinity(0, sizeof mine, &mine) == 0 && ranks > CPU_COUNT(&mine);
}

bool hm_polite_crowded(void) {
    int known = atomic_load_explicit(&crowd, memory_order_relaxed);
    if (known == 0) {
        known = look_for_crowd() ? 2 : 1;
        atomic_store_explicit(&crowd, known, memory_order_relaxed);
    }
    return known == 2;
}

/* Idles once, the `turns`th time in a row; returns the number of the next turn. */
static unsigned back_off(unsigned turns) {
    if (turns < SPIN_TURNS) {
        /* The one that is waited for may need this very processor: no spinning, few yields. */
        return turns == SPIN_CROWDED && hm_polite_crowded() ? YIELD_TURNS - YIELD_CROWDED
                                                            : turns + 1;
    }
    if (turns < YIELD_TURNS) {
        const int64_t start = now_ns();
        sched_yield();
        /* Somebody has used the core meanwhile, so it is scarce: yielding on would take an equal
         * share of it from those that work, sleeping takes none. */
        return now_ns() - start > SCARCE_NS ? YIELD_TURNS : turns + 1;
    }
    struct timespec pause = {0, NAP_NS << ((turns - YIELD_TURNS) / NAP_TURNS)};
    nanosleep(&pause, NULL);
    return turns < LAST_TURN ? turns + 1 : LAST_TURN;
}

void hm_polite_glance(void) {
    empty_polls = 0;
}

void hm_idle(unsigned *turns) {
    *turns = back_off(*turns);
    empty_polls = 0; /* the wait has been done here */
}

/* UCX's name and signature; declared here because this program must build without UCX. */
unsigned ucp_worker_progress(void *worker);

unsigned ucp_worker_progress(void *worker) {
    poll_function_t poll = atomic_load_explicit(&real_poll, memory_order_relaxed);
    if (poll == NULL) {
        /* POSIX wants this cast through a pointer to the pointer; ISO C has no other. */
        *(void **)&poll = dlsym(RTLD_NEXT, "ucp_worker_progress");
        if (poll == NULL) {
            return 0;
        }
        atomic_store_explicit(&real_poll, poll, memory_order_relaxed);
    }
    unsigned found = poll(worker);
    if (found > 0) {
        empty_polls = 0;
    } else {
        empty_polls = back_off(empty_polls);
    }
    return found;
}
