/** @file simulate_threads.c A band that the threads of a rank share. */
#include "hm_simulate.h"

static int earliest(const double *until, int threads) {
    int found = 0;
    for (int t = 1; t < threads; ++t) {
        found = until[t] < until[found] ? t : found;
    }
    return found;
}

double hm_simulate_threads(const double *row, int64_t rows, int threads) {
    double until[HM_SIMULATE_THREADS] = {0}; /* of the threads that have got a piece */
    const int64_t pieces = hm_thread_pieces(rows, threads);
    double last = 0;
    for (int64_t p = 0; p < pieces; ++p) {
        const int64_t end = hm_thread_start(rows, p + 1, pieces);
        double *taker = &until[p < threads ? (int)p : earliest(until, threads)];
        for (int64_t i = hm_thread_start(rows, p, pieces); i < end; ++i) {
            *taker += row[i];
        }
        last = *taker > last ? *taker : last;
    }
    return last;
}
