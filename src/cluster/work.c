/** @file work.c One rank's side of a run: callbacks, accounts, failures. */
#include "work.h"

#include <stdlib.h>

#include "delivery.h"
#include "gravity.h"
#include "node.h"

void *hm_work_alloc(size_t bytes) {
    const size_t line = 64;
    return aligned_alloc(line, (bytes / line + 1) * line);
}

static bool failed(const hm_work_t *work) {
    return work->status != HM_OK && work->status != HM_STOPPED;
}

void hm_work_fail(hm_work_t *work, hm_status_t status, const hm_error_t *err) {
    if (failed(work)) {
        return; /* what failed first is what is reported */
    }
    work->status = status;
    if (work->err != NULL && err != NULL && work->err != err) {
        *work->err = *err;
    }
    hm_alarm_raise(work->cluster, status);
}

bool hm_work_mpi(hm_work_t *work, int code, const char *what) {
    if (code == MPI_SUCCESS) {
        return true;
    }
    hm_error_t err = HM_ERROR_NONE;
    hm_work_fail(work, hm_mpi_check(code, what, &err), &err);
    return false;
}

static void look_after(hm_work_t *work) {
    hm_status_t heard = hm_alarm_poll(work->cluster);
    if (heard != HM_OK && work->status == HM_OK) {
        work->status = HM_STOPPED;
    }
    if (work->serve != NULL && !work->serving) {
        work->serving = true;
        work->serve(work->served);
        work->serving = false;
    }
    hm_route_serve(work);
}

bool hm_work_going(hm_work_t *work) {
    look_after(work);
    return work->status == HM_OK;
}

static bool progress(void *context) {
    return !hm_work_going(context);
}

bool hm_work_ready(hm_work_t *work, hm_status_t mine) {
    mine = work->prepared != HM_OK ? work->prepared : mine;
    int64_t gravest = 0;
    hm_error_t err = HM_ERROR_NONE;
    hm_state_t before = hm_account_enter(work->account, HM_STATE_TALKING);
    hm_status_t met = hm_most(work->cluster, hm_gravity_encode(mine), &gravest, &err);
    hm_account_enter(work->account, before);
    if (mine != HM_OK) {
        hm_work_fail(work, mine, work->err);
    } else if (met != HM_OK) {
        hm_work_fail(work, met, &err);
    } else if (gravest != hm_gravity_encode(HM_OK)) {
        work->status = HM_STOPPED;
    }
    work->started = work->started || work->status == HM_OK;
    return work->status == HM_OK;
}

/* A callback's outcome. HM_STOPPED may be its own wish: then everybody is told. */
static bool accept(hm_work_t *work, hm_status_t status, const hm_error_t *err) {
    if (status == HM_STOPPED && work->status != HM_OK) {
        return false;
    }
    if (status != HM_OK) {
        hm_work_fail(work, status, err);
    }
    return work->status == HM_OK;
}

static hm_state_t begin(hm_work_t *work, hm_state_t state, int64_t band, int64_t *other) {
    hm_state_t before = hm_account_enter(work->account, state);
    *other = work->account->band;
    work->account->band = band;
    return before;
}

static void end(hm_work_t *work, hm_state_t before, int64_t other) {
    hm_account_enter(work->account, before);
    work->account->band = other;
}

bool hm_work_compute(hm_work_t *work, int64_t band, void *buffer) {
    if (work->status != HM_OK) {
        return false;
    }
    int64_t other = -1;
    hm_state_t before = begin(work, HM_STATE_BUSY, band, &other);
    hm_status_t status =
        work->job->compute(work->job->context, band, buffer, &work->progress, &work->compute_err);
    work->account->bands += status == HM_OK;
    end(work, before, other);
    return accept(work, status, &work->compute_err);
}

bool hm_work_write(hm_work_t *work, int64_t band, const void *buffer) {
    if (failed(work)) {
        return false;
    }
    int64_t other = -1;
    hm_state_t before = begin(work, HM_STATE_WRITING, band, &other);
    work->writing = true;
    hm_status_t status =
        work->job->deliver(work->job->context, band, buffer, &work->progress, &work->deliver_err);
    work->writing = false;
    end(work, before, other);
    return accept(work, status, &work->deliver_err);
}

bool hm_work_deliver(hm_work_t *work, int64_t band, const void *buffer) {
    if (!failed(work)) {
        hm_route_take(work, band, buffer);
    }
    return work->status == HM_OK;
}

bool hm_work_band(hm_work_t *work, int64_t band) {
    if (!hm_work_going(work) || !hm_work_compute(work, band, work->buffer)) {
        return false;
    }
    look_after(work); /* a short band's compute has not looked; others need not wait for ours */
    return hm_work_deliver(work, band, work->buffer);
}

void hm_work_idle(hm_work_t *work, unsigned *turns) {
    hm_account_enter(work->account, HM_STATE_WAITING);
    look_after(work);
    hm_idle(turns);
}

bool hm_work_wait(hm_work_t *work, MPI_Request *request, const char *what) {
    const hm_state_t before = work->account->state;
    int done = 0;
    bool good = true;
    for (unsigned turns = 0; good && !done;) {
        good = hm_work_mpi(work, MPI_Test(request, &done, MPI_STATUS_IGNORE), what);
        if (good && !done) {
            hm_work_idle(work, &turns);
        }
    }
    hm_account_enter(work->account, before);
    return good;
}

/*
 * Also the end that all ranks share: nobody returns before everybody is done, so that whoever fails
 * in its last band still stops the others, and no rank starts the next thing on the communicator
 * while messages of this run are under way.
 */
hm_status_t hm_work_meet(hm_work_t *work) {
    const hm_state_t before = work->account->state;
    int64_t gravest = hm_gravity_encode(work->status);
    hm_meeting_t meeting;
    hm_error_t err = HM_ERROR_NONE;
    hm_status_t met = HM_OK;
    bool over = false;
    hm_meeting_begin(work->cluster, &meeting, gravest);
    for (unsigned turns = 0; !over;) {
        met = hm_meeting_look(work->cluster, &meeting, &over, &gravest, &err);
        if (!over) {
            hm_work_idle(work, &turns);
        }
    }
    hm_account_enter(work->account, before);
    if (met != HM_OK) {
        hm_work_fail(work, met, &err);
        return met;
    }
    if (work->status == HM_OK && gravest != hm_gravity_encode(HM_OK)) {
        work->status = HM_STOPPED;
    }
    return hm_gravity_decode((int)gravest);
}

hm_status_t hm_strategy_run(const hm_strategy_t *strategy, const hm_cluster_t *cluster,
                            const hm_job_t *job, const hm_strategy_options_t *options,
                            hm_account_t *account, hm_error_t *err) {
    hm_work_t work = {.cluster = cluster, .job = job, .account = account, .err = err};
    hm_work_t *w = &work;
    if (options != NULL) {
        w->options = *options;
    }
    w->progress = (hm_progress_t){.call = progress, .context = w};
    hm_account_start(account);
    account->trace = w->options.trace;
    w->buffer = hm_work_alloc(job->band_bytes);
    struct hm_route_t route;
    w->prepared = hm_route_open(&route, w);
    if (w->buffer == NULL) {
        w->prepared = hm_error_set(err, HM_EMISSING, "out of memory for a band of %zu bytes",
                                   job->band_bytes);
    }
    strategy->run(w);
    if (w->started) {
        w->serve = NULL;
        hm_route_finish(w);
    }
    hm_work_meet(w);
    hm_route_close(&route);
    hm_account_stop(account);
    free(w->buffer);
    return w->status;
}
