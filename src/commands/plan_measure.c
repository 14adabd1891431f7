/*
 * What computing and writing cost: bands of the view itself, here and there in it, are computed and
 * written as render does, into a file that is removed again.
 *
 * All ranks measure at the same time, as they would compute, but no more of them than a node of the
 * request keeps processors busy; where they are fewer, threads keep the others busy meanwhile.
 */
#include <math.h>
#include <omp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hm_clock.h"
#include "hm_cpu.h"
#include "hm_sample.h"
#include "hm_together.h"
#include "plan.h"
#include "plan_fit.h"

static const double POLL = 1e-3;          /* compute looks so often, unless measured */
static const double POINT_UPDATES = 20;   /* what a point costs beside its updates, in updates */
static const double LEAST_UPDATE = 1e-13; /* seconds; no machine is so fast */
static const double FORK = 5e-6;          /* where it cannot be measured */
static const double ROUND = 5e-5;

/* What the libraries that write a file hold. */
static const double FILE_BYTES = 8 << 20;

enum { LEAST_SAMPLES = 4, MOST_BYTES = 1 << 28 }; /* of a rank */

/* What the ranks found, added up. */
typedef struct sums_t {
    plan_fit_t computing, writing;
    double count, ranks, bytes, leaders;
    double looks, computed; /* of so many bands */
} sums_t;

/* What took longest on any of them. */
typedef struct longest_t {
    double finish; /* closing the file, and forcing to the disk when there is next to nothing */
    double flush;  /* forcing what was written to the disk, beyond that */
    double round;  /* of bands of nobody */
    double fork;
} longest_t;

/* One rank's measuring. */
typedef struct measuring_t {
    plan_t *plan;
    render_plan_t view;
    hm_delivery_t delivery;
    int processors; /* to be kept busy on this node */
    int threads;    /* of this rank: one measures, the others keep processors busy meanwhile */
    atomic_bool over;
    bool takes_part, writes;
    bool together; /* in rounds of all ranks */
    char path[4096];
    hm_bands_t bands[2]; /* of two sizes */
    render_job_t job[2];
    void *buffer;
    hm_tally_t *tally;
    hm_dataset_t *dataset;
    int64_t count, bytes;
    int64_t next[2], end[2]; /* bands to write, of each size: full ones, the writers' in turns */
    int writer, writers;     /* which of how many write bands of their own */
    sums_t sums;
    longest_t longest;
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
    HM_TRY(render_band_rows(&m->plan->work.settings, &m->plan->work.view, ranks, &rows, err));
    const int64_t height = m->view.grid.height;
    rows = rows < height ? rows : height;
    const int64_t other = rows >= 4 ? rows / 4 : 4 * rows < height ? 4 * rows : height;
    const int64_t most = rows > other ? rows : other;
    for (int i = 0; i < 2; ++i) {
        HM_TRY(hm_bands_make(height, NULL, i == 0 ? rows : other, &m->bands[i], err));
        HM_TRY(render_job_make(&m->view, cluster, &m->bands[i], &m->job[i], err));
    }
    m->end[0] = m->bands[0].count / 2;
    m->next[1] = m->bands[1].count / 2;
    m->end[1] = m->bands[1].count - 1;
    /* As a strategy's buffer: aligned to a cache line. */
    m->buffer = aligned_alloc(64, (render_band_bytes(&m->view, most) / 64 + 1) * 64);
    if (!m->buffer) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for a band"));
    }
cleanup:
    return status;
}

/* By who writes in a run; together where all do, and are here. */
static hm_status_t open_file(measuring_t *m, hm_error_t *err) {
    const hm_cluster_t *cluster = m->plan->context->cluster;
    if (!m->writes || (m->delivery == HM_DELIVERY_FUNNEL && cluster->node_rank != 0)) {
        return HM_OK;
    }
    if (m->together) {
        return hm_dataset_open(m->path, cluster->comm, &m->dataset, err);
    }
    return m->takes_part ? hm_dataset_open(m->path, MPI_COMM_SELF, &m->dataset, err) : HM_OK;
}

/* The writers' bands lie side by side, as in a run: forcing to the disk what has holes takes
 * longer. */
static hm_status_t count_writers(measuring_t *m, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hm_cluster_t *cluster = m->plan->context->cluster;
    const int writes = m->dataset && !m->together;
    int before = 0; /* as MPI leaves rank 0's alone */
    MPI_Request request[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
    HM_TRY(
        hm_mpi_check(MPI_Iexscan(&writes, &before, 1, MPI_INT, MPI_SUM, cluster->comm, &request[0]),
                     "counting the writers", err));
    HM_TRY(hm_mpi_check(
        MPI_Iallreduce(&writes, &m->writers, 1, MPI_INT, MPI_SUM, cluster->comm, &request[1]),
        "counting the writers", err));
    HM_TRY(hm_wait_all(2, request, "counting the writers", err));
    m->writer = before;
cleanup:
    return status;
}

/* A band of the size that is due, from places spread evenly whatever their number. */
static int64_t place(int64_t turn, const hm_bands_t *bands) {
    const double at = (double)turn * 0.6180339887498949 + 0.25;
    return (int64_t)((at - floor(at)) * (double)bands->count);
}

/*
 * Which band of a size is written next, what has been computed into it or not: one after the other
 * as in a run, the larger ones in the upper half of the rows, the others in the lower. Where
 * something has been written it is quicker, so each is written once; but a few in any case.
 */
static bool take_place(measuring_t *m, int which, int64_t computed, int64_t *number) {
    const int64_t own = m->next[which] + m->writer;
    const bool fresh = own < m->end[which];
    *number = fresh ? own : computed;
    m->next[which] += fresh ? m->writers : 0;
    return fresh || m->count < 2 + LEAST_SAMPLES;
}

/* As the strategies' progress: it is called when there is time for a look at the messages. */
static bool count_look(void *context) {
    ++*(double *)context;
    return false;
}

/* One band, of either size in turn. */
static hm_status_t measure_band(measuring_t *m, bool warm, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hm_cluster_t *cluster = m->plan->context->cluster;
    const int which = (int)(m->count % 2);
    render_job_t *job = &m->job[which];
    const hm_bands_t *bands = &m->bands[which];
    const int64_t number = place(m->count / 2 * cluster->size + cluster->rank, bands);
    const int64_t rows = bands->band[number].rows;
    const uint64_t before = job->totals.work;
    double looks = 0;
    const hm_progress_t progress = {count_look, &looks};
    const double begin = hm_clock_now();
    HM_TRY(render_compute(job, number, m->buffer, &progress, err));
    const double computed = hm_clock_now();
    if (warm) {
        m->sums.looks += looks;
        ++m->sums.computed;
        plan_fit_add(&m->sums.computing, (double)(job->totals.work - before),
                     (double)(rows * m->view.grid.width), computed - begin);
    }
    int64_t written = 0;
    if (m->dataset && !m->together && take_place(m, which, number, &written)) {
        const size_t bytes = render_band_bytes(&m->view, bands->band[written].rows);
        HM_TRY(render_deliver(job, written, m->buffer, NULL, err));
        m->bytes += (int64_t)bytes;
        if (warm) {
            plan_fit_add(&m->sums.writing, 1, (double)bytes, hm_clock_now() - computed);
        }
    }
    ++m->count;
cleanup:
    return status;
}

static hm_status_t measure_alone(measuring_t *m, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const double end = hm_clock_now() + m->plan->settings.measure;
    for (int i = 0; i < 2; ++i) {
        m->job[i].tally = m->tally;
        m->job[i].dataset = m->dataset;
        m->job[i].alone = true;
    }
    for (int i = 0; i < 2; ++i) { /* warms up */
        HM_TRY(measure_band(m, false, err));
    }
    while (m->count < 2 + LEAST_SAMPLES || hm_clock_now() < end) {
        HM_TRY(measure_band(m, true, err));
        if (m->bytes > MOST_BYTES) {
            break;
        }
    }
cleanup:
    return status;
}

static bool is_over(void *context) {
    const measuring_t *m = context;
    return atomic_load_explicit(&m->over, memory_order_relaxed);
}

/* Computes bands like the measuring thread's until that has done: where many compute, each may be
 * slower than one alone. Out of memory it is left out. */
static void accompany(measuring_t *m, int thread) {
    const hm_progress_t progress = {is_over, m};
    render_job_t job = {.re = NULL};
    void *buffer =
        aligned_alloc(64, (render_band_bytes(&m->view, m->bands[0].band_rows) / 64 + 1) * 64);
    if (buffer &&
        render_job_make(&m->view, m->plan->context->cluster, &m->bands[0], &job, NULL) == HM_OK) {
        job.alone = true;
        for (int64_t k = thread; !is_over(m); k += m->threads) {
            if (render_compute(&job, place(k, &m->bands[0]), buffer, &progress, NULL) != HM_OK) {
                break;
            }
        }
    }
    render_job_free(&job);
    free(buffer);
}

static hm_status_t measure_bands(measuring_t *m, hm_error_t *err) {
    hm_status_t status = HM_OK;
    atomic_init(&m->over, false);
    if (!m->takes_part) {
        return HM_OK;
    }
#pragma omp parallel num_threads(m->threads)
    {
        if (omp_get_thread_num() != 0) {
            accompany(m, omp_get_thread_num());
        } else { /* the one that may call MPI */
            status = measure_alone(m, err);
            atomic_store(&m->over, true);
        }
    }
    return status;
}

/* Handing a band to the threads of a request and waiting for them. */
static void measure_fork(measuring_t *m) {
    enum { TIMES = 21 };
    double took[TIMES];
    const int threads = m->plan->work.view.threads;
    m->longest.fork = FORK;
    if (!m->takes_part || threads == 1 || threads > hm_cpu_usable()) {
        return;
    }
    for (int i = -1; i < TIMES; ++i) {
        const double begin = hm_clock_now();
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
        for (int piece = 0; piece < threads; ++piece) {
            atomic_store_explicit(&m->over, true, memory_order_relaxed);
        }
        if (i >= 0) {
            took[i] = hm_clock_now() - begin;
        }
    }
    m->longest.fork = hm_spread(took, TIMES).median;
}

/* One round of all ranks, each with `count` bands of a size, the ranks' in turns: what is in them
 * does not matter. Its seconds. */
static hm_status_t have_round(measuring_t *m, int which, int count, int64_t *next, double *seconds,
                              hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hm_cluster_t *cluster = m->plan->context->cluster;
    int64_t bands[HM_ROUND_BANDS];
    const void *buffers[HM_ROUND_BANDS];
    for (int k = 0; k < count; ++k) {
        bands[k] = *next + (int64_t)k * cluster->size + cluster->rank;
        buffers[k] = m->buffer;
    }
    *next += (int64_t)count * cluster->size;
    HM_TRY(hm_mpi_check(MPI_Barrier(cluster->comm), "timing a round", err));
    const double begin = hm_clock_now();
    status = render_deliver_all(&m->job[which], count, bands, buffers, err);
    *seconds = hm_clock_now() - begin;
    HM_TRY(hm_together(cluster->comm, status, err));
    m->bytes += count * (int64_t)render_band_bytes(&m->view, m->bands[which].band_rows);
cleanup:
    return status;
}

/* Rounds of bands of either size in turn. */
static hm_status_t measure_rounds(measuring_t *m, hm_error_t *err) {
    enum { EMPTY = 4, MOST_ROUNDS = 6 };
    hm_status_t status = HM_OK;
    const hm_cluster_t *cluster = m->plan->context->cluster;
    double seconds = 0;
    double empty[EMPTY];
    for (int i = -1; i < EMPTY; ++i) {
        HM_TRY(have_round(m, 0, 0, &m->next[0], &seconds, err));
        empty[i < 0 ? 0 : i] = seconds;
    }
    m->longest.round = hm_spread(empty, EMPTY).median;
    for (int i = 0; i < 2 * MOST_ROUNDS; ++i) {
        const int which = i % 2;
        const int64_t bytes = (int64_t)render_band_bytes(&m->view, m->bands[which].band_rows);
        const int64_t room = hm_round_room((size_t)bytes);
        const int64_t left = (m->end[which] - m->next[which]) / cluster->size;
        const int count = (int)(left < room ? left : room);
        if (count < 1 || m->bytes > MOST_BYTES) {
            continue;
        }
        HM_TRY(have_round(m, which, count, &m->next[which], &seconds, err));
        if (i >= 2) {
            plan_fit_add(&m->sums.writing, count,
                         (double)(count * cluster->node_size) * (double)bytes,
                         fmax(0, seconds - m->longest.round));
        }
    }
cleanup:
    return status;
}

/* What has been written is forced to the disk, by a node's leader; then next to nothing. */
static hm_status_t measure_end(measuring_t *m, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hm_cluster_t *cluster = m->plan->context->cluster;
    double took[3] = {0};
    MPI_Request request = MPI_REQUEST_NULL;
    HM_TRY(hm_mpi_check(MPI_Ibarrier(cluster->comm, &request), "waiting for the writers", err));
    HM_TRY(hm_wait(&request, "waiting for the writers", err));
    const bool leads = m->dataset && cluster->node_rank == 0;
    for (int i = 0; i < 2 && leads && status == HM_OK; ++i) {
        const double begin = hm_clock_now();
        status = hm_dataset_flush(m->dataset, err);
        took[i] = hm_clock_now() - begin;
        if (i == 0 && status == HM_OK) { /* some byte, so that there is something to do */
            status = hm_dataset_unmark(m->dataset, 0, 1, err);
        }
    }
    HM_TRY(hm_together(cluster->comm, status, err)); /* before closing, which is collective */
    const double begin = hm_clock_now();
    hm_dataset_t *dataset = m->dataset;
    m->dataset = NULL;
    HM_TRY(hm_dataset_close(dataset, err));
    took[2] = hm_clock_now() - begin;
    m->sums.leaders = leads;
    m->longest.flush = fmax(0, took[0] - took[1]);
    m->longest.finish = took[1] + took[2];
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

/* Puts together what the ranks found. */
static hm_status_t combine(measuring_t *m, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hm_cluster_t *cluster = m->plan->context->cluster;
    plan_machine_t *machine = &m->plan->machine;
    enum { SUMS = sizeof(sums_t) / sizeof(double), LONGEST = sizeof(longest_t) / sizeof(double) };
    MPI_Request request[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
    m->sums.count = (double)m->count;
    m->sums.bytes = (double)m->bytes;
    m->sums.ranks = m->takes_part;
    HM_TRY(hm_mpi_check(MPI_Iallreduce(MPI_IN_PLACE, &m->sums, SUMS, MPI_DOUBLE, MPI_SUM,
                                       cluster->comm, &request[0]),
                        "adding up the measurements", err));
    HM_TRY(hm_mpi_check(MPI_Iallreduce(MPI_IN_PLACE, &m->longest, LONGEST, MPI_DOUBLE, MPI_MAX,
                                       cluster->comm, &request[1]),
                        "adding up the measurements", err));
    HM_TRY(hm_wait_all(2, request, "adding up the measurements", err));
    machine->measured = (int64_t)m->sums.count;
    machine->measuring = (int)m->sums.ranks;
    machine->processors = m->processors;
    machine->fork = m->longest.fork;
    if (machine->speed_measured) {
        const plan_fit_t *fit = &m->sums.computing;
        plan_fit_solve(fit, &machine->update, &machine->point);
        /* Of a band's last interval there is no look: half of one, on average. */
        machine->costs.poll = fit->y / (m->sums.looks + m->sums.computed / 2);
        if (!(machine->update > 0)) {
            /* Where all points take as many updates, or very few, nothing tells one from the other:
             * shared out as is usual. */
            machine->update = fmax(fit->y / (fit->u + POINT_UPDATES * fit->v), LEAST_UPDATE);
            machine->point = POINT_UPDATES * machine->update;
        }
    }
    if (machine->band_measured) {
        plan_fit_solve(&m->sums.writing, &machine->costs.band, &machine->costs.byte);
        machine->finish = m->longest.finish;
    }
    if (machine->flush_measured && m->sums.bytes > 0) {
        machine->flush = m->longest.flush * fmax(1, m->sums.leaders) / m->sums.bytes;
    }
    if (m->together && !hm_options_given(&m->plan->values, "round-cost")) {
        machine->costs.round = m->longest.round;
        machine->round_measured = true;
    }
cleanup:
    return status;
}

/* How many processors of this node are to be busy: as many as those of one of the request, or as
 * large a part of them. */
static int busy_processors(const plan_t *plan, const plan_request_t *request) {
    const int64_t cores = plan_cores(plan);
    const int64_t usable = hm_cpu_usable();
    const int64_t node_size = plan->context->cluster->node_size;
    const int64_t here =
        !plan->context->cluster->oversubscribed && node_size > usable ? node_size : usable;
    const int64_t most = (request->ranks + request->nodes - 1) / request->nodes;
    const int64_t wanted = most * request->threads < cores ? most * request->threads : cores;
    const int64_t busy = (wanted * here + cores - 1) / cores;
    return (int)(busy > 1 ? busy : 1);
}

/* Who does what. */
static void begin_measuring(measuring_t *m, plan_t *plan, const plan_request_t *request) {
    const hm_cluster_t *cluster = plan->context->cluster;
    m->plan = plan;
    m->view = plan->work.view;
    m->view.mirror.pairs = 0; /* a twin would be written, but not computed */
    m->writes = plan->machine.band_measured;
    m->delivery = plan_delivery(plan);
    m->processors = busy_processors(plan, request);
    m->takes_part = cluster->node_rank < m->processors;
    const int measuring = cluster->node_size < m->processors ? cluster->node_size : m->processors;
    const int share = m->processors / measuring;
    m->threads = share < hm_cpu_usable() ? share : hm_cpu_usable();
    /* Not where some of the ranks here have no part in it: a round is of all. */
    m->together = m->writes && m->delivery == HM_DELIVERY_ROUNDS &&
                  (!cluster->oversubscribed && measuring == cluster->node_size);
}

/* The parts in turn; all ranks meet after each. Collective; the status is common. */
static hm_status_t measure_all(measuring_t *m, int ranks) {
    const hm_context_t *context = m->plan->context;
    const hm_cluster_t *cluster = context->cluster;
    hm_error_t err = HM_ERROR_NONE;
    MPI_Request request = MPI_REQUEST_NULL;
    hm_status_t status = cluster->rank == 0 && m->writes ? make_file(m, &err) : HM_OK;
    HM_TRY(hm_meet(context, status, &err));
    status =
        hm_mpi_check(MPI_Ibcast(m->path, (int)sizeof m->path, MPI_CHAR, 0, cluster->comm, &request),
                     "naming the file", &err);
    if (status == HM_OK) {
        status = hm_wait(&request, "naming the file", &err);
    }
    HM_TRY(hm_meet(context, status, &err));
    HM_TRY(hm_meet(context,
                   hm_tally_open(cluster, m->view.grid.height, HM_PROGRESS_NEVER, &m->tally, &err),
                   &err));
    HM_TRY(hm_meet(context, open_measuring(m, ranks, &err), &err));
    HM_TRY(hm_meet(context, open_file(m, &err), &err));
    HM_TRY(hm_meet(context, count_writers(m, &err), &err));
    HM_TRY(hm_meet(context, measure_bands(m, &err), &err));
    measure_fork(m);
    if (m->together) {
        HM_TRY(hm_meet(context, measure_rounds(m, &err), &err));
    }
    HM_TRY(hm_meet(context, measure_end(m, &err), &err));
    HM_TRY(hm_meet(context, combine(m, &err), &err));
cleanup:
    return status;
}

static hm_status_t measure_work(plan_t *plan, const plan_request_t *request) {
    const hm_context_t *context = plan->context;
    hm_error_t err = HM_ERROR_NONE;
    measuring_t *m = calloc(1, sizeof *m);
    hm_status_t status =
        hm_meet(context, m ? HM_OK : hm_error_set(&err, HM_EMISSING, "out of memory"), &err);
    if (status == HM_OK) {
        begin_measuring(m, plan, request);
        status = measure_all(m, request->ranks);
        hm_dataset_close(m->dataset, NULL);
        hm_tally_close(m->tally);
        close_measuring(m);
    }
    free(m);
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

hm_status_t plan_measure(plan_t *plan, const plan_request_t *request) {
    const plan_settings_t *s = &plan->settings;
    const hm_values_t *values = &plan->values;
    plan_machine_t *machine = &plan->machine;
    hm_error_t err = HM_ERROR_NONE;
    hm_status_t status = HM_OK;
    const double mega = 1e-6;
    int64_t rows = 0;
    *machine = (plan_machine_t){
        .costs = {.poll = POLL, .round = ROUND, .bandwidth = s->bandwidth * 1e9}, .fork = FORK};
    machine->speed_measured = !hm_options_given(values, "speed");
    machine->band_measured =
        !hm_options_given(values, "band-cost") || !hm_options_given(values, "byte-cost");
    machine->flush_measured = machine->band_measured && !hm_options_given(values, "flush-cost");
    machine->base_bytes = resident() + FILE_BYTES;
    HM_TRY(hm_meet(
        plan->context,
        render_band_rows(&plan->work.settings, &plan->work.view, request->ranks, &rows, &err),
        &err));
    HM_TRY(plan_measure_messages(plan, (int64_t)render_band_bytes(&plan->work.view, rows)));
    if (machine->speed_measured || machine->band_measured) {
        HM_TRY(measure_work(plan, request));
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
    if (hm_options_given(values, "flush-cost")) {
        machine->flush = s->flush_cost * 1e-9;
    }
    if (hm_options_given(values, "round-cost")) {
        machine->costs.round = s->round_cost * mega;
    }
cleanup:
    return status;
}
