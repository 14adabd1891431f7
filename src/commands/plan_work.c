/* What there is to do: the updates of every row, sampled from the view or known from a data set. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "plan.h"

static hm_status_t share(const plan_t *plan, void *data, int64_t bytes, hm_error_t *err) {
    enum { PIECE = 1 << 24 };
    const MPI_Comm comm = plan->context->cluster->comm;
    hm_status_t status = HM_OK;
    for (int64_t at = 0; at < bytes && status == HM_OK; at += PIECE) {
        const int64_t rest = bytes - at;
        MPI_Request request = MPI_REQUEST_NULL;
        HM_TRY(hm_mpi_check(MPI_Ibcast((char *)data + at, (int)(rest < PIECE ? rest : PIECE),
                                       MPI_BYTE, 0, comm, &request),
                            "telling what there is to do", err));
        HM_TRY(hm_wait(&request, "telling what there is to do", err));
    }
cleanup:
    return status;
}

/* Every rank holds what each row costs, and looks at it several times for each request. */
static hm_status_t check_height(int64_t height, hm_error_t *err) {
    enum { MOST_ROWS = 1 << 26 };
    return height <= MOST_ROWS
               ? HM_OK
               : hm_error_set(err, HM_EUSAGE,
                              "%lld rows are more than plan can weigh one by one (%d): ask for the "
                              "same view with fewer; what its points cost is nearly the same",
                              (long long)height, MOST_ROWS);
}

static hm_status_t need_rows(plan_work_t *work, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const int64_t height = work->view.grid.height;
    HM_TRY(check_height(height, err));
    work->updates = calloc((size_t)height, sizeof *work->updates);
    if (!work->updates) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for %lld rows", (long long)height));
    }
cleanup:
    return status;
}

/* Of two rows that mirror each other the upper one is to be computed, whichever the file's run
 * computed, or both. */
static void fold(plan_work_t *work) {
    const hm_mirror_t *mirror = &work->view.mirror;
    for (int64_t row = mirror->first; row < mirror->first + mirror->pairs; ++row) {
        double *twin = &work->updates[mirror->sum - row];
        work->updates[row] = work->updates[row] > *twin ? work->updates[row] : *twin;
        *twin = 0;
    }
}

static void add_up(plan_work_t *work) {
    work->all_updates = 0;
    for (int64_t row = 0; row < work->view.grid.height; ++row) {
        work->all_updates += work->updates[row];
    }
    const hm_dataset_plan_t file = {.grid = work->view.grid, .channels = work->view.channels};
    work->file_bytes = hm_dataset_bytes(&file);
}

/* --- from the view
 * ------------------------------------------------------------------------------*/

/* The sampled row or column k of `count`, from the middle of its slice of `all`. */
static int64_t middle(int64_t k, int64_t count, int64_t all) {
    return (2 * k + 1) * all / (2 * count);
}

/* Updates of a point on average, in the sampled rows of this rank; the others are left alone. */
static hm_status_t sample(const plan_work_t *work, const hm_cluster_t *cluster, double *density,
                          hm_error_t *err) {
    enum { ROWS = 64 };
    hm_status_t status = HM_OK;
    const render_plan_t *view = &work->view;
    const int64_t columns = work->sampled_columns;
    double *re = malloc((size_t)columns * sizeof *re);
    uint32_t *counts = malloc((size_t)columns * ROWS * sizeof *counts);
    if (!re || !counts) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for the samples"));
    }
    for (int64_t i = 0; i < columns; ++i) {
        hm_grid_re(&view->grid, middle(i, columns, view->grid.width), 1, &re[i]);
    }
    const int64_t end = hm_part_start(work->sampled_rows, cluster->rank + 1, cluster->size);
    for (int64_t k = hm_part_start(work->sampled_rows, cluster->rank, cluster->size); k < end;) {
        double im[ROWS];
        uint64_t updates[ROWS];
        const int64_t rows = end - k < ROWS ? end - k : ROWS;
        for (int64_t j = 0; j < rows; ++j) {
            hm_grid_im(&view->grid, middle(k + j, work->sampled_rows, view->grid.height), 1,
                       &im[j]);
        }
        hm_tile_t tile = {re, columns, im, rows};
        hm_channels_t channels = {.iterations = counts};
        hm_poll_t poll = {0};
        HM_TRY(
            hm_kernel_compute(view->kernel, &view->formula, &tile, &channels, updates, &poll, err));
        for (int64_t j = 0; j < rows; ++j) {
            density[k + j] = (double)updates[j] / (double)columns;
        }
        k += rows;
    }
cleanup:
    free(re);
    free(counts);
    return status;
}

/* Rows between sampled ones are between them in cost. */
static void interpolate(plan_work_t *work, const double *density) {
    const int64_t height = work->view.grid.height;
    const int64_t rows = work->sampled_rows;
    int64_t k = 0;
    for (int64_t row = 0; row < height; ++row) {
        while (k + 1 < rows && middle(k + 1, rows, height) <= row) {
            ++k;
        }
        const int64_t low = middle(k, rows, height);
        double value = density[k];
        if (row > low && k + 1 < rows) {
            const double part = (double)(row - low) / (double)(middle(k + 1, rows, height) - low);
            value += part * (density[k + 1] - density[k]);
        }
        work->updates[row] = value * (double)work->view.grid.width;
    }
}

static hm_status_t work_of_view(plan_t *plan, hm_error_t *err) {
    enum { COLUMNS = 512 };
    plan_work_t *work = &plan->work;
    const hm_cluster_t *cluster = plan->context->cluster;
    const hm_grid_t *grid = &work->view.grid;
    const int64_t samples = plan->settings.samples;
    hm_status_t status = HM_OK;
    bool speaker = false;
    work->sampled_rows = samples / COLUMNS < 1 ? 1 : samples / COLUMNS;
    work->sampled_rows = work->sampled_rows < grid->height ? work->sampled_rows : grid->height;
    work->sampled_columns = samples / work->sampled_rows;
    work->sampled_columns =
        work->sampled_columns < grid->width ? work->sampled_columns : grid->width;
    double *density = calloc((size_t)work->sampled_rows, sizeof *density);
    status = density ? sample(work, cluster, density, err)
                     : hm_error_set(err, HM_EMISSING, "out of memory for the samples");
    HM_TRY(hm_agree(cluster, status, err, &speaker));
    MPI_Request request = MPI_REQUEST_NULL;
    HM_TRY(hm_mpi_check(MPI_Iallreduce(MPI_IN_PLACE, density, (int)work->sampled_rows, MPI_DOUBLE,
                                       MPI_SUM, cluster->comm, &request),
                        "exchanging the samples", err));
    HM_TRY(hm_wait(&request, "exchanging the samples", err));
    interpolate(work, density);
cleanup:
    free(density);
    return status;
}

/* --- from a data set
 * ----------------------------------------------------------------------------*/

/* A file without accounts still has its counts: n + 1 updates where a point escaped. */
static hm_status_t read_counts(hm_reader_t *reader, const hm_dataset_info_t *info, double *updates,
                               hm_error_t *err) {
    hm_status_t status = HM_OK;
    const int64_t width = info->grid.width;
    uint32_t *counts = malloc((size_t)width * sizeof *counts);
    if (!counts) {
        return hm_error_set(err, HM_EMISSING, "out of memory for a row");
    }
    for (int64_t row = 0; row < info->grid.height; ++row) {
        HM_TRY(hm_reader_rows(reader, HM_CHANNEL_ITERATIONS, row, 1, counts, err));
        for (int64_t i = 0; i < width; ++i) {
            updates[row] += (double)counts[i] + (counts[i] < info->formula.max_iter);
        }
    }
cleanup:
    free(counts);
    return status;
}

/* What rank 0 finds in the file; all malloc'ed. */
typedef struct found_t {
    char *configuration;
    int64_t length; /* of it, with its NUL */
    int64_t height;
    double *updates; /* [height] */
} found_t;

static hm_status_t read_file(const char *path, found_t *found, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_reader_t *reader = NULL;
    hm_dataset_info_t info;
    uint64_t *work = NULL;
    HM_TRY(hm_reader_open(path, &reader, &info, err));
    const int64_t height = info.grid.height;
    HM_TRY(check_height(height, err));
    if (!info.result.complete) {
        HM_TRY(hm_error_set(err, HM_EDATA,
                            "'%s' is not complete: %lld of %lld rows are done; go on with it by "
                            "render --resume",
                            path, (long long)info.rows_done, (long long)height));
    }
    HM_TRY(hm_reader_configuration(reader, &found->configuration, err));
    work = calloc((size_t)height, sizeof *work);
    found->updates = calloc((size_t)height, sizeof *found->updates);
    if (!work || !found->updates) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for %lld rows", (long long)height));
    }
    HM_TRY(hm_reader_costs(reader, 0, height, work, NULL, NULL, err));
    double all = 0;
    for (int64_t row = 0; row < height; ++row) {
        found->updates[row] = (double)work[row];
        all += found->updates[row];
    }
    if (!(all > 0)) {
        HM_TRY(read_counts(reader, &info, found->updates, err));
    }
    found->length = (int64_t)strlen(found->configuration) + 1;
    found->height = height;
cleanup:
    hm_reader_close(reader);
    free(work);
    return status;
}

/* The stored configuration as settings: through the same reader of INI files as any other. */
static hm_status_t parse_configuration(plan_t *plan, const char *text, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const size_t length = strlen(text);
    char option[64];
    char name[] = "plan";
    char *arguments[] = {name, option, NULL};
    const int descriptor = memfd_create("configuration", MFD_CLOEXEC);
    if (descriptor < 0 || write(descriptor, text, length) != (ssize_t)length ||
        lseek(descriptor, 0, SEEK_SET) != 0) {
        HM_TRY(hm_error_errno(err, HM_EIO, errno, "cannot keep the configuration of '%s'",
                              plan->work.file));
    }
    snprintf(option, sizeof option, "--config=/proc/self/fd/%d", descriptor);
    status = hm_options_parse(render_options, true, 0, 2, arguments, &plan->work.settings,
                              &plan->file_values, err);
    if (status != HM_OK) {
        hm_error_context(err, "the configuration of '%s'", plan->work.file);
    }
cleanup:
    if (descriptor >= 0) {
        close(descriptor);
    }
    return status;
}

static const char *const view_keys[] = {"center",   "span",     "region",   "size",
                                        "coords",   "max-iter", "bailout",  "julia",
                                        "channels", "arith",    "interior", NULL};

/* The file says what is computed, the command line how. */
static hm_status_t merge(plan_t *plan, hm_error_t *err) {
    const render_settings_t *given = &plan->settings.render;
    render_settings_t *s = &plan->work.settings;
    for (const char *const *key = view_keys; *key; ++key) {
        if (hm_options_given(&plan->values, *key)) {
            return hm_error_set(err, HM_EUSAGE, "%s: '%s' has its own; give one or the other", *key,
                                plan->work.file);
        }
    }
    if (hm_options_given(&plan->values, "strategy")) {
        s->strategy = given->strategy;
    }
    if (hm_options_given(&plan->values, "band")) {
        s->band = given->band;
    }
    if (hm_options_given(&plan->values, "portion")) {
        s->portion = given->portion;
    }
    if (hm_options_given(&plan->values, "idle-coordinator")) {
        s->idle_coordinator = given->idle_coordinator;
    }
    s->isa = given->isa;
    s->io = given->io;
    s->threads = given->threads;
    s->output = given->output;
    return HM_OK;
}

static hm_status_t work_of_file(plan_t *plan, hm_error_t *err) {
    plan_work_t *work = &plan->work;
    const hm_cluster_t *cluster = plan->context->cluster;
    found_t found = {.configuration = NULL};
    bool speaker = false;
    hm_status_t status = cluster->rank == 0 ? read_file(work->file, &found, err) : HM_OK;
    HM_TRY(hm_agree(cluster, status, err, &speaker));
    HM_TRY(share(plan, &found.length, sizeof found.length, err));
    if (cluster->rank != 0) {
        found.configuration = malloc((size_t)found.length);
        if (!found.configuration) {
            status = hm_error_set(err, HM_EMISSING, "out of memory for the configuration");
        }
    }
    HM_TRY(hm_agree(cluster, status, err, &speaker));
    HM_TRY(share(plan, found.configuration, found.length, err));
    status = parse_configuration(plan, found.configuration, err);
    if (status == HM_OK) {
        status = merge(plan, err);
    }
    if (status == HM_OK) {
        status = render_resolve(&work->settings, &plan->values, cluster, &work->view, err);
    }
    if (status == HM_OK) {
        status = need_rows(work, err);
    }
    if (status == HM_OK && cluster->rank == 0 && work->view.grid.height != found.height) {
        status =
            hm_error_set(err, HM_EDATA, "'%s' has %lld rows, by its configuration %lld", work->file,
                         (long long)found.height, (long long)work->view.grid.height);
    }
    HM_TRY(hm_agree(cluster, status, err, &speaker));
    if (cluster->rank == 0) {
        memcpy(work->updates, found.updates, (size_t)found.height * sizeof *work->updates);
    }
    HM_TRY(
        share(plan, work->updates, work->view.grid.height * (int64_t)sizeof *work->updates, err));
cleanup:
    free(found.configuration);
    free(found.updates);
    return status;
}

/* --- both
 * ---------------------------------------------------------------------------------------*/

hm_status_t plan_work_make(plan_t *plan, const char *file) {
    const hm_context_t *context = plan->context;
    plan_work_t *work = &plan->work;
    hm_error_t err = HM_ERROR_NONE;
    hm_status_t status = HM_OK;
    work->file = file;
    if (file) {
        status = hm_meet(context, work_of_file(plan, &err), &err);
    } else {
        work->settings = plan->settings.render;
        status =
            render_resolve(&work->settings, &plan->values, context->cluster, &work->view, &err);
        if (status == HM_OK) {
            status = need_rows(work, &err);
        }
        status = hm_meet(context, status, &err);
        if (status == HM_OK) {
            status = hm_meet(context, work_of_view(plan, &err), &err);
        }
    }
    if (status == HM_OK) {
        fold(work);
        add_up(work);
    }
    return status;
}

void plan_work_free(plan_work_t *work) {
    free(work->updates);
    work->updates = NULL;
}
