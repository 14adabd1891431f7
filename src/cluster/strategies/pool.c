/**
 * @file pool.c
 * Coordinator and workers: a worker asks rank 0 for a portion whenever it has nothing to do, and is
 * served first come first served.
 *
 * Rank 0 computes too, and answers from `progress`, about every millisecond; so that nobody waits
 * for that, a worker asks for its next portion when it begins the last band of the present one
 * (but see hm_portions_ahead()).
 *
 * Every question is answered once. The answer NOTHING is a worker's last; it is given when there is
 * nothing left, and to a worker that says goodbye because the run is stopping. So no message is
 * left under way when all workers have been sent home.
 */
#include "../work.h"
#include "strategies.h"

enum { GOODBYE = 0, MORE = 1 };    /* a worker's message */
static const int64_t NOTHING = -1; /* the coordinator's, else the number of a portion */

/* --- the coordinator ---------------------------------------------------------------------------*/

typedef struct desk_t {
    hm_work_t *work;
    const hm_portions_t *portions;
    int64_t next;    /* portion to hand out */
    int workers;     /* not sent home yet */
    int64_t message; /* being received */
    MPI_Request request;
} desk_t;

static int64_t take(desk_t *desk) {
    return desk->work->status == HM_OK && desk->next < desk->portions->count ? desk->next++
                                                                             : NOTHING;
}

static bool listen(desk_t *desk) {
    return hm_work_mpi(desk->work,
                       MPI_Irecv(&desk->message, 1, MPI_INT64_T, MPI_ANY_SOURCE, HM_TAG_ASK,
                                 desk->work->cluster->comm, &desk->request),
                       "listening to the workers");
}

/* Answers all questions that have come. Called from `progress` and while waiting. */
static void answer(void *context) {
    desk_t *desk = context;
    while (desk->workers > 0) {
        int asked = 0;
        MPI_Status from;
        if (!hm_work_mpi(desk->work, MPI_Test(&desk->request, &asked, &from),
                         "listening to the workers") ||
            !asked) {
            return;
        }
        hm_state_t before = hm_account_enter(desk->work->account, HM_STATE_TALKING);
        int64_t portion = desk->message == MORE ? take(desk) : NOTHING;
        desk->workers -= portion == NOTHING;
        hm_work_mpi(desk->work,
                    MPI_Send(&portion, 1, MPI_INT64_T, from.MPI_SOURCE, HM_TAG_PORTION,
                             desk->work->cluster->comm),
                    "handing out a portion");
        hm_work_sent(desk->work, sizeof portion);
        if (desk->workers > 0) {
            listen(desk);
        }
        hm_account_enter(desk->work->account, before);
    }
}

static void coordinate(hm_work_t *work, const hm_portions_t *portions) {
    desk_t desk = {.work = work,
                   .portions = portions,
                   .workers = work->cluster->size - 1,
                   .request = MPI_REQUEST_NULL};
    if (desk.workers > 0 && !listen(&desk)) {
        return;
    }
    work->serve = answer;
    work->served = &desk;
    bool computes = desk.workers == 0 || !work->options.idle_coordinator;
    for (int64_t k = computes ? take(&desk) : NOTHING; k != NOTHING; k = take(&desk)) {
        for (int64_t place = portions->first[k]; place < portions->first[k + 1]; ++place) {
            if (!hm_work_band(work, hm_portions_band(portions, place))) {
                break;
            }
        }
    }
    for (unsigned turns = 0; desk.workers > 0;) {
        int64_t before = work->account->messages;
        hm_work_idle(work, &turns);
        turns = work->account->messages > before ? 0 : turns;
    }
    work->serve = NULL;
}

/* --- a worker
 * -----------------------------------------------------------------------------------*/

typedef struct worker_t {
    hm_work_t *work;
    int64_t answer;
    MPI_Request request;
} worker_t;

static bool ask(worker_t *worker) {
    hm_work_t *work = worker->work;
    hm_state_t before = hm_account_enter(work->account, HM_STATE_TALKING);
    const int64_t message = work->status == HM_OK ? MORE : GOODBYE;
    hm_work_sent(work, sizeof message);
    bool sent =
        hm_work_mpi(work,
                    MPI_Irecv(&worker->answer, 1, MPI_INT64_T, 0, HM_TAG_PORTION,
                              work->cluster->comm, &worker->request),
                    "asking for a portion") &&
        hm_work_mpi(work, MPI_Send(&message, 1, MPI_INT64_T, 0, HM_TAG_ASK, work->cluster->comm),
                    "asking for a portion");
    hm_account_enter(work->account, before);
    return sent;
}

static void labour(hm_work_t *work, const hm_portions_t *portions) {
    worker_t worker = {.work = work, .request = MPI_REQUEST_NULL};
    bool asked = ask(&worker);
    while (asked && hm_work_wait(work, &worker.request, "waiting for a portion") &&
           worker.answer != NOTHING) {
        const int64_t first = portions->first[worker.answer];
        const int64_t last = portions->first[worker.answer + 1] - 1;
        const bool ahead = hm_portions_ahead(portions, worker.answer, work->cluster->size);
        asked = false;
        for (int64_t place = first; place <= last; ++place) {
            if (place == last && ahead) {
                asked = ask(&worker);
            }
            if (!hm_work_band(work, hm_portions_band(portions, place))) {
                break;
            }
        }
        asked = asked || ask(&worker);
    }
}

static void run(hm_work_t *work) {
    hm_portions_t portions = {0};
    if (hm_work_ready(work,
                      hm_portions_make(work->options.portion, work->job->bands, work->job->cost,
                                       work->cluster->size, 1, &portions, work->err))) {
        if (work->cluster->rank == 0) {
            coordinate(work, &portions);
        } else {
            labour(work, &portions);
        }
    }
    hm_portions_free(&portions);
}

const hm_strategy_t hm_strategy_pool = {
    .name = "pool",
    .what = "workers ask a coordinator, which computes too, first come first served",
    .pattern = "coordinator and workers (work pool)",
    .mpi = "tagged Send and Irecv, MPI_ANY_SOURCE",
    .run = run,
};
