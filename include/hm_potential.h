/**
 * @file hm_potential.h
 * The electrostatic potential outside the set of a data set file, by PETSc: the set as a conductor
 * of potential 0 that carries the charge 1. Then the escape-time potential of the same file is the
 * answer to compare with, and the logarithmic capacity of the set, which is exactly 1, comes out.
 *
 * What is solved. Laplace's equation by the five-point formula on the file's points, or on every
 * `coarsen`th of every `coarsen`th row, with u = 0 on the set and known values on the rim, the
 * outermost points.
 *
 * The set on the grid. Points that did not escape miss the filaments, which are thinner than any
 * step. A point belongs to the set when it did not escape; when the set is nearer to it than half a
 * step; or when the set passes between it and a neighbour (their distances add up to at most 1.05
 * steps) and it is the nearer one of the two, the first one of equals: so that a filament between
 * two rows of points is there, and one point thick. Distances are half the distance channel:
 * G/|grad G|, which is exact for a straight boundary, while the channel's 2G/|grad G| is the upper
 * bound (Peitgen and Saupe (eds), The Science of Fractal Images, Springer 1988,
 * doi:10.1007/978-1-4612-3784-6, appendix D).
 *
 * The rim. HM_RIM_FAR, where the whole set lies well inside the view: what any charge 1 looks like
 * from outside,
 *
 *     u(c) = K + log|c - a| - sum over k of Re(m_k / (k (c - a)^k)),
 *
 * a the middle of the view, m_k the moments of the charge on the set, which are measured on the
 * solution itself: one solves, measures, and solves again until the rim rests (each time the rim's
 * error in the term k shrinks by about (size of the set / size of the view)^2k). K follows from the
 * charge being 1: with v the solution for 1 on the rim, u + K v has the charge of u plus K times
 * that of v. Nothing of the escape-time potential goes in, and exp(-K) is the capacity measured.
 * HM_RIM_ESCAPE, for all other views and Julia sets that leave them: the escape-time potential on
 * the rim. There is no capacity then, unless the whole set is in the view: then K is what must be
 * added on the rim for the charge to be 1.
 *
 * What it is compared with: G = 2^(1 - smooth) ln 2 for the Mandelbrot set, whose smooth counts
 * start at z = 0, 2^-smooth ln 2 for Julia sets: lim log|z_n| / 2^n. (Douady and Hubbard, Etude
 * dynamique des polynomes complexes, Orsay 1984: G is the potential of the set, G - log|c| -> 0,
 * so the capacity is 1; Ransford, Potential Theory in the Complex Plane, Cambridge 1995,
 * doi:10.1017/CBO9780511623776, on charge and capacity.)
 *
 * Errors fall like the step: a boundary known to half a step moves by a part of a step, and at the
 * tips of filaments, where u grows like the root of the distance, a grid resolves no better
 * either. The largest error sits there and falls like the root of the step.
 *
 * The solver. Conjugate gradients to a relative residual of 1e-10, with one V-cycle of geometric
 * multigrid: bilinear interpolation, Galerkin operators on the coarser grids, which carry the set
 * down to them. Grids halve only when their sides are 2^k n + 1: so the grid is continued beyond
 * the rim by points that stand for nothing (their equation is u = 0) to the next such size, less
 * than an eighth more a side. Grids too narrow to be halved get algebraic multigrid, or are solved
 * directly when they are small. All of it can be overruled by PETSc's own options. PETSc works on
 * a communicator of its own, with as many ranks as have at least 4 rows each; others wait.
 */
#ifndef HM_POTENTIAL_H
#define HM_POTENTIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "hm_cluster.h"
#include "hm_dataset.h"
#include "hm_error.h"

/** What is known on the rim. */
typedef enum hm_rim_t { HM_RIM_AUTO, HM_RIM_FAR, HM_RIM_ESCAPE } hm_rim_t;

/** What to solve, and how. Borrowed pointers. */
typedef struct hm_potential_plan_t {
    const char *path; /**< a complete data set file with the channels smooth and distance */
    int64_t coarsen;  /**< >= 1: every coarsen-th point of every coarsen-th row */
    hm_rim_t rim;     /**< HM_RIM_AUTO: far where that is possible */
    char **options;   /**< [option_count] for PETSc: "-ksp_type", "gmres", ... */
    int option_count;
} hm_potential_plan_t;

/** The parts of the work, also the stages of PETSc's -log_view. */
typedef enum hm_potential_phase_t {
    HM_POTENTIAL_READ,  /**< reading the file, finding the set */
    HM_POTENTIAL_SETUP, /**< matrix and multigrid */
    HM_POTENTIAL_SOLVE, /**< all solves and what lies between them */
    HM_POTENTIAL_CHECK, /**< comparing */
    HM_POTENTIAL_PHASES
} hm_potential_phase_t;

const char *hm_potential_phase_name(hm_potential_phase_t phase);

/** How far the solution is from the escape-time potential. */
typedef struct hm_potential_error_t {
    double most;             /**< the largest difference */
    double most_re, most_im; /**< where it is */
    double rms;     /**< root of the mean square over all points that escaped, those counted
                         as set included */
    double outer;   /**< the largest where the potential is above half of its maximum */
    int64_t points; /**< compared */
} hm_potential_error_t;

/** What came of it; the same on all ranks. */
typedef struct hm_potential_report_t {
    int64_t width, height; /**< of the grid solved on */
    int64_t padded_width, padded_height;
    int64_t unknowns; /**< points neither in the set nor on the rim */
    int64_t set;      /**< points in the set */
    int ranks;        /**< that solved */
    hm_rim_t rim;     /**< far or escape */
    char solver[32];  /**< PETSc's names of solver and preconditioner */
    char preconditioner[32];
    char petsc[32];     /**< version */
    int levels;         /**< of multigrid; 0: there is none */
    int iterations;     /**< of the first solve, which starts from nothing */
    int all_iterations; /**< of all solves */
    int solves;
    double residual;  /**< of the first solve, relative */
    bool charged;     /**< the whole set is in the view: the next four are there */
    double capacity;  /**< should be 1 */
    double charge;    /**< that the rim's values alone give, should be 1 */
    double centre_re; /**< centre of the charge, should be -1/2 (Julia sets: 0) */
    double rim_low, rim_mean, rim_high; /**< of u - log|c - centre| on the rim, centre as it should
                                             be: near 0 */
    hm_potential_error_t error;
    double seconds[HM_POTENTIAL_PHASES];
    double memory; /**< most bytes that a rank has held in memory */
} hm_potential_report_t;

/** The potential; each rank has consecutive rows, in the order of ranks. */
typedef struct hm_potential_t {
    hm_dataset_info_t info; /**< of the file */
    int64_t width, height;  /**< points of the grid solved on */
    int64_t first, rows;    /**< this rank's, rows 0 where it has none */
    double *u;              /**< [rows][width], row-major; 0 on the set. Owned */
    hm_potential_report_t report;
} hm_potential_t;

/**
 * Reads, solves, compares. Collective over the cluster; all ranks return the same status, and
 * *speaker is true on the one that has the message, as after hm_agree(). A rank that fails alone
 * inside PETSc, where the others wait for it, ends the whole run by MPI_Abort with its message
 * after half a minute. PETSc is started and ended here; its options do not outlive the call. The
 * result depends on the number of ranks in the last digits only.
 *
 * HM_EDATA: not a complete data set file with both channels, or no point of the set in it.
 * HM_EUSAGE: too few points, `coarsen` out of range, HM_RIM_FAR for a view that does not hold the
 * whole set with room around, an option that PETSc does not know or refuses, options with which
 * the solver does not converge; the message carries PETSc's own. HM_EMISSING: memory, or more
 * points than PETSc's integers count. HM_EBUG: a failure of PETSc without any options. HM_EIO.
 *
 * Memory: about 450 bytes a point of the grid, divided by the ranks. Free with
 * hm_potential_free().
 */
hm_status_t hm_potential_solve(const hm_cluster_t *cluster, const hm_potential_plan_t *plan,
                               hm_potential_t *potential, bool *speaker, hm_error_t *err);

void hm_potential_free(hm_potential_t *potential);

#endif
