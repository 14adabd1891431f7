#include "provenance.h"

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hm_clock.h"
#include "hm_version.h"

static char *add(provenance_t *p, const char *key) {
    char *text = p->text[p->count];
    p->attribute[p->count++] = (hm_attribute_t){.key = key, .value = text};
    return text;
}

static void add_text(provenance_t *p, const char *key, const char *value) {
    snprintf(add(p, key), PROVENANCE_TEXT, "%s", value);
}

void provenance_host(char *host, size_t size) {
    memset(host, 0, size);
    if (gethostname(host, size - 1) != 0) {
        snprintf(host, size, "unknown");
    }
}

static void add_scheduler(provenance_t *p) {
    const char *slurm = getenv("SLURM_JOB_ID");
    const char *pbs = getenv("PBS_JOBID");
    add_text(p, "scheduler", slurm ? "slurm" : pbs ? "pbs" : "none");
    add_text(p, "job_id", slurm ? slurm : pbs ? pbs : "");
}

void provenance_mpi(char *text, size_t size) {
    char mpi[MPI_MAX_LIBRARY_VERSION_STRING];
    int length = 0;
    MPI_Get_library_version(mpi, &length);
    mpi[strcspn(mpi, "\n")] = '\0';
    for (char *c = mpi; *c; ++c) {
        if (*c == '\t') {
            *c = ' ';
        }
    }
    snprintf(text, size, "%s", mpi);
}

static void add_libraries(provenance_t *p) {
    provenance_mpi(add(p, "mpi"), PROVENANCE_TEXT);
    unsigned v[3] = {0, 0, 0};
    H5get_libversion(&v[0], &v[1], &v[2]);
    snprintf(add(p, "hdf5"), PROVENANCE_TEXT, "%u.%u.%u", v[0], v[1], v[2]);
}

void provenance_make(const hm_cluster_t *cluster, const char *strategy, provenance_t *p) {
    p->count = 0;
    add_text(p, "version", hm_version());
    add_text(p, "revision", hm_revision());
    add_text(p, "compiler", hm_compiler());
    add_libraries(p);
    provenance_host(add(p, "host"), PROVENANCE_TEXT);
    add_scheduler(p);
    hm_clock_iso8601(add(p, "start"), PROVENANCE_TEXT);
    snprintf(add(p, "ranks"), PROVENANCE_TEXT, "%d", cluster->size);
    snprintf(add(p, "nodes"), PROVENANCE_TEXT, "%d", cluster->nodes);
    add_text(p, "strategy_run", strategy);
}
