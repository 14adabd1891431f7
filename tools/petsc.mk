# Where PETSc on MPICH is: PETSC_DIR, pkg-config, or the folder that tools/petsc.sh builds into.
PETSC_CFLAGS :=
PETSC_LIBS :=
