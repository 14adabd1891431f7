/*
 * What the machine is like: bands of the view itself, here and there in it, are computed and
 * written as render does, into a file that is removed again; and messages are sent to and fro.
 *
 * All ranks measure at the same time, as they would compute, but no more of them than there are
 * processors.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hm_clock.h"
#include "hm_cpu.h"
#include "hm_sample.h"
#include "plan.h"

/* What is taken for granted where it cannot be measured. A message between nodes: a few hundred
 * nanoseconds to some microseconds on today's networks. */
static const double LATENCY = 2e-6;
static const double NODE_LATENCY = 1e-6;
static const double TRANSFER = 1e-10;
static const double ANSWER = 1e-6;
static const double POLL = 1e-3;        /* hm_job_t's compute looks about so often */
static const double POINT_UPDATES = 20; /* what a point costs beside its updates, in updates */

/* What the libraries that write a file hold. */
static const double FILE_BYTES = 8 << 20;

enum { LEAST_SAMPLES = 4, MOST_BYTES = 1 << 28 }; /* of a rank */

/* Sums for the best a, b >= 0 in y = a*u + b*v, each sample weighted by 1/y. */
typedef struct fit_t {
    double uu, uv, vv, uy, vy; /* weighted */
    double u, v, y;            /* plain */
} fit_t;

static void fit_add(fit_t *f, double u, double v, double y) {
    const double w = 1 / (y > 1e-9 ? y : 1e-9);
    f->uu += w * u * u;
    f->uv += w * u * v;
    f->vv += w * v * v;
    f->uy += w * u * y;
    f->vy += w * v * y;
    f->u += u;
    f->v += v;
    f->y += y;
}

/* Scaled so that the samples' sum comes out. */
static void fit_solve(const fit_t *f, double *a, double *b) {
    const double det = f->uu * f->vv - f->uv * f->uv;
    double x = det > 1e-12 * f->uu * f->vv ? (f->uy * f->vv - f->vy * f->uv) / det : -1;
    double z = det > 1e-12 * f->uu * f->vv ? (f->vy * f->uu - f->uy * f->uv) / det : -1;
    if (x < 0 || z < 0) { /* one of them alone, whichever explains more */
        const bool first =
            f->uu > 0 && (!(f->vv > 0) || f->uy * f->uy * f->vv >= f->vy * f->vy * f->uu);
        x = first ? f->uy / f->uu : 0;
        z = first || !(f->vv > 0) ? 0 : f->vy / f->vv;
    }
    const double sum = x * f->u + z * f->v;
    const double scale = sum > 0 ? f->y / sum : 1;
    *a = x * scale;
    *b = z * scale;
}

/* One rank's measuring. */
typedef struct measuring_t {
    plan_t *plan;
    render_plan_t view; /* one thread a rank */
    bool takes_part, writes;
    char path[4096];
    hm_bands_t bands[2]; /* of two sizes */
    render_job_t job[2];
    void *buffer;
    hm_tally_t *tally;
    hm_dataset_t *dataset;
    fit_t computing, writing;
    double finish;
    int64_t count;
} measuring_t;

/* The folder of the output: what writing costs there is what counts. */
static hm_status_t make_file(measuring_t *m, hm_error_t *err) {
    const char *output = m->plan->work.settings.output;
    const char *slash = strrchr(output, '/');
    const int length = slash ? (int)(slash - output) + 1 : 0;
    const hm_dataset_plan_t plan = {.grid = m->view.grid,
                                    .formula = m->view.formula,
                                    .channels = m->view.channels,
                                    .configuration = "",
                                    .overwrite = true,
                                    .scarce = true};
    if (!hm_options_given(&m->plan->values, "output")) {
        mkdir("results", 0777);
    }
    snprintf(m->path, sizeof m->path, "%.*s.plan-%ld-%08lx.h5", length, output, (long)getpid(),
             (unsigned long)(hm_clock_now() * 1e6) & 0xffffffffUL);
    hm_status_t status = hm_dataset_create(m->path, &plan, err);
    if (status != HM_OK) {
        m->path[0] = '\0';
        hm_error_context(err, "to measure what writing costs a file is made next to the output "
                              "(name another --output, or give --band-cost and --byte-cost)");
    }
    return status;
}

static hm_status_t open_measuring(measuring_t *m, int ranks, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hm_cluster_t *cluster = m->plan->context->cluster;
    int64_t rows = 0;
    HM_TRY(render_band_rows(&m->plan->work.settings, &m->view, ranks, &rows, err));
    const int64_t height = m->view.grid.height;
    rows = rows < height ? rows : height;
    const int64_t other = rows >= 4 ? rows / 4 : 4 * rows < height ? 4 * rows : height;
    const int64_t most = rows > other ? rows : other;
    for (int i = 0; i < 2; ++i) {
        HM_TRY(hm_bands_make(height, NULL, i == 0 ? rows : other, &m->bands[i], err));
        HM_TRY(render_job_make(&m->view, cluster, &m->bands[i], &m->job[i], err));
    }
    /* As a strategy's buffer: aligned to a cache line. */
    m->buffer = aligned_alloc(64, (render_band_bytes(&m->view, most) / 64 + 1) * 64);
    if (!m->buffer) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for a band"));
    }
    if (m->writes && m->takes_part) {
        HM_TRY(hm_dataset_open(m->path, MPI_COMM_SELF, &m->dataset, err));
    }
cleanup:
    return status;
}

/* One band, of either size in turn, from places spread evenly whatever their number. */
static hm_status_t measure_band(measuring_t *m, bool warm, int64_t *bytes, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hm_cluster_t *cluster = m->plan->context->cluster;
    const int which = (int)(m->count % 2);
    render_job_t *job = &m->job[which];
    const hm_bands_t *bands = &m->bands[which];
    const double turn =
        (double)(m->count / 2 * cluster->size + cluster->rank) * 0.6180339887498949 + 0.25;
    const int64_t number = (int64_t)((turn - floor(turn)) * (double)bands->count);
    const int64_t rows = bands->band[number].rows;
    const uint64_t before = job->totals.work;
    const double begin = hm_clock_now();
    HM_TRY(render_compute(job, number, m->buffer, NULL, err));
    const double computed = hm_clock_now();
    if (warm) {
        fit_add(&m->computing, (double)(job->totals.work - before),
                (double)(rows * m->view.grid.width), computed - begin);
    }
    /* Writing where something has been written is quicker: not much more than half of the file. */
    const bool fresh =
        2 * *bytes * cluster->size < m->plan->work.file_bytes || m->count < 2 + LEAST_SAMPLES;
    if (m->dataset && fresh) {
        HM_TRY(render_deliver(job, number, m->buffer, NULL, err));
        *bytes += (int64_t)render_band_bytes(&m->view, rows);
        if (warm) {
            fit_add(&m->writing, 1, (double)render_band_bytes(&m->view, rows),
                    hm_clock_now() - computed);
        }
    }
    ++m->count;
cleanup:
    return status;
}

static hm_status_t measure_bands(measuring_t *m, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const double end = hm_clock_now() + m->plan->settings.measure;
    int64_t bytes = 0;
    if (!m->takes_part) {
        return HM_OK;
    }
    for (int i = 0; i < 2; ++i) {
        m->job[i].tally = m->tally;
        m->job[i].dataset = m->dataset;
    }
    for (int i = 0; i < 2; ++i) { /* warms up */
        HM_TRY(measure_band(m, false, &bytes, err));
    }
    while (m->count < 2 + LEAST_SAMPLES || hm_clock_now() < end) {
        HM_TRY(measure_band(m, true, &bytes, err));
        if (bytes > MOST_BYTES) {
            break;
        }
    }
cleanup:
    return status;
}

static void close_measuring(measuring_t *m) {
    for (int i = 0; i < 2; ++i) {
        render_job_free(&m->job[i]);
        hm_bands_free(&m->bands[i]);
    }
    free(m->buffer);
    if (m->plan->context->cluster->rank == 0 && m->path[0]) {
        unlink(m->path);
    }
}

/* Adds the ranks' sums up. */
static hm_status_t combine(measuring_t *m, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hm_cluster_t *cluster = m->plan->context->cluster;
    plan_machine_t *machine = &m->plan->machine;
    enum { SUMS = (int)(2 * sizeof(fit_t) / sizeof(double)) + 2 };
    double sums[SUMS];
    memcpy(sums, &m->computing, sizeof m->computing);
    memcpy((char *)sums + sizeof m->computing, &m->writing, sizeof m->writing);
    sums[SUMS - 2] = (double)m->count;
    sums[SUMS - 1] = m->takes_part;
    MPI_Request request[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
    HM_TRY(hm_mpi_check(
        MPI_Iallreduce(MPI_IN_PLACE, sums, SUMS, MPI_DOUBLE, MPI_SUM, cluster->comm, &request[0]),
        "adding up the measurements", err));
    HM_TRY(hm_mpi_check(MPI_Iallreduce(MPI_IN_PLACE, &m->finish, 1, MPI_DOUBLE, MPI_MAX,
                                       cluster->comm, &request[1]),
                        "adding up the measurements", err));
    HM_TRY(hm_wait_all(2, request, "adding up the measurements", err));
    memcpy(&m->computing, sums, sizeof m->computing);
    memcpy(&m->writing, (char *)sums + sizeof m->computing, sizeof m->writing);
    machine->measured = (int64_t)sums[SUMS - 2];
    machine->measuring = (int)sums[SUMS - 1];
    if (machine->speed_measured) {
        fit_solve(&m->computing, &machine->update, &machine->point);
    }
    if (machine->band_measured) {
        fit_solve(&m->writing, &machine->costs.band, &machine->costs.byte);
        machine->finish = m->finish;
    }
cleanup:
    return status;
}

static hm_status_t measure_work(plan_t *plan, int ranks) {
    const hm_context_t *context = plan->context;
    const hm_cluster_t *cluster = context->cluster;
    hm_error_t err = HM_ERROR_NONE;
    measuring_t *m = calloc(1, sizeof *m);
    hm_status_t status =
        hm_meet(context, m ? HM_OK : hm_error_set(&err, HM_EMISSING, "out of memory"), &err);
    if (status != HM_OK) {
        free(m);
        return status;
    }
    m->plan = plan;
    m->view = plan->work.view;
    m->view.threads = 1;
    m->writes = plan->machine.band_measured;
    m->takes_part = !cluster->oversubscribed || cluster->node_rank < hm_cpu_usable();
    status = cluster->rank == 0 && m->writes ? make_file(m, &err) : HM_OK;
    HM_TRY(hm_meet(context, status, &err));
    MPI_Request request = MPI_REQUEST_NULL;
    status =
        hm_mpi_check(MPI_Ibcast(m->path, (int)sizeof m->path, MPI_CHAR, 0, cluster->comm, &request),
                     "naming the file", &err);
    if (status == HM_OK) {
        status = hm_wait(&request, "naming the file", &err);
    }
    HM_TRY(hm_meet(context, status, &err));
    HM_TRY(hm_meet(
        context,
        hm_tally_open(cluster, plan->work.view.grid.height, HM_PROGRESS_NEVER, &m->tally, &err),
        &err));
    HM_TRY(hm_meet(context, open_measuring(m, ranks, &err), &err));
    status = measure_bands(m, &err);
    const double begin = hm_clock_now();
    hm_error_t close_err = HM_ERROR_NONE;
    const hm_status_t closed = hm_dataset_close(m->dataset, &close_err);
    m->finish = hm_clock_now() - begin;
    HM_TRY(hm_meet(context, status, &err));
    HM_TRY(hm_meet(context, closed, &close_err));
    HM_TRY(hm_meet(context, combine(m, &err), &err));
cleanup:
    if (m->tally) {
        hm_tally_close(m->tally);
    }
    close_measuring(m);
    free(m);
    return status;
}

/* --- messages
 * -----------------------------------------------------------------------------------*/

/* Half of a way to and fro between ranks 0 and `other`, the median of many; on these two. */
static hm_status_t ping(const hm_cluster_t *cluster, int other, double *seconds, hm_error_t *err) {
    enum { ROUNDS = 200 };
    hm_status_t status = HM_OK;
    double took[ROUNDS];
    char byte = 0;
    const int peer = cluster->rank == 0 ? other : 0;
    for (int i = -20; i < ROUNDS; ++i) {
        const double begin = hm_clock_now();
        if (cluster->rank == 0) {
            HM_TRY(hm_mpi_check(MPI_Send(&byte, 1, MPI_CHAR, peer, 1, cluster->comm),
                                "timing a message", err));
        }
        HM_TRY(hm_mpi_check(MPI_Recv(&byte, 1, MPI_CHAR, peer, 1, cluster->comm, MPI_STATUS_IGNORE),
                            "timing a message", err));
        if (cluster->rank != 0) {
            HM_TRY(hm_mpi_check(MPI_Send(&byte, 1, MPI_CHAR, peer, 1, cluster->comm),
                                "timing a message", err));
        }
        if (i >= 0) {
            took[i] = (hm_clock_now() - begin) / 2;
        }
    }
    *seconds = hm_spread(took, ROUNDS).median;
cleanup:
    return status;
}

/* The first rank on the node of rank 0, or on another one; none: 0. */
static hm_status_t find_peer(const hm_cluster_t *cluster, bool elsewhere, int *peer,
                             hm_error_t *err) {
    const bool is = cluster->rank > 0 && (cluster->node_index != 0) == elsewhere;
    int mine = is ? cluster->rank : INT32_MAX;
    int first = 0;
    hm_status_t status = hm_mpi_check(
        MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, cluster->comm), "finding a peer", err);
    *peer = first == INT32_MAX ? 0 : first;
    return status;
}

static hm_status_t measure_latency(const hm_cluster_t *cluster, bool elsewhere, double *seconds,
                                   bool *measured, hm_error_t *err) {
    hm_status_t status = HM_OK;
    int peer = 0;
    bool speaker = false;
    double took = 0;
    HM_TRY(find_peer(cluster, elsewhere, &peer, err));
    if (peer == 0 || cluster->oversubscribed) {
        return HM_OK;
    }
    if (cluster->rank == 0 || cluster->rank == peer) {
        status = ping(cluster, peer, &took, err);
    }
    HM_TRY(hm_agree(cluster, status, err, &speaker));
    MPI_Request request = MPI_REQUEST_NULL;
    HM_TRY(hm_mpi_check(MPI_Ibcast(&took, 1, MPI_DOUBLE, 0, cluster->comm, &request),
                        "telling how long a message takes", err));
    HM_TRY(hm_wait(&request, "telling how long a message takes", err));
    *seconds = took;
    *measured = true;
cleanup:
    return status;
}

/* --- all
 * ----------------------------------------------------------------------------------------*/

/* Bytes of this process in memory. */
static double resident(void) {
    char line[256] = "";
    long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fgets(line, sizeof line, file)) {
        const char *second = strchr(line, ' ');
        pages = second ? strtoll(second, NULL, 10) : 0;
    }
    if (file) {
        fclose(file);
    }
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

hm_status_t plan_measure(plan_t *plan, int ranks) {
    const plan_settings_t *s = &plan->settings;
    const hm_values_t *values = &plan->values;
    plan_machine_t *machine = &plan->machine;
    hm_error_t err = HM_ERROR_NONE;
    hm_status_t status = HM_OK;
    const double mega = 1e-6;
    *machine = (plan_machine_t){.costs = {.latency = LATENCY,
                                          .node_latency = NODE_LATENCY,
                                          .transfer = TRANSFER,
                                          .answer = ANSWER,
                                          .poll = POLL,
                                          .bandwidth = s->bandwidth * 1e9}};
    machine->speed_measured = !hm_options_given(values, "speed");
    machine->band_measured =
        !hm_options_given(values, "band-cost") || !hm_options_given(values, "byte-cost");
    machine->base_bytes = resident() + FILE_BYTES;
    if (machine->speed_measured || machine->band_measured) {
        HM_TRY(measure_work(plan, ranks));
    }
    if (!machine->speed_measured) {
        machine->update = 1e-9 / s->speed;
        machine->point = POINT_UPDATES * machine->update;
    }
    if (hm_options_given(values, "point-cost")) {
        machine->point = s->point_cost * 1e-9;
    }
    if (hm_options_given(values, "band-cost")) {
        machine->costs.band = s->band_cost * mega;
    }
    if (hm_options_given(values, "byte-cost")) {
        machine->costs.byte = s->byte_cost * 1e-9;
    }
    if (hm_options_given(values, "latency")) {
        machine->costs.latency = s->latency * mega;
    } else {
        HM_TRY(hm_meet(plan->context,
                       measure_latency(plan->context->cluster, true, &machine->costs.latency,
                                       &machine->latency_measured, &err),
                       &err));
    }
    if (hm_options_given(values, "node-latency")) {
        machine->costs.node_latency = s->node_latency * mega;
    } else {
        HM_TRY(hm_meet(plan->context,
                       measure_latency(plan->context->cluster, false, &machine->costs.node_latency,
                                       &machine->node_latency_measured, &err),
                       &err));
    }
cleanup:
    return status;
}
