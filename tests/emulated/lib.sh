# shellcheck shell=bash
# What the scripts here share; sourced, with `set -euo pipefail` in force.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# What is downloaded and built; made anew when missing. `make clean` removes it.
work=${HM_EMULATED_BUILD:-$top/build/emulated}
mkdir -p "$work"
work=$(cd "$work" && pwd)

# Ends with the status for "something needed is missing".
missing() {
    echo "${0##*/}: $*" >&2
    exit 69
}

# need COMMAND-OR-FILE PACKAGE: it is there.
need() {
    command -v "$1" > /dev/null || [[ -e $1 ]] ||
        missing "$1 is missing: apt-get install --no-install-recommends $2"
}

# build PREFIX SOURCE [MAKE-VARIABLE...]: compiles what computes (base and plane: no MPI, no HDF5)
# with the Makefile's flags but with the compiler PREFIXgcc, links SOURCE to it, statically, and
# leaves the path in $program. $link_with may hold further flags of the linker.
build() {
    local prefix=$1 source=$2
    shift 2
    local folder=$work/${prefix%-}
    local -a make=(make -s -C "$top" MPICC="${prefix}gcc" BUILD="$folder" WITH_PETSC=0 "$@")
    local -a objects flags
    mapfile -t objects < <("${make[@]}" print-OBJECTS | tr ' ' '\n' | grep -E "/obj/($parts)")
    read -r -a flags < <("${make[@]}" print-ALL_CFLAGS)
    "${make[@]}" "${objects[@]}"
    rm -f "$folder/kernels.a"
    "${prefix}ar" rcs "$folder/kernels.a" "${objects[@]}"
    program=$folder/$(basename "$source" .c)
    (cd "$top" && "${prefix}gcc" "${flags[@]}" -Itests/unit -static -o "$program" "$source" \
        "$folder/kernels.a" "${link_with[@]}" "${libraries[@]}")
}
link_with=()
parts='base/|plane/'
libraries=(-lcunit -lmpfr -lgmp -lz -lm)

# From here on build() takes the kernels alone, which need no library that a cross compiler lacks.
kernels_alone() {
    parts='plane/kernel|plane/cycle|base/(cpu|error|clock)\.'
    libraries=(-lm)
}

# Counts of cases for the closing line.
passed=0
failed=0

# check NAME COMMAND...: a case that passes when COMMAND ends with status 0.
check() {
    local name=$1 status=0
    shift
    "$@" || status=$?
    if ((status == 0)); then
        passed=$((passed + 1))
        echo "ok: $name"
    else
        failed=$((failed + 1))
        echo "FAILED (exit status $status): $name"
    fi
}

# The closing line, and the exit status that goes with it.
finish() {
    echo "$passed passed, $failed failed"
    ((passed > 0 && failed == 0))
}
