/**
 * @file potential_private.h
 * What the files of the potential share. Inside src/analysis/potential*.c only, which are not built
 * without PETSc.
 */
#ifndef HM_POTENTIAL_PRIVATE_H
#define HM_POTENTIAL_PRIVATE_H

#include <petscdmda.h>
#include <petscksp.h>

#include "hm_potential.h"

#if defined(PETSC_USE_COMPLEX) || !defined(PETSC_USE_REAL_DOUBLE)
#error "the potential needs a PETSc of real numbers in double precision"
#endif

/** What a point of the grid is. */
typedef enum kind_t { KIND_FREE, KIND_SET, KIND_RIM, KIND_PAD } kind_t;

/** What stands on the rim. */
typedef enum rim_values_t { RIM_ONE, RIM_ESCAPE, RIM_FAR } rim_values_t;

enum { MOMENTS = 64 };

/** Moments of the charge on the set about the middle of the view: sum of q (c - a)^k, k = 0 ... */
typedef struct moments_t {
    double re[MOMENTS + 1], im[MOMENTS + 1];
} moments_t;

/** The grid solved on, and this rank's rows of it with one more on either side. */
typedef struct plane_t {
    int64_t width, height;               /**< real points */
    int64_t padded_width, padded_height; /**< with those beyond the rim */
    int levels;                          /**< grids that the padding allows, 1: no coarser one */
    double re0, im0, re_step, im_step;   /**< im_step may be negative */
    double across, down;                 /**< weights of the links along a row and between rows */
    double middle_re, middle_im;
    double factor;       /**< G = factor * 2^-smooth */
    double centre_re;    /**< where the centre of the charge must be */
    int64_t first, rows; /**< own, padding included */
    uint8_t *kind;       /**< [rows + 2][padded_width]: kind_t, from row first - 1 */
    float *smooth;       /**< [rows + 2][width], the same rows; those beyond the rim are not set */
} plane_t;

typedef struct solver_t {
    const hm_potential_plan_t *plan;
    MPI_Comm comm;
    int rank, size;
    hm_dataset_info_t info;
    plane_t plane;
    moments_t far; /**< for RIM_FAR: of charge 1 */
    DM da;
    Mat matrix;
    Vec right, u, one; /**< right-hand side, solution, solution for 1 on the rim */
    KSP ksp;
    PetscLogStage stage[HM_POTENTIAL_PHASES];
    char message[512]; /**< PETSc's, of the failure at hand */
    hm_potential_report_t report;
} solver_t;

/** PETSc's error code as a status with PETSc's message; `what` was being done. */
hm_status_t potential_failed(solver_t *s, PetscErrorCode code, const char *what, hm_error_t *err);

/** Inside a function with `status`, `err`, a solver `s`, and `cleanup:` - leaves on PETSc's
 * failure. */
#define PETSC_TRY(what, call)                                 \
    do {                                                      \
        const PetscErrorCode code_ = (call);                  \
        if (code_ != 0) {                                     \
            status = potential_failed(s, code_, (what), err); \
            goto cleanup;                                     \
        }                                                     \
    } while (0)

/* potential_plane.c */

/** Sizes of the grid and of its padding, from s->info and the plan. HM_EUSAGE, HM_EMISSING. */
hm_status_t potential_plane_shape(solver_t *s, hm_error_t *err);

/** Reads this rank's rows and says what its points are. HM_EIO, HM_EMISSING. Not collective. */
hm_status_t potential_plane_read(solver_t *s, hm_error_t *err);

void potential_plane_free(plane_t *plane);

/** Kind and escape-time potential of a point of rows [first - 1, first + rows]. */
static inline kind_t potential_kind(const plane_t *p, int64_t row, int64_t column) {
    return (kind_t)p->kind[(row - p->first + 1) * p->padded_width + column];
}

static inline double potential_escape(const plane_t *p, int64_t row, int64_t column) {
    const double smooth = (double)p->smooth[(row - p->first + 1) * p->width + column];
    return isfinite(smooth) ? p->factor * exp2(-smooth) : 0;
}

/* potential_rim.c */

/** Decides between far and escape, and whether all the set is in the view. Collective. HM_EUSAGE,
 * HM_EDATA: there is no set. */
hm_status_t potential_rim_choose(solver_t *s, hm_error_t *err);

/** The value on the rim. */
double potential_rim_value(const solver_t *s, rim_values_t values, int64_t row, int64_t column);

/** The charge on the set and its moments in a solution. Collective. */
hm_status_t potential_charge(solver_t *s, Vec solution, moments_t *moments, hm_error_t *err);

/** The range of u - log|c - centre| on the rim into the report. Collective. */
hm_status_t potential_rim_range(solver_t *s, hm_error_t *err);

/* potential_system.c */

/** Makes grid, vectors and this rank's rows. Collective. */
hm_status_t potential_system_grid(solver_t *s, hm_error_t *err);

/** Makes matrix and solver. Collective. */
hm_status_t potential_system_make(solver_t *s, hm_error_t *err);

/** Solves for these values on the rim into `solution`, starting from nothing or (`warm`) from what
 * stands there. Collective. */
hm_status_t potential_system_solve(solver_t *s, rim_values_t values, Vec solution, bool warm,
                                   hm_error_t *err);

void potential_system_free(solver_t *s);

/* potential_check.c */

/** Compares s->u with the escape-time potential. Collective. */
hm_status_t potential_check(solver_t *s, hm_error_t *err);

#endif
