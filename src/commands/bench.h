/* The benchmarks there are: `hpcmandel bench NAME`. */
#ifndef HM_BENCH_H
#define HM_BENCH_H

#include "hm_command.h"
#include "hm_option.h"

/** Options of every benchmark. */
typedef struct bench_settings_t {
    int64_t repetitions;
    double seconds;
    const char *csv;
    const char *scene;
    int64_t megabytes;
    const char *folder;
    const char *way;
} bench_settings_t;

typedef struct bench_t {
    const char *name;
    const char *what;
    /** Collective; returns the common status, reported already. Prints its table on rank 0. `csv`
     * is NULL except on rank 0. */
    hm_status_t (*run)(hm_context_t *context, const bench_settings_t *settings, FILE *csv);
} bench_t;

extern const bench_t bench_kernel;
extern const bench_t bench_strategies;
extern const bench_t bench_io;

#endif
