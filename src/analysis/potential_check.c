/** @file potential_check.c The solution against the escape-time potential. */
#include <math.h>

#include "potential_private.h"

/* The largest difference and who has it: MPI_MAXLOC's pair. */
typedef struct most_t {
    double value;
    int rank;
} most_t;

/* What one rank finds. */
typedef struct found_t {
    double square; /* sum */
    double points;
    double most, most_re, most_im;
    double outer;
} found_t;

static double highest(const plane_t *p) {
    double most = 0;
    for (int64_t j = p->first; j < p->first + p->rows && j < p->height; ++j) {
        for (int64_t i = 0; i < p->width; ++i) {
            most = fmax(most, potential_escape(p, j, i));
        }
    }
    return most;
}

static found_t compare(const plane_t *p, const PetscScalar *const *u, double half) {
    found_t f = {.most = -1};
    for (int64_t j = p->first; j < p->first + p->rows && j < p->height; ++j) {
        for (int64_t i = 0; i < p->width; ++i) {
            const double escape = potential_escape(p, j, i);
            if (escape == 0) {
                continue;
            }
            const double difference = fabs(u[j][i] - escape);
            f.square += difference * difference;
            f.points += 1;
            if (difference > f.most) {
                f.most = difference;
                f.most_re = p->re0 + (double)i * p->re_step;
                f.most_im = p->im0 + (double)j * p->im_step;
            }
            if (escape > half) {
                f.outer = fmax(f.outer, difference);
            }
        }
    }
    return f;
}

hm_status_t potential_check(solver_t *s, hm_error_t *err) {
    hm_status_t status = HM_OK;
    static const char *const what = "comparing the potentials";
    const PetscScalar *const *u = NULL;
    double top = highest(&s->plane);
    HM_TRY(hm_mpi_check(MPI_Allreduce(MPI_IN_PLACE, &top, 1, MPI_DOUBLE, MPI_MAX, s->comm), what,
                        err));
    PETSC_TRY(what, DMDAVecGetArrayRead(s->da, s->u, (void *)&u));
    found_t f = compare(&s->plane, u, top / 2);
    PETSC_TRY(what, DMDAVecRestoreArrayRead(s->da, s->u, (void *)&u));
    double sums[2] = {f.square, f.points};
    most_t most = {f.most, s->rank};
    HM_TRY(hm_mpi_check(MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPI_DOUBLE, MPI_SUM, s->comm), what,
                        err));
    HM_TRY(hm_mpi_check(MPI_Allreduce(MPI_IN_PLACE, &f.outer, 1, MPI_DOUBLE, MPI_MAX, s->comm),
                        what, err));
    HM_TRY(hm_mpi_check(MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_DOUBLE_INT, MPI_MAXLOC, s->comm),
                        what, err));
    double place[2] = {f.most_re, f.most_im};
    HM_TRY(hm_mpi_check(MPI_Bcast(place, 2, MPI_DOUBLE, most.rank, s->comm), what, err));
    s->report.error = (hm_potential_error_t){.most = most.value,
                                             .most_re = place[0],
                                             .most_im = place[1],
                                             .rms = sums[1] > 0 ? sqrt(sums[0] / sums[1]) : 0,
                                             .outer = f.outer,
                                             .points = (int64_t)sums[1]};
cleanup:
    return status;
}
