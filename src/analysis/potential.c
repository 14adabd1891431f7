/** @file potential.c The potential by PETSc: starting PETSc, the order of things, failures. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "hm_clock.h"
#include "hm_together.h"
#include "potential_private.h"

enum {
    ROWS_EACH = 4,   /* a rank with fewer rows would only talk */
    MOST_ROUNDS = 40 /* of measuring the charge and solving again */
};

/* The rim rests when its values move by less than this. */
static const double RIM_AT_REST = 1e-6;

const char *hm_potential_phase_name(hm_potential_phase_t phase) {
    static const char *const names[] = {"read", "setup", "solve", "check"};
    return names[phase];
}

/* --- PETSc's errors as ours ------------------------------------------------------------------- */

/* Called where a failure begins and at each level above: keeps the first message. PETSc's own
 * handlers print, or end the program. */
static PetscErrorCode on_error(MPI_Comm comm, int line, const char *function, const char *file,
                               PetscErrorCode code, PetscErrorType type, const char *message,
                               void *context) {
    (void)comm;
    (void)line;
    (void)function;
    (void)file;
    solver_t *s = context;
    if (type == PETSC_ERROR_INITIAL && message) {
        snprintf(s->message, sizeof s->message, "%s", message);
        for (char *c = s->message; *c != '\0'; ++c) {
            *c = *c == '\n' || *c == '\t' ? ' ' : *c; /* a message is one line */
        }
    }
    return code;
}

hm_status_t potential_failed(solver_t *s, PetscErrorCode code, const char *what, hm_error_t *err) {
    const char *general = NULL;
    (void)PetscErrorMessage(code, &general, NULL);
    const char *message = s->message[0] != '\0' ? s->message
                          : general             ? general
                                                : "it says no more";
    if (code == PETSC_ERR_MEM) {
        return hm_error_set(err, HM_EMISSING,
                            "out of memory while %s: PETSc: %s; take more nodes or a larger "
                            "--coarsen",
                            what, message);
    }
    if (s->plan->option_count > 0) {
        return hm_error_set(err, HM_EUSAGE, "PETSc fails with these options, %s: error %d: %s",
                            what, (int)code, message);
    }
    return hm_error_set(err, HM_EBUG, "PETSc fails, %s: error %d: %s", what, (int)code, message);
}

/* --- starting and ending PETSc ---------------------------------------------------------------- */

/* PETSc reads option files on one rank, and when that fails the others wait for ever. */
static hm_status_t check_files(const hm_potential_plan_t *plan, hm_error_t *err) {
    for (int i = 0; i + 1 < plan->option_count; ++i) {
        if (strncmp(plan->options[i], "-options_file", strlen("-options_file")) == 0 &&
            access(plan->options[i + 1], R_OK) != 0) {
            return hm_error_errno(err, HM_EUSAGE, errno, "PETSc's %s: cannot read '%s'",
                                  plan->options[i], plan->options[i + 1]);
        }
    }
    return HM_OK;
}

static hm_status_t start_petsc(solver_t *s, int *argc, char ***argv, hm_error_t *err) {
    /* Signals stay ours, the folder's .petscrc is nobody's wish, and unused options are found by
     * us. What the user says comes behind, and wins. */
    static char program[] = "hpcmandel";
    static char *const before[] = {program, "-no_signal_handler", "-skip_petscrc", "-options_left",
                                   "no"};
    enum { BEFORE = sizeof before / sizeof *before };
    hm_status_t status = HM_OK;
    HM_TRY(check_files(s->plan, err));
    *argc = BEFORE + s->plan->option_count;
    *argv = calloc((size_t)*argc + 1, sizeof **argv);
    if (!*argv) {
        return hm_error_set(err, HM_EMISSING, "out of memory for PETSc's options");
    }
    memcpy(*argv, before, sizeof before);
    for (int i = 0; i < s->plan->option_count; ++i) {
        (*argv)[BEFORE + i] = s->plan->options[i];
    }
    PETSC_COMM_WORLD = s->comm;
    PETSC_TRY("starting", PetscPushErrorHandler(on_error, s));
    PETSC_TRY("starting", PetscInitialize(argc, argv, NULL, NULL));
    for (int phase = 0; phase < HM_POTENTIAL_PHASES; ++phase) {
        PETSC_TRY("starting",
                  PetscLogStageRegister(hm_potential_phase_name((hm_potential_phase_t)phase),
                                        &s->stage[phase]));
    }
cleanup:
    return status;
}

static hm_status_t stop_petsc(solver_t *s, hm_error_t *err) {
    hm_status_t status = HM_OK;
    PetscBool started = PETSC_FALSE;
    (void)PetscInitialized(&started);
    if (started) {
        PETSC_TRY("ending", PetscFinalize());
    }
cleanup:
    return status;
}

/* --- the order of things ---------------------------------------------------------------------- */

static hm_status_t open_file(solver_t *s, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_reader_t *reader = NULL;
    const uint32_t needed = 1u << HM_CHANNEL_SMOOTH | 1u << HM_CHANNEL_DISTANCE;
    HM_TRY(hm_reader_open(s->plan->path, &reader, &s->info, err));
    if ((s->info.channels & needed) != needed) {
        HM_TRY(hm_error_set(err, HM_EDATA,
                            "'%s' has not the channels that a potential needs: render it anew with "
                            "--channels iterations,smooth,distance",
                            s->plan->path));
    }
    if (!s->info.result.complete) {
        HM_TRY(hm_error_set(err, HM_EDATA,
                            "'%s' is not complete (%lld of %lld rows): go on with it by render "
                            "--resume first",
                            s->plan->path, (long long)s->info.rows_done,
                            (long long)s->info.grid.height));
    }
    if (s->plan->coarsen < 1) {
        HM_TRY(hm_error_set(err, HM_EUSAGE, "coarsen must be 1 or more"));
    }
cleanup:
    hm_reader_close(reader);
    return status;
}

/* Moments of u + k v for the charge 1; returns k. */
static double join(const moments_t *u, const moments_t *v, moments_t *sum) {
    const double k = (1 - u->re[0]) / v->re[0];
    for (int n = 0; n <= MOMENTS; ++n) {
        sum->re[n] = u->re[n] + k * v->re[n];
        sum->im[n] = u->im[n] + k * v->im[n];
    }
    return k;
}

/* How far the rim moves when the moments change. */
static double movement(const plane_t *p, const moments_t *from, const moments_t *to) {
    const double reach = 0.5 * fmin(fabs(p->re_step) * (double)(p->width - 1),
                                    fabs(p->im_step) * (double)(p->height - 1));
    double most = 0;
    double power = 1;
    for (int k = 1; k <= MOMENTS; ++k) {
        power /= reach;
        most += hypot(to->re[k] - from->re[k], to->im[k] - from->im[k]) * power / k;
    }
    return most;
}

static hm_status_t solve_far(solver_t *s, hm_error_t *err) {
    hm_status_t status = HM_OK;
    moments_t one;
    moments_t u;
    moments_t all;
    double k = 0;
    HM_TRY(potential_system_solve(s, RIM_ONE, s->one, false, err));
    HM_TRY(potential_charge(s, s->one, &one, err));
    const moments_t none = {{0}, {0}};
    (void)join(&none, &one, &s->far); /* the charge of a rim of 1 is a first guess */
    for (int round = 0; round < MOST_ROUNDS; ++round) {
        HM_TRY(potential_system_solve(s, RIM_FAR, s->u, round > 0, err));
        HM_TRY(potential_charge(s, s->u, &u, err));
        k = join(&u, &one, &all);
        const double moved = movement(&s->plane, &s->far, &all);
        s->far = all;
        if (moved < RIM_AT_REST) {
            break;
        }
    }
    PETSC_TRY("solving", VecAXPY(s->u, k, s->one));
    s->report.capacity = exp(-k);
    s->report.charge = 1;
    s->report.centre_re = s->plane.middle_re + all.re[1];
cleanup:
    return status;
}

static hm_status_t solve_escape(solver_t *s, hm_error_t *err) {
    hm_status_t status = HM_OK;
    moments_t one;
    moments_t u;
    moments_t all;
    HM_TRY(potential_system_solve(s, RIM_ESCAPE, s->u, false, err));
    if (s->report.charged) {
        HM_TRY(potential_system_solve(s, RIM_ONE, s->one, false, err));
        HM_TRY(potential_charge(s, s->one, &one, err));
        HM_TRY(potential_charge(s, s->u, &u, err));
        s->report.capacity = exp(-join(&u, &one, &all));
        s->report.charge = u.re[0];
        s->report.centre_re = s->plane.middle_re + all.re[1];
    }
cleanup:
    return status;
}

/* Takes this rank's rows out of PETSc's hands, without the padding. */
static hm_status_t take(solver_t *s, hm_potential_t *potential, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const plane_t *p = &s->plane;
    const PetscScalar *const *u = NULL;
    const int64_t end = p->first + p->rows < p->height ? p->first + p->rows : p->height;
    potential->first = p->first < end ? p->first : end;
    potential->rows = end - potential->first;
    potential->u = malloc((size_t)(potential->rows * p->width + 1) * sizeof *potential->u);
    if (!potential->u) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for the potential"));
    }
    PETSC_TRY("taking the solution", DMDAVecGetArrayRead(s->da, s->u, (void *)&u));
    for (int64_t j = 0; j < potential->rows; ++j) {
        memcpy(potential->u + j * p->width, &u[potential->first + j][0],
               (size_t)p->width * sizeof *potential->u);
    }
    PETSC_TRY("taking the solution", DMDAVecRestoreArrayRead(s->da, s->u, (void *)&u));
cleanup:
    return status;
}

/* The phases, on the ranks that solve. A phase's failure leaves PETSc's stage open: nothing follows
 * but the end. */
static hm_status_t work(solver_t *s, hm_potential_t *potential, hm_error_t *err) {
    hm_status_t status = HM_OK;
    double *seconds = s->report.seconds;
    double since = hm_clock_now();
    struct rusage usage;
    PETSC_TRY("logging", PetscLogStagePush(s->stage[HM_POTENTIAL_READ]));
    HM_TRY(potential_system_grid(s, err));
    HM_TRY(potential_plane_read(s, err));
    HM_TRY(potential_rim_choose(s, err));
    PETSC_TRY("logging", PetscLogStagePop());
    seconds[HM_POTENTIAL_READ] = hm_clock_now() - since;
    since += seconds[HM_POTENTIAL_READ];
    PETSC_TRY("logging", PetscLogStagePush(s->stage[HM_POTENTIAL_SETUP]));
    HM_TRY(potential_system_make(s, err));
    PETSC_TRY("logging", PetscLogStagePop());
    seconds[HM_POTENTIAL_SETUP] = hm_clock_now() - since;
    since += seconds[HM_POTENTIAL_SETUP];
    PETSC_TRY("logging", PetscLogStagePush(s->stage[HM_POTENTIAL_SOLVE]));
    HM_TRY(s->report.rim == HM_RIM_FAR ? solve_far(s, err) : solve_escape(s, err));
    PETSC_TRY("logging", PetscLogStagePop());
    seconds[HM_POTENTIAL_SOLVE] = hm_clock_now() - since;
    since += seconds[HM_POTENTIAL_SOLVE];
    PETSC_TRY("logging", PetscLogStagePush(s->stage[HM_POTENTIAL_CHECK]));
    HM_TRY(potential_check(s, err));
    if (s->report.charged) {
        HM_TRY(potential_rim_range(s, err));
    }
    HM_TRY(take(s, potential, err));
    PETSC_TRY("logging", PetscLogStagePop());
    seconds[HM_POTENTIAL_CHECK] = hm_clock_now() - since;
    s->report.memory = getrusage(RUSAGE_SELF, &usage) == 0 ? 1024.0 * (double)usage.ru_maxrss : 0;
    HM_TRY(hm_mpi_check(
        MPI_Allreduce(MPI_IN_PLACE, seconds, HM_POTENTIAL_PHASES, MPI_DOUBLE, MPI_MAX, s->comm),
        "comparing times", err));
    HM_TRY(hm_mpi_check(
        MPI_Allreduce(MPI_IN_PLACE, &s->report.memory, 1, MPI_DOUBLE, MPI_MAX, s->comm),
        "comparing memory", err));
cleanup:
    return status;
}

static hm_status_t on_solving_ranks(solver_t *s, hm_potential_t *potential, hm_error_t *err) {
    int argc = 0;
    char **argv = NULL;
    hm_error_t late = HM_ERROR_NONE;
    hm_status_t status = start_petsc(s, &argc, &argv, err);
    if (status == HM_OK) {
        status = work(s, potential, err);
        potential_system_free(s);
    }
    const hm_status_t ended = stop_petsc(s, &late);
    if (status == HM_OK && ended != HM_OK) {
        status = hm_error_set(err, ended, "%s", late.text);
    }
    PETSC_COMM_WORLD = MPI_COMM_NULL;
    free(argv);
    return status;
}

hm_status_t hm_potential_solve(const hm_cluster_t *cluster, const hm_potential_plan_t *plan,
                               hm_potential_t *potential, bool *speaker, hm_error_t *err) {
    hm_status_t status = HM_OK;
    solver_t s = {.plan = plan, .comm = MPI_COMM_NULL};
    hm_potential_t made = {.rows = 0};
    HM_TRY(hm_agree(cluster, open_file(&s, err), err, speaker));
    const int64_t height = (s.info.grid.height - 1) / plan->coarsen + 1;
    const int64_t most = height / ROWS_EACH > 1 ? height / ROWS_EACH : 1;
    s.size = cluster->size < most ? cluster->size : (int)most;
    s.rank = cluster->rank;
    status = hm_mpi_check(
        MPI_Comm_split(cluster->comm, s.rank < s.size ? 0 : MPI_UNDEFINED, s.rank, &s.comm),
        "gathering the solving ranks", err);
    HM_TRY(hm_agree(cluster, status, err, speaker));
    if (s.comm != MPI_COMM_NULL) {
        MPI_Comm_set_errhandler(s.comm, MPI_ERRORS_RETURN);
        s.report.ranks = s.size;
        status = on_solving_ranks(&s, &made, err);
    }
    /* One that failed alone left the others inside PETSc. */
    hm_together_after(cluster->comm, status, err);
    HM_TRY(hm_agree(cluster, status, err, speaker));
    status = hm_mpi_check(MPI_Bcast(&s.report, (int)sizeof s.report, MPI_BYTE, 0, cluster->comm),
                          "telling the result", err);
    HM_TRY(hm_agree(cluster, status, err, speaker));
    made.info = s.info;
    made.width = s.report.width;
    made.height = s.report.height;
    if (s.rank >= s.size) {
        made.first = made.height;
    }
    made.report = s.report;
    *potential = made;
    made.u = NULL;
cleanup:
    potential_plane_free(&s.plane);
    if (s.comm != MPI_COMM_NULL) {
        MPI_Comm_free(&s.comm);
    }
    free(made.u);
    return status;
}

void hm_potential_free(hm_potential_t *potential) {
    free(potential->u);
    potential->u = NULL;
}
