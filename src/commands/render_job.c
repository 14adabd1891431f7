/* The job that a strategy hands out: computes a band with the kernel, delivers it to the file. */
#include "render.h"

#include <omp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "hm_clock.h"

/* A band in its buffer: this head, then per row seconds and work, then the channels one after the
 * other. The rows of its twin follow its own. */
typedef struct band_head_t {
    int64_t rows; /* all of them */
    uint64_t sum, inside, work;
    int32_t rank;
    int32_t unused;
} band_head_t;

typedef struct band_parts_t {
    double *seconds;
    uint64_t *work;
    uint32_t *iterations;
    float *smooth, *distance;
    uint32_t *period;
} band_parts_t;

/* Every channel's value has four bytes. */
enum { VALUE_BYTES = 4 };

static int channel_count(uint32_t channels) {
    int count = 0;
    for (int c = 0; c < HM_CHANNEL_COUNT; ++c) {
        count += (channels & (1u << c)) != 0;
    }
    return count;
}

size_t render_band_bytes(const render_plan_t *plan, int64_t band_rows) {
    const size_t rows = (size_t)band_rows * (plan->mirror.pairs > 0 ? 2 : 1);
    return sizeof(band_head_t) + rows * (sizeof(double) + sizeof(uint64_t)) +
           rows * (size_t)plan->grid.width * VALUE_BYTES * (size_t)channel_count(plan->channels);
}

/* Rows of a band and its twin. */
static int64_t rows_of(const hm_band_t *band) {
    return band->twin >= 0 ? 2 * band->rows : band->rows;
}

static band_parts_t band_parts(const render_plan_t *plan, int64_t rows, void *buffer) {
    band_parts_t parts = {0};
    char *next = (char *)buffer + sizeof(band_head_t);
    parts.seconds = (double *)(void *)next;
    next += (size_t)rows * sizeof(double);
    parts.work = (uint64_t *)(void *)next;
    next += (size_t)rows * sizeof(uint64_t);
    void *channel[HM_CHANNEL_COUNT] = {0};
    for (int c = 0; c < HM_CHANNEL_COUNT; ++c) {
        if ((plan->channels >> c) & 1u) {
            channel[c] = next;
            next += (size_t)rows * (size_t)plan->grid.width * VALUE_BYTES;
        }
    }
    parts.iterations = channel[HM_CHANNEL_ITERATIONS];
    parts.smooth = channel[HM_CHANNEL_SMOOTH];
    parts.distance = channel[HM_CHANNEL_DISTANCE];
    parts.period = channel[HM_CHANNEL_PERIOD];
    return parts;
}

/* What one band's threads share. */
typedef struct band_run_t {
    const hm_progress_t *progress;
    atomic_bool stop;
} band_run_t;

/* Only the main thread speaks to MPI; the others see what it found. */
static bool poll_main(void *context) {
    band_run_t *run = context;
    if (run->progress && run->progress->call && run->progress->call(run->progress->context)) {
        atomic_store_explicit(&run->stop, true, memory_order_relaxed);
    }
    return atomic_load_explicit(&run->stop, memory_order_relaxed);
}

static bool poll_other(void *context) {
    band_run_t *run = context;
    return atomic_load_explicit(&run->stop, memory_order_relaxed);
}

/* Adds what rows [first, first + rows) of a band come to. */
static void add_rows(const render_job_t *job, const band_parts_t *parts, int64_t first,
                     int64_t rows, band_head_t *head) {
    const int64_t width = job->plan->grid.width;
    uint64_t sum = 0;
    uint64_t inside = 0;
    hm_kernel_total(job->plan->kernel, parts->iterations + first * width, rows * width,
                    job->plan->formula.max_iter, &sum, &inside);
    head->sum += sum;
    head->inside += inside;
    for (int64_t row = first; row < first + rows; ++row) {
        head->work += parts->work[row];
    }
}

/* Rows [first, first + rows) of a band, of which `im` holds all imaginary parts; what they come to
 * is added to `head`. */
static hm_status_t compute_rows(const render_job_t *job, const band_parts_t *parts,
                                const double *im, int64_t first, int64_t rows,
                                const hm_poll_t *poll, band_head_t *head, hm_error_t *err) {
    const render_plan_t *plan = job->plan;
    int64_t offset = first * plan->grid.width;
    hm_tile_t tile = {.re = job->re, .width = plan->grid.width, .im = im + first, .rows = rows};
    hm_channels_t channels = {
        .iterations = parts->iterations + offset,
        .smooth = parts->smooth ? parts->smooth + offset : NULL,
        .distance = parts->distance ? parts->distance + offset : NULL,
        .period = parts->period ? parts->period + offset : NULL,
        .pixel_step = plan->grid.re_step,
    };
    hm_status_t status = hm_kernel_compute(plan->kernel, &plan->formula, &tile, &channels,
                                           parts->work + first, poll, err);
    if (status == HM_OK) {
        add_rows(job, parts, first, rows, head);
    }
    return status;
}

/* Splits the band's rows over the threads. */
static hm_status_t compute_threads(const render_job_t *job, const band_parts_t *parts,
                                   const double *im, int64_t rows, band_run_t *run,
                                   band_head_t *head, hm_error_t *err) {
    int64_t pieces = hm_thread_pieces(rows, job->plan->threads);
    hm_status_t status = HM_OK;
    /* Named by default(none)-style sharing: only `status`, `err` and `head` are written, in the
     * critical part. */
#pragma omp parallel for num_threads(job->alone ? 1 : job->plan->threads) schedule(dynamic, 1)
    for (int64_t p = 0; p < pieces; ++p) {
        int64_t first = hm_thread_start(rows, p, pieces);
        int64_t last = hm_thread_start(rows, p + 1, pieces);
        hm_poll_t poll = {omp_get_thread_num() == 0 ? poll_main : poll_other, run};
        hm_error_t mine = HM_ERROR_NONE;
        band_head_t sums = {.rows = last - first};
        hm_status_t s =
            atomic_load_explicit(&run->stop, memory_order_relaxed)
                ? HM_STOPPED
                : compute_rows(job, parts, im, first, last - first, &poll, &sums, &mine);
#pragma omp critical
        {
            head->sum += sums.sum;
            head->inside += sums.inside;
            head->work += sums.work;
        }
        if (s != HM_OK) {
            atomic_store_explicit(&run->stop, true, memory_order_relaxed);
#pragma omp critical
            if (status == HM_OK || status == HM_STOPPED) {
                status = s;
                if (s != HM_STOPPED && err) {
                    *err = mine;
                }
            }
        }
    }
    return status;
}

/* The twin of a band of so many rows, behind it: the same rows the other way round, of which none
 * has cost anything. */
static void add_twin(const render_plan_t *plan, int64_t rows, const band_parts_t *parts,
                     band_head_t *head) {
    void *const channel[] = {parts->iterations, parts->smooth, parts->distance, parts->period};
    const size_t row_bytes = (size_t)plan->grid.width * VALUE_BYTES;
    for (size_t c = 0; c < sizeof channel / sizeof *channel; ++c) {
        char *const first = channel[c];
        for (int64_t row = 0; first && row < rows; ++row) {
            memcpy(first + (size_t)(2 * rows - 1 - row) * row_bytes,
                   first + (size_t)row * row_bytes, row_bytes);
        }
    }
    memset(parts->work + rows, 0, (size_t)rows * sizeof *parts->work);
    memset(parts->seconds + rows, 0, (size_t)rows * sizeof *parts->seconds);
    head->sum *= 2;
    head->inside *= 2;
}

/* Each computed row's share of the time by its share of the work. */
static void share_seconds(const render_job_t *job, int64_t rows, const band_head_t *head,
                          const band_parts_t *parts, double seconds) {
    const int64_t width = job->plan->grid.width;
    /* A row costs something even where no update was done: a pixel counts as one update more. */
    double cost = (double)head->work + (double)(rows * width);
    for (int64_t row = 0; row < rows; ++row) {
        parts->seconds[row] = seconds * ((double)parts->work[row] + (double)width) / cost;
    }
}

hm_status_t render_compute(void *context, int64_t band, void *buffer, const hm_progress_t *progress,
                           hm_error_t *err) {
    render_job_t *job = context;
    const hm_band_t *b = &job->bands->band[band];
    double begin = hm_clock_now();
    hm_status_t status = HM_OK;
    double *im = malloc((size_t)b->rows * sizeof *im);
    if (!im) {
        return hm_error_set(err, HM_EMISSING, "out of memory for %lld rows", (long long)b->rows);
    }
    band_head_t head = {.rows = rows_of(b), .rank = job->cluster->rank};
    band_parts_t parts = band_parts(job->plan, head.rows, buffer);
    hm_grid_im(&job->plan->grid, b->first, b->rows, im);
    band_run_t run = {.progress = progress};
    atomic_init(&run.stop, false);
    if (job->plan->threads > 1) {
        HM_TRY(compute_threads(job, &parts, im, b->rows, &run, &head, err));
    } else {
        hm_poll_t poll = {poll_main, &run};
        HM_TRY(compute_rows(job, &parts, im, 0, b->rows, &poll, &head, err));
    }
    if (b->twin >= 0) {
        add_twin(job->plan, b->rows, &parts, &head);
    }
    share_seconds(job, b->rows, &head, &parts, hm_clock_now() - begin);
    memcpy(buffer, &head, sizeof head);
    job->totals.rows_computed += head.rows;
    job->totals.work += head.work;
    if (job->tally) {
        hm_tally_add(job->tally, head.rows, head.work);
        hm_tally_poll(job->tally);
    }
cleanup:
    free(im);
    return status;
}

/* The band in `buffer` as the file takes it, its twin as another one, and its head. Returns how
 * many there are. */
static int band_data(const render_job_t *job, int64_t band, const void *buffer, band_head_t *head,
                     hm_band_data_t data[2]) {
    const hm_band_t *b = &job->bands->band[band];
    memcpy(head, buffer, sizeof *head);
    const band_parts_t parts = band_parts(job->plan, rows_of(b), (void *)(uintptr_t)buffer);
    data[0] =
        (hm_band_data_t){.first = b->first,
                         .rows = b->rows,
                         .channel = {parts.iterations, parts.smooth, parts.distance, parts.period},
                         .work = parts.work,
                         .seconds = parts.seconds,
                         .rank = head->rank};
    if (b->twin < 0) {
        return 1;
    }
    data[1] = data[0];
    data[1].first = b->twin;
    data[1].work += b->rows;
    data[1].seconds += b->rows;
    for (int c = 0; c < HM_CHANNEL_COUNT; ++c) {
        if (data[0].channel[c]) {
            data[1].channel[c] = (const char *)data[0].channel[c] +
                                 (size_t)(b->rows * job->plan->grid.width) * VALUE_BYTES;
        }
    }
    return 2;
}

static void account_delivered(render_job_t *job, const band_head_t *head) {
    job->totals.sum += head->sum;
    job->totals.inside += head->inside;
    job->totals.rows_delivered += head->rows;
}

static hm_status_t flush_when_due(render_job_t *job, hm_error_t *err) {
    hm_status_t status = HM_OK;
    if (job->checkpoint > 0 && hm_clock_now() - job->flushed >= job->checkpoint) {
        status = hm_dataset_flush(job->dataset, err);
        job->flushed = hm_clock_now();
    }
    return status;
}

hm_status_t render_deliver(void *context, int64_t band, const void *buffer,
                           const hm_progress_t *progress, hm_error_t *err) {
    (void)progress;
    render_job_t *job = context;
    band_head_t head;
    hm_band_data_t data[2];
    const int count = band_data(job, band, buffer, &head, data);
    hm_status_t status = HM_OK;
    for (int k = 0; k < count; ++k) {
        HM_TRY(hm_dataset_write_band(job->dataset, &data[k], err));
    }
    account_delivered(job, &head);
    HM_TRY(flush_when_due(job, err));
cleanup:
    return status;
}

hm_status_t render_deliver_all(void *context, int count, const int64_t *bands,
                               const void *const *buffers, hm_error_t *err) {
    render_job_t *job = context;
    band_head_t head[HM_DATASET_ROUND];
    hm_band_data_t data[HM_DATASET_ROUND] = {{0}};
    int pieces = 0;
    for (int k = 0; k < count; ++k) {
        pieces += band_data(job, bands[k], buffers[k], &head[k], &data[pieces]);
    }
    hm_status_t status = HM_OK;
    HM_TRY(hm_dataset_write_bands(job->dataset, pieces, data, err));
    for (int k = 0; k < count; ++k) {
        account_delivered(job, &head[k]);
    }
    HM_TRY(flush_when_due(job, err));
cleanup:
    return status;
}

/* What a point costs besides its updates, in updates: entering, leaving, writing. Measured as about
 * 10 ns. */
static const double PROBE_POINT_COST = 20;

/* Points of a row that stand for all of it, and at most so many rows of a band. */
enum { PROBE_POINTS = 48, PROBE_ROWS = 4 };

int64_t render_probe_points(const render_plan_t *plan, int64_t band_rows) {
    const int64_t points = plan->grid.width < PROBE_POINTS ? plan->grid.width : PROBE_POINTS;
    return points * (band_rows < PROBE_ROWS ? band_rows : PROBE_ROWS);
}

hm_status_t render_probe(void *context, int64_t first, int64_t count, double *cost,
                         hm_error_t *err) {
    render_job_t *job = context;
    const render_plan_t *plan = job->plan;
    /* What every update would cost, the counts say: they need not all be done for that. */
    const bool brute = plan->formula.interior == HM_INTERIOR_NONE;
    hm_formula_t formula = plan->formula;
    formula.interior = HM_INTERIOR_EXACT;
    double re[PROBE_POINTS];
    uint32_t counts[PROBE_POINTS * PROBE_ROWS];
    int64_t points = plan->grid.width < PROBE_POINTS ? plan->grid.width : PROBE_POINTS;
    for (int64_t i = 0; i < points; ++i) {
        re[i] = job->re[(2 * i + 1) * plan->grid.width / (2 * points)];
    }
    for (int64_t k = 0; k < count; ++k) {
        const hm_band_t *band = &job->bands->band[first + k];
        int64_t rows = band->rows < PROBE_ROWS ? band->rows : PROBE_ROWS;
        double im[PROBE_ROWS];
        uint64_t work[PROBE_ROWS];
        for (int64_t j = 0; j < rows; ++j) {
            hm_grid_im(&plan->grid, band->first + (2 * j + 1) * band->rows / (2 * rows), 1, &im[j]);
        }
        hm_tile_t tile = {re, points, im, rows};
        hm_channels_t channels = {.iterations = counts};
        hm_poll_t poll = {0};
        hm_status_t status =
            hm_kernel_compute(plan->kernel, &formula, &tile, &channels, work, &poll, err);
        if (status != HM_OK) {
            return status;
        }
        /* A point costs something even where no update is done. */
        double sum = (double)(points * rows) * PROBE_POINT_COST;
        for (int64_t j = 0; !brute && j < rows; ++j) {
            sum += (double)work[j];
        }
        for (int64_t i = 0; brute && i < points * rows; ++i) {
            sum += (double)counts[i] + (counts[i] < formula.max_iter ? 1.0 : 0.0);
        }
        cost[k] = sum / (double)(points * rows) * (double)(band->rows * plan->grid.width);
    }
    return HM_OK;
}

hm_status_t render_job_make(const render_plan_t *plan, const hm_cluster_t *cluster,
                            const hm_bands_t *bands, render_job_t *job, hm_error_t *err) {
    double *re = malloc((size_t)plan->grid.width * sizeof *re);
    if (!re) {
        return hm_error_set(err, HM_EMISSING, "out of memory for %lld columns",
                            (long long)plan->grid.width);
    }
    hm_grid_re(&plan->grid, 0, plan->grid.width, re);
    *job = (render_job_t){
        .plan = plan, .cluster = cluster, .bands = bands, .re = re, .flushed = hm_clock_now()};
    return HM_OK;
}

void render_job_free(render_job_t *job) {
    free(job->re);
    job->re = NULL;
}
