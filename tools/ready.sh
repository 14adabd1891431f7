#!/bin/bash
# ready.sh [mpi] [libraries] [petsc]: can the sources be compiled here? Says what is missing and what to do, and ends with 69.
# The Makefile asks before the first compilation, with MPICC, PKG_CONFIG, PACKAGES and CFLAGS_SEEN in the environment.
set -eu -o pipefail

stop() {
    printf 'hpcmandel: %s\n' "$@" >&2
    exit 69
}
defines() { # HEADER MACRO OPTION...: does the header define it?
    local header=$1 macro=$2
    shift 2
    # grep reads to the end, so that the compiler never writes into a closed pipe.
    printf '#include <%s>\n' "$header" | "$MPICC" "$@" -x c -E -dM - 2>/dev/null | grep -c "^#define $macro\>" >/dev/null
}
for part in "$@"; do
    case $part in
    mpi)
        command -v "$MPICC" >/dev/null || stop "there is no MPI compiler '$MPICC'" "make deps  installs what is needed; or set MPICC"
        defines mpi.h MPICH_NUMVERSION ||
            stop "'$MPICC' is not MPICH's compiler" "make deps  installs MPICH; or load its module; or set MPICC to its mpicc"
        ;;
    libraries)
        # shellcheck disable=SC2086 # modules are words
        "$PKG_CONFIG" --exists --print-errors $PACKAGES ||
            stop "libraries are missing (see above)" "make deps  installs them; elsewhere set PKG_CONFIG_PATH"
        # shellcheck disable=SC2086 # options are words
        defines hdf5.h H5_HAVE_PARALLEL $CFLAGS_SEEN ||
            stop "the HDF5 found is not a parallel one" "make deps  installs one; or set HDF5_DIR to a parallel HDF5 on MPICH"
        ;;
    petsc)
        stop "there is no PETSc on MPICH here, which the command potential needs" \
            "make deps  provides it (it is built once, some minutes);  make WITH_PETSC=0  leaves potential out"
        ;;
    esac
done
