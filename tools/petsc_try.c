/*
 * Is this PETSc alive on this MPI? Solves -u'' = 1 on 200 points over all ranks by CG and block
 * Jacobi and compares with the parabola that is its exact solution.
 */
#include <petscksp.h>

int main(int argc, char **argv) {
    const PetscInt n = 200;
    const PetscReal h = 1.0 / (PetscReal)(n + 1);
    Mat a;
    Vec u, b;
    KSP ksp;
    PetscInt first, last, iterations;
    PetscReal error = 0;
    const PetscScalar *values;
    int ranks;

    PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
    PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &ranks));
    PetscCall(
        MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, n, n, 3, NULL, 2, NULL, &a));
    PetscCall(MatGetOwnershipRange(a, &first, &last));
    for (PetscInt i = first; i < last; ++i) {
        PetscCall(MatSetValue(a, i, i, 2.0, INSERT_VALUES));
        if (i > 0) {
            PetscCall(MatSetValue(a, i, i - 1, -1.0, INSERT_VALUES));
        }
        if (i < n - 1) {
            PetscCall(MatSetValue(a, i, i + 1, -1.0, INSERT_VALUES));
        }
    }
    PetscCall(MatAssemblyBegin(a, MAT_FINAL_ASSEMBLY));
    PetscCall(MatAssemblyEnd(a, MAT_FINAL_ASSEMBLY));
    PetscCall(MatCreateVecs(a, &u, &b));
    PetscCall(VecSet(b, h * h));

    PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
    PetscCall(KSPSetOperators(ksp, a, a));
    PetscCall(KSPSetType(ksp, KSPCG));
    PetscCall(KSPSetTolerances(ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, 1000));
    PetscCall(KSPSetErrorIfNotConverged(ksp, PETSC_TRUE));
    PetscCall(KSPSolve(ksp, b, u));
    PetscCall(KSPGetIterationNumber(ksp, &iterations));

    PetscCall(VecGetArrayRead(u, &values));
    for (PetscInt i = first; i < last; ++i) {
        const PetscReal x = (PetscReal)(i + 1) * h;
        error =
            PetscMax(error, PetscAbsReal(PetscRealPart(values[i - first]) - 0.5 * x * (1.0 - x)));
    }
    PetscCall(VecRestoreArrayRead(u, &values));
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &error, 1, MPIU_REAL, MPI_MAX, PETSC_COMM_WORLD));
    PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                          "PETSc %d.%d.%d on %d ranks: %d iterations, error %.1e\n",
                          PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR, PETSC_VERSION_SUBMINOR, ranks,
                          (int)iterations, (double)error));
    PetscCall(KSPDestroy(&ksp));
    PetscCall(VecDestroy(&u));
    PetscCall(VecDestroy(&b));
    PetscCall(MatDestroy(&a));
    PetscCall(PetscFinalize());
    return error < 1e-9 ? 0 : 1;
}
