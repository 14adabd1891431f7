/** @file potential_rim.c What is known far away: values on the rim, and the charge on the set. */
#include <float.h>
#include <math.h>

#include "potential_private.h"

/* The series needs the set well inside: terms fall like (radius / distance)^k. */
static const double FAR_RATIO = 0.9;

static double re_at(const plane_t *p, int64_t column) {
    return p->re0 + (double)column * p->re_step;
}

static double im_at(const plane_t *p, int64_t row) {
    return p->im0 + (double)row * p->im_step;
}

/* Does the rectangle of the view hold all of the set? For the Mandelbrot set that is known; Julia
 * sets lie in the disc of radius (1 + sqrt(1 + 4|c|)) / 2. */
static bool holds_all(const hm_formula_t *formula, const plane_t *p) {
    double left = -2;
    double right = 0.4712;
    double high = 1.1230;
    if (formula->julia) {
        const double c = hypot(formula->julia_re, formula->julia_im);
        right = (1 + sqrt(1 + 4 * c)) / 2;
        left = -right;
        high = right;
    }
    const double re_end = re_at(p, p->width - 1);
    const double im_end = im_at(p, p->height - 1);
    return fmin(p->re0, re_end) < left && fmax(p->re0, re_end) > right &&
           fmin(p->im0, im_end) < -high && fmax(p->im0, im_end) > high;
}

/* What one rank sees of it. */
typedef struct extent_t {
    double radius;  /* of the set about the middle */
    double touches; /* 1: the set reaches the rim */
} extent_t;

static extent_t measure(const plane_t *p, int64_t *set, int64_t *unknowns) {
    extent_t e = {0, 0};
    for (int64_t j = p->first; j < p->first + p->rows && j < p->height; ++j) {
        for (int64_t i = 0; i < p->width; ++i) {
            const kind_t kind = potential_kind(p, j, i);
            *unknowns += kind == KIND_FREE;
            if (kind != KIND_SET) {
                continue;
            }
            ++*set;
            if (j == 0 || i == 0 || j == p->height - 1 || i == p->width - 1) {
                e.touches = 1;
            }
            e.radius =
                fmax(e.radius, hypot(re_at(p, i) - p->middle_re, im_at(p, j) - p->middle_im));
        }
    }
    return e;
}

hm_status_t potential_rim_choose(solver_t *s, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const plane_t *p = &s->plane;
    int64_t count[2] = {0, 0};
    extent_t e = measure(p, &count[0], &count[1]);
    HM_TRY(hm_mpi_check(MPI_Allreduce(MPI_IN_PLACE, count, 2, MPI_INT64_T, MPI_SUM, s->comm),
                        "counting the set", err));
    HM_TRY(hm_mpi_check(MPI_Allreduce(MPI_IN_PLACE, &e, 2, MPI_DOUBLE, MPI_MAX, s->comm),
                        "measuring the set", err));
    s->report.set = count[0];
    s->report.unknowns = count[1];
    if (count[0] == 0) {
        HM_TRY(hm_error_set(err, HM_EDATA,
                            "'%s' shows no point of the set: a potential needs some of it in view",
                            s->plan->path));
    }
    if (count[1] == 0) {
        HM_TRY(hm_error_set(err, HM_EDATA,
                            "'%s' shows no point outside of the set: nothing to solve",
                            s->plan->path));
    }
    const double reach = 0.5 * fmin(fabs(p->re_step) * (double)(p->width - 1),
                                    fabs(p->im_step) * (double)(p->height - 1));
    s->report.charged = e.touches == 0 && holds_all(&s->info.formula, p);
    const bool far = s->report.charged && e.radius < FAR_RATIO * reach;
    if (s->plan->rim == HM_RIM_FAR && !far) {
        HM_TRY(hm_error_set(err, HM_EUSAGE,
                            "--rim far needs the whole set in view with room around it: within "
                            "%.2f of the view's middle, not %.2f; render a larger span, or give "
                            "--rim escape",
                            FAR_RATIO * reach, e.radius));
    }
    s->report.rim = far && s->plan->rim != HM_RIM_ESCAPE ? HM_RIM_FAR : HM_RIM_ESCAPE;
cleanup:
    return status;
}

/* log|c - a| less the moments' terms. */
static double far_value(const solver_t *s, double re, double im) {
    const moments_t *m = &s->far;
    const double square = re * re + im * im;
    /* w = 1 / (c - a) and its powers. */
    const double w_re = re / square;
    const double w_im = -im / square;
    double power_re = 1;
    double power_im = 0;
    double value = 0.5 * log(square);
    for (int k = 1; k <= MOMENTS; ++k) {
        const double next = power_re * w_re - power_im * w_im;
        power_im = power_re * w_im + power_im * w_re;
        power_re = next;
        value -= (m->re[k] * power_re - m->im[k] * power_im) / k;
    }
    return value;
}

double potential_rim_value(const solver_t *s, rim_values_t values, int64_t row, int64_t column) {
    const plane_t *p = &s->plane;
    switch (values) {
    case RIM_ESCAPE:
        return potential_escape(p, row, column);
    case RIM_FAR:
        return far_value(s, re_at(p, column) - p->middle_re, im_at(p, row) - p->middle_im);
    case RIM_ONE:
    default:
        return 1;
    }
}

/* Adds the charge q at c to the moments. */
static void add(moments_t *m, double q, double re, double im) {
    double power_re = q;
    double power_im = 0;
    m->re[0] += q;
    for (int k = 1; k <= MOMENTS; ++k) {
        const double next = power_re * re - power_im * im;
        power_im = power_re * im + power_im * re;
        power_re = next;
        m->re[k] += power_re;
        m->im[k] += power_im;
    }
}

/* The flux into a point of the set, through the links to its neighbours. */
static double flux(const plane_t *p, PetscScalar **u, int64_t j, int64_t i) {
    double sum = 0;
    if (i > 0) {
        sum += p->across * u[j][i - 1];
    }
    if (i + 1 < p->width) {
        sum += p->across * u[j][i + 1];
    }
    if (j > 0) {
        sum += p->down * u[j - 1][i];
    }
    if (j + 1 < p->height) {
        sum += p->down * u[j + 1][i];
    }
    return sum;
}

hm_status_t potential_charge(solver_t *s, Vec solution, moments_t *moments, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const plane_t *p = &s->plane;
    static const double pi = 3.14159265358979323846;
    moments_t m = {{0}, {0}};
    Vec local = NULL;
    PetscScalar **u = NULL;
    PETSC_TRY("measuring the charge", DMGetLocalVector(s->da, &local));
    PETSC_TRY("measuring the charge", DMGlobalToLocal(s->da, solution, INSERT_VALUES, local));
    PETSC_TRY("measuring the charge", DMDAVecGetArrayRead(s->da, local, (void *)&u));
    for (int64_t j = p->first; j < p->first + p->rows && j < p->height; ++j) {
        for (int64_t i = 0; i < p->width; ++i) {
            if (potential_kind(p, j, i) == KIND_SET) {
                const double q = flux(p, u, j, i) / (2 * pi);
                if (q != 0) {
                    add(&m, q, re_at(p, i) - p->middle_re, im_at(p, j) - p->middle_im);
                }
            }
        }
    }
    PETSC_TRY("measuring the charge", DMDAVecRestoreArrayRead(s->da, local, (void *)&u));
    PETSC_TRY("measuring the charge", DMRestoreLocalVector(s->da, &local));
    HM_TRY(
        hm_mpi_check(MPI_Allreduce(MPI_IN_PLACE, m.re, MOMENTS + 1, MPI_DOUBLE, MPI_SUM, s->comm),
                     "adding up the charge", err));
    HM_TRY(
        hm_mpi_check(MPI_Allreduce(MPI_IN_PLACE, m.im, MOMENTS + 1, MPI_DOUBLE, MPI_SUM, s->comm),
                     "adding up the charge", err));
    *moments = m;
cleanup:
    return status;
}

hm_status_t potential_rim_range(solver_t *s, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const plane_t *p = &s->plane;
    const PetscScalar *const *u = NULL;
    double ends[2] = {-DBL_MAX, -DBL_MAX}; /* highest; lowest with its sign changed */
    double sum[2] = {0, 0};
    PETSC_TRY("looking at the rim", DMDAVecGetArrayRead(s->da, s->u, (void *)&u));
    for (int64_t j = p->first; j < p->first + p->rows && j < p->height; ++j) {
        const bool edge = j == 0 || j == p->height - 1;
        for (int64_t i = 0; i < p->width; i += edge ? 1 : p->width - 1) {
            const double value = u[j][i] - log(hypot(re_at(p, i) - p->centre_re, im_at(p, j)));
            ends[0] = fmax(ends[0], value);
            ends[1] = fmax(ends[1], -value);
            sum[0] += value;
            sum[1] += 1;
        }
    }
    PETSC_TRY("looking at the rim", DMDAVecRestoreArrayRead(s->da, s->u, (void *)&u));
    HM_TRY(hm_mpi_check(MPI_Allreduce(MPI_IN_PLACE, ends, 2, MPI_DOUBLE, MPI_MAX, s->comm),
                        "looking at the rim", err));
    HM_TRY(hm_mpi_check(MPI_Allreduce(MPI_IN_PLACE, sum, 2, MPI_DOUBLE, MPI_SUM, s->comm),
                        "looking at the rim", err));
    s->report.rim_high = ends[0];
    s->report.rim_low = -ends[1];
    s->report.rim_mean = sum[0] / sum[1];
cleanup:
    return status;
}
