/* render: computes a view into a data set file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "commands.h"
#include "hm_canvas.h"
#include "hm_clock.h"
#include "hm_replace.h"
#include "hm_version.h"
#include "provenance.h"
#include "render.h"
#include "stop.h"
#include "trace.h"

static const char *const about = "Computes a view into a data set file, in parallel.\n"
                                 "Standard output carries the summary, standard error the log.";

/* Events of a rank's trace: 40 MB at most. */
enum { TRACE_MOST = 1000000 };

/* Everything one run of the command holds. */
typedef struct render_run_t {
    hm_context_t *context;
    hm_cluster_t cluster; /* the context's */
    render_settings_t settings;
    hm_values_t values;
    render_plan_t plan;
    render_before_t before;
    hm_bands_t bands;
    hm_account_t account;
    hm_trace_t trace;
    render_job_t job;
    double begin;   /* of the command */
    double started; /* the file is open, work begins */
    double ended;   /* all is written */
} render_run_t;

/*
 * What decides the data must be the same on every rank (`--isa` and `--threads` may differ, as with
 * mpirun's colon syntax).
 */
static hm_status_t same_everywhere(const render_run_t *run, hm_error_t *err) {
    uLong hash = crc32(0L, Z_NULL, 0);
    for (int i = 0; i < run->values.count; ++i) {
        const char *key = run->values.table[i].key;
        const char *text = run->values.text[i];
        if (strcmp(key, "isa") != 0 && strcmp(key, "threads") != 0 && text) {
            hash = crc32(hash, (const Bytef *)key, (uInt)strlen(key));
            hash = crc32(hash, (const Bytef *)text, (uInt)strlen(text) + 1);
        }
    }
    /* The greatest and the least. */
    int64_t most = 0;
    int64_t most_below = 0;
    hm_status_t status = hm_most(&run->cluster, (int64_t)hash, &most, err);
    if (status == HM_OK) {
        status = hm_most(&run->cluster, UINT32_MAX - (int64_t)hash, &most_below, err);
    }
    if (status == HM_OK && most != UINT32_MAX - most_below) {
        status = hm_error_set(err, HM_EUSAGE,
                              "the ranks were given different options; only --isa and --threads "
                              "may differ from rank to rank");
    }
    return status;
}

/* The default output lies in results/, which need not exist where the installed program runs. */
static void make_default_folder(const render_run_t *run) {
    if (!hm_options_given(&run->values, "output")) {
        mkdir("results", 0777);
    }
}

/* What this session says of itself in /run/history. */
static hm_session_t session_of(const render_run_t *run) {
    hm_session_t session = {.ranks = run->cluster.size, .threads = run->plan.threads};
    hm_clock_iso8601(session.start, sizeof session.start);
    snprintf(session.version, sizeof session.version, "%s", hm_version());
    provenance_host(session.host, sizeof session.host);
    snprintf(session.strategy, sizeof session.strategy, "%s", run->plan.strategy->name);
    return session;
}

/* The file: made, or found and verified. Collective; the status is common. */
static hm_status_t prepare(render_run_t *run) {
    hm_error_t err = HM_ERROR_NONE;
    provenance_t provenance = {.count = 0};
    hm_session_t session = {.ranks = run->cluster.size};
    hm_status_t status = HM_OK;
    char *ini = NULL;
    if (run->cluster.rank == 0) { /* who makes the file */
        session = session_of(run);
        provenance_make(&run->cluster, run->plan.strategy->name, &provenance);
        make_default_folder(run);
        ini = hm_options_ini(&run->values);
        if (!ini) {
            status = hm_error_set(&err, HM_EMISSING, "out of memory for the configuration");
        }
    }
    HM_TRY(hm_meet(run->context, status, &err));
    hm_dataset_plan_t plan = {.grid = run->plan.grid,
                              .formula = run->plan.formula,
                              .channels = run->plan.channels,
                              .configuration = ini,
                              .attributes = provenance.attribute,
                              .attribute_count = provenance.count,
                              .overwrite = run->settings.overwrite,
                              .alignment = run->settings.alignment,
                              .session = &session};
    HM_TRY(render_prepare(run->context, run->settings.output, &plan, run->settings.resume,
                          &run->before));
cleanup:
    free(ini);
    return status;
}

/* The rank's row of /run/ranks. */
static hm_rank_account_t rank_account(const render_run_t *run) {
    hm_rank_account_t a = {.node = run->cluster.node_index,
                           .threads = run->plan.threads,
                           .rows = run->job.totals.rows_computed,
                           .iterations = (int64_t)run->job.totals.work,
                           .busy = run->account.seconds[HM_STATE_BUSY],
                           .waiting = run->account.seconds[HM_STATE_WAITING],
                           .writing = run->account.seconds[HM_STATE_WRITING],
                           .talking = run->account.seconds[HM_STATE_TALKING]};
    provenance_host(a.host, sizeof a.host);
    snprintf(a.isa, sizeof a.isa, "%s", hm_isa_name(hm_kernel_isa(run->plan.kernel)));
    return a;
}

/* Sums every rank's totals and gathers every rank's account on rank 0. Collective. */
static hm_status_t gather(const render_run_t *run, hm_rank_account_t *accounts,
                          render_totals_t *totals, hm_verified_t *before, int *stopped_by,
                          hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_rank_account_t mine = rank_account(run);
    MPI_Request request[3] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL, MPI_REQUEST_NULL};
    const render_totals_t *t = &run->job.totals;
    const hm_verified_t *v = &run->before.mine;
    uint64_t local[10] = {t->sum,
                          t->inside,
                          (uint64_t)t->rows_delivered,
                          (uint64_t)t->rows_computed,
                          t->work,
                          v->sum,
                          v->inside,
                          (uint64_t)v->good,
                          (uint64_t)run->account.messages,
                          (uint64_t)run->account.bytes};
    uint64_t global[10] = {0};
    int signal_here = stop_signal();
    HM_TRY(hm_mpi_check(
        MPI_Ireduce(local, global, 10, MPI_UINT64_T, MPI_SUM, 0, run->cluster.comm, &request[0]),
        "summing the ranks' totals", err));
    HM_TRY(hm_mpi_check(MPI_Igather(&mine, (int)sizeof mine, MPI_BYTE, accounts, (int)sizeof mine,
                                    MPI_BYTE, 0, run->cluster.comm, &request[1]),
                        "gathering the ranks' accounts", err));
    HM_TRY(hm_mpi_check(MPI_Ireduce(&signal_here, stopped_by, 1, MPI_INT, MPI_MAX, 0,
                                    run->cluster.comm, &request[2]),
                        "asking who stopped the run", err));
    HM_TRY(hm_wait_all(3, request, "gathering the ranks' accounts", err));
    *before = (hm_verified_t){.sum = global[5], .inside = global[6], .good = (int64_t)global[7]};
    *totals = (render_totals_t){.sum = global[0],
                                .inside = global[1],
                                .rows_delivered = (int64_t)global[2],
                                .rows_computed = (int64_t)global[3],
                                .work = global[4],
                                .messages = global[8],
                                .bytes = global[9]};
cleanup:
    return status;
}

/* Forces to the disk what this node wrote, by one of its ranks, so that the file may be said to be
 * complete; closes it. After a failure, of which all know, it is closed only. Collective. */
static hm_status_t put_away(render_run_t *run, hm_status_t status, hm_error_t *err) {
    hm_status_t flushed = HM_OK;
    if (status != HM_OK && status != HM_STOPPED) {
        (void)hm_dataset_close(run->job.dataset, NULL);
        return HM_OK;
    }
    if (run->cluster.node_rank == 0 && run->job.dataset) {
        flushed = hm_dataset_flush(run->job.dataset, err);
    }
    const hm_status_t closed = hm_dataset_close(run->job.dataset, flushed == HM_OK ? err : NULL);
    return flushed == HM_OK ? closed : flushed;
}

/* Opens the file on all ranks, runs the strategy, closes the file. Collective; the status is
 * common. */
static hm_status_t compute(render_run_t *run) {
    const hm_context_t *context = run->context;
    hm_error_t err = HM_ERROR_NONE;
    hm_tally_t *tally = NULL;
    bool ran = false;
    hm_delivery_t delivery = render_delivery(&run->settings, run->cluster.oversubscribed);
    hm_status_t mine = HM_OK;
    if (delivery != HM_DELIVERY_FUNNEL) {
        mine = render_open(&run->settings, run->cluster.comm, &run->job.dataset, &err);
    } else if (run->cluster.leaders != MPI_COMM_NULL) {
        /* Only leaders write: the file is theirs alone. */
        mine = render_open(&run->settings, run->cluster.leaders, &run->job.dataset, &err);
    }
    hm_status_t status = hm_meet(context, mine, &err);
    if (status != HM_OK) {
        return status;
    }
    hm_progress_mode_t mode =
        run->settings.quiet ? HM_PROGRESS_NEVER : (hm_progress_mode_t)run->settings.progress;
    mine = run->cluster.rank == 0
               ? render_unmark_torn(&run->before, run->plan.grid.height, run->job.dataset, &err)
               : HM_OK;
    status = hm_meet(context, mine, &err);
    if (status == HM_OK) {
        status = hm_meet(context, hm_tally_open(&run->cluster, run->bands.rows, mode, &tally, &err),
                         &err);
    }
    run->started = hm_clock_now();
    if (status == HM_OK) {
        run->job.tally = tally;
        run->job.checkpoint = run->settings.checkpoint;
        hm_job_t job = {.bands = run->bands.count,
                        .band_bytes = render_band_bytes(&run->plan, run->bands.band_rows),
                        .context = &run->job,
                        .compute = render_compute,
                        .deliver = render_deliver,
                        .deliver_all = render_deliver_all,
                        .probe = render_probe};
        hm_strategy_options_t options = {.portion = (hm_portion_t)run->settings.portion,
                                         .idle_coordinator = run->settings.idle_coordinator,
                                         .delivery = delivery,
                                         .trace = run->settings.trace ? &run->trace : NULL};
        mine =
            hm_strategy_run(run->plan.strategy, &run->cluster, &job, &options, &run->account, &err);
        /* The account goes on until all is written: what follows is part of the time, too. */
        hm_account_enter(&run->account, HM_STATE_WAITING);
        status = hm_meet(context, mine, &err);
        hm_tally_close(tally);
        hm_account_enter(&run->account, HM_STATE_WRITING);
        ran = true;
    }
    hm_error_t close_err = HM_ERROR_NONE;
    hm_status_t closed = put_away(run, status, &close_err);
    if (ran) {
        hm_account_enter(&run->account, HM_STATE_WAITING);
    }
    closed = hm_meet(context, closed, &close_err);
    run->ended = hm_clock_now();
    if (ran) {
        hm_account_stop(&run->account);
    }
    return closed == HM_OK ? status : closed;
}

/* Rank 0 completes the file, the summary, the figures and the picture. */
static hm_status_t finish(render_run_t *run, const hm_rank_account_t *accounts,
                          const render_totals_t *totals, const hm_verified_t *before,
                          const char *ended, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hm_grid_t *grid = &run->plan.grid;
    uint64_t pixels = (uint64_t)totals->rows_computed * (uint64_t)grid->width;
    render_report_t report = {
        .output = run->settings.output,
        .strategy = run->plan.strategy->name,
        .seconds = run->ended - run->started,
        .startup = run->started - run->begin,
        /* an escaped pixel with count n took n + 1 updates, one inside max_iter */
        .updates = totals->sum + (pixels - totals->inside),
        .rows_done = totals->rows_delivered + before->good,
        .rows_computed = totals->rows_computed,
        .predicted = run->account.predicted,
        .messages = totals->messages,
        .bytes = totals->bytes,
        .ranks = accounts,
        .result = {.sum = totals->sum + before->sum, .inside = totals->inside + before->inside}};
    report.result.seconds = report.seconds;
    snprintf(report.result.ended, sizeof report.result.ended, "%s", ended);
    HM_TRY(
        hm_dataset_finish(run->settings.output, accounts, run->cluster.size, &report.result, err));
    if (run->settings.png && report.result.complete) {
        const hm_look_t look = {.palette = run->settings.palette};
        HM_TRY(hm_picture_write(run->settings.output, run->settings.png, &look, err));
    }
    render_report_print(&run->cluster, &run->plan, &report);
    if (run->settings.stats) {
        HM_TRY(render_report_stats(run->settings.stats, &run->cluster, &run->plan, &run->values,
                                   &report, err));
    }
cleanup:
    return status;
}

/* --resume found the file complete: says so. The picture may be missing all the same, where a run
 * was killed behind its last row. */
static hm_status_t report_complete(const render_run_t *run, hm_error_t *err) {
    const hm_dataset_result_t *result = &run->before.info.result;
    const hm_grid_t *grid = &run->plan.grid;
    if (run->settings.png) {
        const hm_look_t look = {.palette = run->settings.palette};
        hm_status_t status = hm_picture_write(run->settings.output, run->settings.png, &look, err);
        if (status != HM_OK) {
            return status;
        }
    }
    hm_log(&run->context->log, HM_INFO, "%s is complete; nothing is left to do",
           run->settings.output);
    printf("output %s\ngrid %lld x %lld\nrows %lld of %lld done, 0 in this run\n",
           run->settings.output, (long long)grid->width, (long long)grid->height,
           (long long)grid->height, (long long)grid->height);
    printf("sum %llu\ninside %llu\ncrc32 %08lx\n", (unsigned long long)result->sum,
           (unsigned long long)result->inside, (unsigned long)result->crc32);
    return HM_OK;
}

/* What every rank needs before the work: its bands, the job, on rank 0 room for the accounts. */
static hm_status_t get_ready(render_run_t *run, hm_rank_account_t **accounts, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hm_cluster_t *cluster = &run->cluster;
    HM_TRY(render_bands(&run->plan, run->before.good, run->plan.band_rows, &run->bands, err));
    HM_TRY(render_job_make(&run->plan, cluster, &run->bands, &run->job, err));
    if (cluster->rank == 0) {
        *accounts = calloc((size_t)cluster->size, sizeof **accounts);
        if (!*accounts) {
            status = hm_error_set(err, HM_EMISSING, "out of memory for the ranks' accounts");
        }
    }
cleanup:
    return status;
}

/* From the resolved plan to the finished file. Collective; the status is common. */
static hm_status_t render(render_run_t *run) {
    hm_context_t *context = run->context;
    const hm_cluster_t *cluster = &run->cluster;
    hm_error_t err = HM_ERROR_NONE;
    hm_rank_account_t *accounts = NULL;
    hm_status_t status = prepare(run);
    if (status != HM_OK) {
        return status;
    }
    if (run->before.complete) {
        return hm_meet(context, cluster->rank == 0 ? report_complete(run, &err) : HM_OK, &err);
    }
    hm_trace_init(&run->trace, TRACE_MOST);
    HM_TRY(hm_meet(context, get_ready(run, &accounts, &err), &err));
    hm_status_t computed = compute(run);
    status = computed == HM_STOPPED ? HM_OK : computed;
    if (status != HM_OK) {
        goto cleanup;
    }
    render_totals_t totals = {0};
    hm_verified_t before = {0};
    int stopped_by = 0;
    HM_TRY(hm_meet(context, gather(run, accounts, &totals, &before, &stopped_by, &err), &err));
    const char *ended = computed == HM_STOPPED ? stop_reason(stopped_by) : "complete";
    status = cluster->rank == 0 ? finish(run, accounts, &totals, &before, ended, &err) : HM_OK;
    HM_TRY(hm_meet(context, status, &err));
    if (run->settings.trace) {
        HM_TRY(trace_write(context, run->settings.trace, &run->trace, run->started));
    }
    status = computed;
cleanup:
    hm_trace_free(&run->trace);
    free(accounts);
    render_job_free(&run->job);
    hm_bands_free(&run->bands);
    render_before_free(&run->before);
    return status;
}

static void remark(const render_run_t *run) {
    const hm_log_t *log = &run->context->log;
    const hm_mirror_t *mirror = &run->plan.mirror;
    if (run->cluster.rank == 0 && mirror->pairs > 0) {
        hm_log(log, HM_DEBUG,
               "rows %lld to %lld mirror rows %lld to %lld: computed once, where neither is done",
               (long long)mirror->first, (long long)(mirror->first + mirror->pairs - 1),
               (long long)(mirror->sum - mirror->first - mirror->pairs + 1),
               (long long)(mirror->sum - mirror->first));
    }
    if (run->cluster.rank == 0 && run->plan.grid.fine) {
        hm_log(log, HM_WARN,
               "warning: the pixels lie closer than doubles can tell apart here; neighbours will "
               "show the same point");
    }
}

/* What is written beside the data must not take their place, nor that of other data: better said
 * now than after hours of computing. */
static hm_status_t check_targets(const render_settings_t *settings, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const char *const names[] = {"png", "stats", "trace"};
    const char *const targets[] = {settings->png, settings->stats, settings->trace};
    for (size_t i = 0; i < sizeof targets / sizeof *targets && status == HM_OK; ++i) {
        if (targets[i] && strcmp(targets[i], settings->output) == 0) {
            status = hm_error_set(err, HM_EUSAGE, "%s: '%s' is the data set file's name", names[i],
                                  targets[i]);
        } else if (targets[i]) {
            status = hm_replace_check(targets[i], err);
        }
    }
    return status;
}

static hm_status_t run_render(hm_context_t *context, int argc, char **argv) {
    render_run_t run = {.context = context, .cluster = *context->cluster, .begin = hm_clock_now()};
    hm_error_t err = HM_ERROR_NONE;
    bool helped = false;
    hm_status_t status =
        hm_command_options(context, &hm_command_render, about, render_options, true, 0, argc, argv,
                           &run.settings, &run.values, &helped);
    if (status != HM_OK) {
        return status;
    }
    if (helped) {
        goto cleanup;
    }
    if (run.settings.strategy && strcmp(run.settings.strategy, "help") == 0) {
        if (run.cluster.rank == 0) {
            hm_strategy_help(stdout);
        }
        goto cleanup;
    }
    context->log.level = run.settings.quiet ? HM_QUIET : run.settings.verbose ? HM_DEBUG : HM_INFO;
    status = hm_meet(
        context, render_resolve(&run.settings, &run.values, &run.cluster, &run.plan, &err), &err);
    if (status == HM_OK) {
        status = hm_meet(context, same_everywhere(&run, &err), &err);
    }
    if (status == HM_OK) {
        status = hm_meet(context,
                         run.cluster.rank == 0 ? check_targets(&run.settings, &err) : HM_OK, &err);
    }
    if (status == HM_OK) {
        remark(&run);
        hm_alarm_watch(&run.cluster, stop_watch(run.settings.time_limit));
        status = render(&run);
        hm_alarm_watch(&run.cluster, NULL);
        stop_unwatch();
    }
cleanup:
    hm_options_free(&run.values);
    return status;
}

const hm_command_t hm_command_render = {
    .name = "render",
    .arguments = "",
    .what = "computes a view into a data set file",
    .run = run_render,
};
