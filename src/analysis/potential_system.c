/** @file potential_system.c Matrix, multigrid and solving. */
#include <math.h>

#include "potential_private.h"

/* Relative residual. Five digits below what the grid resolves. */
static const double TOLERANCE = 1e-10;
enum { MOST_ITERATIONS = 1000 };

/* Up to this many points a coarsest grid is solved directly, by each rank for itself. */
enum { DIRECT = 40000 };

hm_status_t potential_system_grid(solver_t *s, hm_error_t *err) {
    static const char *const what = "making the grid";
    hm_status_t status = HM_OK;
    plane_t *p = &s->plane;
    PetscInt columns = 0;
    PetscInt rows = 0;
    PetscInt first = 0;
    PetscInt left = 0;
    PetscInt wide = 0;
    PetscInt high = 0;
    HM_TRY(potential_plane_shape(s, err));
    /* Rows in a piece: a rank reads and writes whole rows of the file. */
    PETSC_TRY(what, DMDACreate2d(s->comm, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR,
                                 (PetscInt)p->padded_width, (PetscInt)p->padded_height, 1, s->size,
                                 1, 1, NULL, NULL, &s->da));
    PETSC_TRY(what, DMSetFromOptions(s->da));
    PETSC_TRY(what, DMSetUp(s->da));
    PETSC_TRY(what, DMDAGetInfo(s->da, NULL, &columns, &rows, NULL, NULL, NULL, NULL, NULL, NULL,
                                NULL, NULL, NULL, NULL));
    PETSC_TRY(what, DMDAGetCorners(s->da, &left, &first, NULL, &wide, &high, NULL));
    if (columns != p->padded_width || rows != p->padded_height || wide != columns) {
        HM_TRY(hm_error_set(err, HM_EUSAGE,
                            "PETSc's -da_... options change the grid, which is the file's: leave "
                            "them out; --coarsen makes it coarser"));
    }
    p->first = first;
    p->rows = high;
    PETSC_TRY(what, DMSetMatrixPreallocateOnly(s->da, PETSC_TRUE));
    PETSC_TRY(what, DMCreateGlobalVector(s->da, &s->u));
    PETSC_TRY(what, VecDuplicate(s->u, &s->right));
    PETSC_TRY(what, VecDuplicate(s->u, &s->one));
cleanup:
    return status;
}

/* The neighbours of a point and the weights of the links to them. */
typedef struct link_t {
    int64_t row, column;
    double weight;
} link_t;

static void links(const plane_t *p, int64_t row, int64_t column, link_t found[4]) {
    found[0] = (link_t){row - 1, column, p->down};
    found[1] = (link_t){row, column - 1, p->across};
    found[2] = (link_t){row, column + 1, p->across};
    found[3] = (link_t){row + 1, column, p->down};
}

static PetscErrorCode fill_row(const solver_t *s, int64_t row, int64_t column) {
    const plane_t *p = &s->plane;
    const MatStencil here = {.j = (PetscInt)row, .i = (PetscInt)column};
    MatStencil there[5] = {here};
    PetscScalar values[5] = {2 * (p->across + p->down)};
    PetscInt count = 1;
    if (potential_kind(p, row, column) == KIND_FREE) {
        link_t link[4];
        links(p, row, column, link);
        for (int n = 0; n < 4; ++n) {
            if (potential_kind(p, link[n].row, link[n].column) == KIND_FREE) {
                there[count] =
                    (MatStencil){.j = (PetscInt)link[n].row, .i = (PetscInt)link[n].column};
                values[count++] = -link[n].weight;
            }
        }
    }
    return MatSetValuesStencil(s->matrix, 1, &here, count, there, values, INSERT_VALUES);
}

/* Symmetric: known values go to the right-hand side, and their own equations have nothing but a
 * diagonal, of the size of the others'. */
static hm_status_t fill_matrix(solver_t *s, hm_error_t *err) {
    static const char *const what = "making the matrix";
    hm_status_t status = HM_OK;
    const plane_t *p = &s->plane;
    PETSC_TRY(what, DMCreateMatrix(s->da, &s->matrix));
    for (int64_t j = p->first; j < p->first + p->rows; ++j) {
        for (int64_t i = 0; i < p->padded_width; ++i) {
            PETSC_TRY(what, fill_row(s, j, i));
        }
    }
    PETSC_TRY(what, MatAssemblyBegin(s->matrix, MAT_FINAL_ASSEMBLY));
    PETSC_TRY(what, MatAssemblyEnd(s->matrix, MAT_FINAL_ASSEMBLY));
    PETSC_TRY(what, MatSetOption(s->matrix, MAT_SPD, PETSC_TRUE));
cleanup:
    return status;
}

/* Options that PETSc looks at while solving or when it ends: views, reasons, logs. */
static bool looked_at_later(const char *name) {
    static const char *const beginnings[] = {"log_",    "malloc",  "memory_",   "objects_",
                                             "options", "history", "citations", "get_total_flops",
                                             "mpidump", "help",    "version",   "v"};
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; ++i) {
        if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0) {
            return true;
        }
    }
    return strstr(name, "_view") != NULL || strstr(name, "_converged_") != NULL;
}

/* A misspelt option is an error, and found before the work, not after it. */
static hm_status_t check_options(solver_t *s, hm_error_t *err) {
    hm_status_t status = HM_OK;
    PetscInt count = 0;
    char **names = NULL;
    char **values = NULL;
    char unknown[64] = "";
    PETSC_TRY("looking at PETSc's options", PetscOptionsLeftGet(NULL, &count, &names, &values));
    for (PetscInt n = 0; n < count && unknown[0] == '\0'; ++n) {
        if (!looked_at_later(names[n])) {
            snprintf(unknown, sizeof unknown, "%s", names[n]);
        }
    }
    PETSC_TRY("looking at PETSc's options", PetscOptionsLeftRestore(NULL, &count, &names, &values));
    if (unknown[0] != '\0') {
        HM_TRY(hm_error_set(err, HM_EUSAGE,
                            "PETSc has no use for the option '-%s' here; `-- -help` lists those it "
                            "knows with this solver",
                            unknown));
    }
cleanup:
    return status;
}

/* What stands unless PETSc's options say otherwise. */
static hm_status_t choose_solver(solver_t *s, hm_error_t *err) {
    static const char *const what = "choosing the solver";
    hm_status_t status = HM_OK;
    const plane_t *p = &s->plane;
    PC pc = NULL;
    PetscBool given = PETSC_FALSE;
    const int64_t coarsest = (((p->padded_width - 1) >> (p->levels - 1)) + 1) *
                             (((p->padded_height - 1) >> (p->levels - 1)) + 1);
    PETSC_TRY(what, KSPSetType(s->ksp, KSPCG));
    PETSC_TRY(what, KSPSetTolerances(s->ksp, TOLERANCE, 1e-50, 1e5, MOST_ITERATIONS));
    PETSC_TRY(what, KSPGetPC(s->ksp, &pc));
    PETSC_TRY(what, PCSetDM(pc, s->da));
    if (p->levels == 1 && coarsest <= DIRECT) {
        PETSC_TRY(what, PCSetType(pc, PCREDUNDANT)); /* each rank solves it by LU */
    } else if (p->levels > 1) {
        PETSC_TRY(what, PCSetType(pc, PCMG));
        PETSC_TRY(what, PCMGSetLevels(pc, p->levels, NULL));
        PETSC_TRY(what, PCMGSetGalerkin(pc, PC_MG_GALERKIN_BOTH));
        PETSC_TRY(what, PetscOptionsHasName(NULL, NULL, "-mg_coarse_pc_type", &given));
        if (coarsest > DIRECT && !given) {
            PETSC_TRY(what, PetscOptionsSetValue(NULL, "-mg_coarse_pc_type", PCGAMG));
        }
    } else {
        PETSC_TRY(what, PCSetType(pc, PCGAMG));
    }
    PETSC_TRY(what, KSPSetFromOptions(s->ksp));
cleanup:
    return status;
}

static hm_status_t name_solver(solver_t *s, hm_error_t *err) {
    static const char *const what = "asking the solver";
    hm_status_t status = HM_OK;
    hm_potential_report_t *r = &s->report;
    PC pc = NULL;
    KSPType solver = NULL;
    PCType preconditioner = NULL;
    PetscBool multigrid = PETSC_FALSE;
    PetscInt levels = 0;
    PETSC_TRY(what, KSPGetPC(s->ksp, &pc));
    PETSC_TRY(what, KSPGetType(s->ksp, &solver));
    PETSC_TRY(what, PCGetType(pc, &preconditioner));
    PETSC_TRY(what, PetscObjectTypeCompare((PetscObject)pc, PCMG, &multigrid));
    if (multigrid) {
        PETSC_TRY(what, PCMGGetLevels(pc, &levels));
    }
    snprintf(r->solver, sizeof r->solver, "%s", solver ? solver : "none");
    snprintf(r->preconditioner, sizeof r->preconditioner, "%s",
             preconditioner ? preconditioner : "none");
    snprintf(r->petsc, sizeof r->petsc, "%d.%d.%d", PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR,
             PETSC_VERSION_SUBMINOR);
    r->levels = (int)levels;
cleanup:
    return status;
}

hm_status_t potential_system_make(solver_t *s, hm_error_t *err) {
    static const char *const what = "setting up the solver";
    hm_status_t status = HM_OK;
    HM_TRY(fill_matrix(s, err));
    PETSC_TRY(what, KSPCreate(s->comm, &s->ksp));
    PETSC_TRY(what, KSPSetOperators(s->ksp, s->matrix, s->matrix));
    HM_TRY(choose_solver(s, err));
    PETSC_TRY(what, KSPSetUp(s->ksp));
    PETSC_TRY(what, KSPSetUpOnBlocks(s->ksp));
    HM_TRY(check_options(s, err));
    HM_TRY(name_solver(s, err));
cleanup:
    return status;
}

static double right_value(const solver_t *s, rim_values_t values, int64_t row, int64_t column) {
    const plane_t *p = &s->plane;
    const kind_t kind = potential_kind(p, row, column);
    double value = 0;
    if (kind == KIND_RIM) {
        value = 2 * (p->across + p->down) * potential_rim_value(s, values, row, column);
    } else if (kind == KIND_FREE) {
        link_t link[4];
        links(p, row, column, link);
        for (int n = 0; n < 4; ++n) {
            if (potential_kind(p, link[n].row, link[n].column) == KIND_RIM) {
                value +=
                    link[n].weight * potential_rim_value(s, values, link[n].row, link[n].column);
            }
        }
    }
    return value;
}

static hm_status_t fill_right(solver_t *s, rim_values_t values, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const plane_t *p = &s->plane;
    PetscScalar **right = NULL;
    PETSC_TRY("setting the rim", DMDAVecGetArray(s->da, s->right, (void *)&right));
    for (int64_t j = p->first; j < p->first + p->rows; ++j) {
        for (int64_t i = 0; i < p->padded_width; ++i) {
            right[j][i] = right_value(s, values, j, i);
        }
    }
    PETSC_TRY("setting the rim", DMDAVecRestoreArray(s->da, s->right, (void *)&right));
cleanup:
    return status;
}

/* Known values are exact again: the coarser grids' corrections leave traces of 1e-20 on the set. */
static hm_status_t pin(solver_t *s, rim_values_t values, Vec solution, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const plane_t *p = &s->plane;
    PetscScalar **u = NULL;
    PETSC_TRY("setting what is known", DMDAVecGetArray(s->da, solution, (void *)&u));
    for (int64_t j = p->first; j < p->first + p->rows; ++j) {
        for (int64_t i = 0; i < p->padded_width; ++i) {
            const kind_t kind = potential_kind(p, j, i);
            if (kind == KIND_RIM) {
                u[j][i] = potential_rim_value(s, values, j, i);
            } else if (kind != KIND_FREE) {
                u[j][i] = 0;
            }
        }
    }
    PETSC_TRY("setting what is known", DMDAVecRestoreArray(s->da, solution, (void *)&u));
cleanup:
    return status;
}

hm_status_t potential_system_solve(solver_t *s, rim_values_t values, Vec solution, bool warm,
                                   hm_error_t *err) {
    static const char *const what = "solving";
    hm_status_t status = HM_OK;
    hm_potential_report_t *r = &s->report;
    PetscInt iterations = 0;
    PetscReal residual = 0;
    PetscReal size = 0;
    KSPConvergedReason reason = KSP_CONVERGED_ITERATING;
    HM_TRY(fill_right(s, values, err));
    PETSC_TRY(what, KSPSetInitialGuessNonzero(s->ksp, warm ? PETSC_TRUE : PETSC_FALSE));
    PETSC_TRY(what, KSPSolve(s->ksp, s->right, solution));
    PETSC_TRY(what, KSPGetConvergedReason(s->ksp, &reason));
    PETSC_TRY(what, KSPGetIterationNumber(s->ksp, &iterations));
    if (reason < 0) {
        HM_TRY(hm_error_set(
            err, s->plan->option_count > 0 ? HM_EUSAGE : HM_EBUG,
            "the solver gives up after %lld iterations (%s)%s", (long long)iterations,
            KSPConvergedReasons[reason],
            s->plan->option_count > 0 ? ": with these PETSc options it does not converge" : ""));
    }
    if (r->solves == 0) {
        /* The residual itself, whatever norm the solver looks at. */
        PETSC_TRY(what, MatMult(s->matrix, solution, s->u == solution ? s->one : s->u));
        Vec work = s->u == solution ? s->one : s->u;
        PETSC_TRY(what, VecAYPX(work, -1, s->right));
        PETSC_TRY(what, VecNorm(work, NORM_2, &residual));
        PETSC_TRY(what, VecNorm(s->right, NORM_2, &size));
        r->iterations = (int)iterations;
        r->residual = size > 0 ? residual / size : 0;
    }
    HM_TRY(pin(s, values, solution, err));
    r->all_iterations += (int)iterations;
    ++r->solves;
cleanup:
    return status;
}

void potential_system_free(solver_t *s) {
    (void)KSPDestroy(&s->ksp);
    (void)MatDestroy(&s->matrix);
    (void)VecDestroy(&s->one);
    (void)VecDestroy(&s->right);
    (void)VecDestroy(&s->u);
    (void)DMDestroy(&s->da);
}
