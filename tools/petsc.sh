#!/bin/bash
# petsc.sh: PETSc on MPICH.
#
#   petsc.sh cflags    prints the compiler's options for a usable PETSc; fails when there is none. Quick.
#   petsc.sh libs      the same for the linker
#   petsc.sh provide   the same search; builds PETSc into $DEPS_DIR/petsc when nothing usable is found
#   petsc.sh try       compiles a small solver with what was found and runs it on 2 ranks
#   petsc.sh where     prints the folder or module that was found, or why there is none
#
# Looked at in this order: PETSC_DIR (with PETSC_ARCH), pkg-config's PETSc, $DEPS_DIR/petsc. Usable means: built on MPICH,
# real numbers, double precision. Debian's own binary package is built on OpenMPI, so it never is.
#
# Building takes Debian's source package (or the file PETSC_TARBALL, where there is no apt) and two to ten minutes. It needs no root,
# only compilers. What is half done after an interruption is thrown away; what is finished is kept until someone removes it.
set -eu -o pipefail
umask 022
root=$(cd "$(dirname "$0")/.." && pwd)
deps=${DEPS_DIR:-$root/.deps}
ours=$deps/petsc
exit_missing=69

say() { printf 'hpcmandel: %s\n' "$*" >&2; }

# --- finding --------------------------------------------------------------------------------------
# objection CONF_H: why the PETSc with this petscconf.h cannot be used; nothing when it can
objection() {
    if [ ! -r "$1" ]; then
        echo "there is no readable $1"
    elif ! grep -qE '^#define PETSC_HAVE_MPICH' "$1"; then
        echo "it is not built on MPICH"
    elif grep -qE '^#define PETSC_USE_COMPLEX' "$1"; then
        echo "its numbers are complex, and real ones are needed"
    elif ! grep -qE '^#define PETSC_USE_REAL_DOUBLE' "$1"; then
        echo "it is not in double precision"
    fi
}

# The headers of others are not ours to warn about: -isystem.
as_flags() {
    cflags=$(sed -E 's/(^| )-I ?/\1-isystem /g' <<<"$1")
    libs=$2
}

# conf_of INCLUDE_FLAGS: the petscconf.h that the compiler would see
conf_of() {
    local word
    for word in $1; do
        if [ -r "${word#-I}/petscconf.h" ]; then
            echo "${word#-I}/petscconf.h"
            return
        fi
    done
    echo petscconf.h
}

# from_pkg_config FOLDER: a PETSc.pc in FOLDER, or, when empty, wherever pkg-config looks
from_pkg_config() {
    local tool=${PKG_CONFIG:-pkg-config} includes libdirs word
    command -v "$tool" >/dev/null || return 1
    local path=${PKG_CONFIG_PATH:-}
    [ -z "$1" ] || path=$1${path:+:$path}
    PKG_CONFIG_PATH=$path "$tool" --exists PETSc 2>/dev/null || return 1
    includes=$(PKG_CONFIG_PATH=$path PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 "$tool" --cflags-only-I PETSc)
    why=$(objection "$(conf_of "$includes")")
    [ -z "$why" ] || return 2
    libdirs=$(PKG_CONFIG_PATH=$path "$tool" --libs-only-L PETSc)
    libs=$(PKG_CONFIG_PATH=$path "$tool" --libs PETSc)
    for word in $libdirs; do
        libs+=" -Wl,-rpath,${word#-L}"
    done
    as_flags "$(PKG_CONFIG_PATH=$path "$tool" --cflags PETSc)" "$libs"
}

# find_petsc: sets where, cflags, libs; or why. 0 found, 1 none, 2 the one that the user asked for is of no use
find_petsc() {
    local given status=0
    why=
    if [ -n "${PETSC_DIR:-}" ]; then
        given=$PETSC_DIR${PETSC_ARCH:+/$PETSC_ARCH}
        where=$given
        from_pkg_config "$given/lib/pkgconfig" || status=$?
        [ $status = 0 ] && return 0
        why="PETSC_DIR says $given, but ${why:-there is no lib/pkgconfig/PETSc.pc in it}"
        return 2
    fi
    where="pkg-config's PETSc"
    from_pkg_config "" || status=$?
    [ $status = 0 ] && return 0
    [ -z "$why" ] || why="pkg-config's PETSc is of no use: $why"
    # Not through pkg-config: this one moves with the source tree.
    if [ -e "$ours/complete" ]; then
        where=$ours
        ours_as_flags
        return 0
    fi
    return 1
}

advice() {
    say "${why:-no PETSc found}"
    say "unset PETSC_DIR to have one built here, set it to a PETSc on MPICH, or leave potential out: make WITH_PETSC=0"
}

# --- showing progress -----------------------------------------------------------------------------
started=$SECONDS
child=
objects= # where object files appear while compiling

# A child in the background outlives an interrupted script unless it is told: it gets a process group of its own, to be told at once.
stop_child() {
    [ -z "$child" ] || kill -TERM -- "-$child" 2>/dev/null || true
}
trap stop_child EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# during TEXT LOG COMMAND...: runs COMMAND into LOG and says every few seconds how far it is
during() {
    local text=$1 log=$2 next=$((SECONDS + 5)) done_so_far="" status=0
    shift 2
    say "PETSc: $text ($((SECONDS - started)) s so far)"
    set -m
    "$@" >"$log" 2>&1 </dev/null &
    child=$!
    set +m
    while kill -0 $child 2>/dev/null; do
        sleep 0.2
        if [ $SECONDS -ge $next ]; then
            if [ -d "$objects" ]; then
                done_so_far=": $(find "$objects" -name '*.o' | wc -l) files of about 1500"
            fi
            say "PETSc: $text$done_so_far, $((SECONDS - started)) s"
            next=$((SECONDS + 10))
        fi
    done
    wait $child || status=$?
    child=
    if [ $status != 0 ]; then
        say "PETSc: $text failed. The end of its log:"
        tail -n 25 "$log" >&2
    fi
    return $status
}

# --- the source -----------------------------------------------------------------------------------
# The machine's own apt sources, turned into source-package ones. Both forms that apt knows: one line an entry, and deb822 paragraphs.
private_apt_sources() {
    local file etc=${APT_ETC:-/etc/apt}
    for file in "$etc"/sources.list "$etc"/sources.list.d/*.list; do
        [ -r "$file" ] || continue
        sed -nE 's/^[[:space:]]*deb(-src)?[[:space:]]+/deb-src /p' "$file"
    done | sort -u >"$1/sources.list"
    for file in "$etc"/sources.list.d/*.sources; do
        [ -r "$file" ] || continue
        sed -E 's/^[Tt]ypes:.*/Types: deb-src/' "$file" >"$1/parts/$(basename "$file")"
    done
}

# fetch_by_apt FOLDER: leaves petsc_*.orig.tar.* in FOLDER; the system's lists stay as they are
fetch_by_apt() {
    local apt=$1/apt
    mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial"
    private_apt_sources "$apt"
    local options=(-q -o "Dir::Etc::sourcelist=$apt/sources.list" -o "Dir::Etc::sourceparts=$apt/parts"
        -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o "APT::Sandbox::User=$(id -un)"
        -o "Acquire::Retries=2" -o "Acquire::http::Timeout=30" -o "Acquire::https::Timeout=30" -o "Acquire::Languages=none"
        -o "APT::Update::Post-Invoke::=true" -o "APT::Update::Post-Invoke-Success::=true")
    # Third parties' sources without source packages make `update` complain: whether petsc can be had is what counts.
    apt-get "${options[@]}" update || true
    cd "$1"
    apt-get "${options[@]}" source --download-only petsc
}

find_source() { # FOLDER: sets source_file
    if [ -n "${PETSC_TARBALL:-}" ]; then
        source_file=$(realpath "$PETSC_TARBALL")
        if [ ! -r "$source_file" ]; then
            say "PETSC_TARBALL: cannot read $source_file"
            return 1
        fi
        return 0
    fi
    if ! command -v apt-get >/dev/null; then
        say "no PETSc on MPICH found, and no apt-get here to fetch its source with"
        say "load a PETSc module (PETSC_DIR), set PETSC_TARBALL to a petsc-3.x.tar.gz, or leave potential out: make WITH_PETSC=0"
        return 1
    fi
    during "fetching Debian's source package" "$1/fetch.log" fetch_by_apt "$1" || return 1
    source_file=$(find "$1" -maxdepth 1 -name 'petsc_*.orig.tar.*' ! -name '*.asc' | head -n 1)
    [ -n "$source_file" ]
}

# --- building -------------------------------------------------------------------------------------
configure_petsc() {
    local options=(PETSC_ARCH=mpich "--prefix=$ours" "--with-cc=$cc" "--with-mpiexec=$mpiexec"
        --with-cxx=0 --with-fc=0 --with-fortran-bindings=0 --with-debugging=0 COPTFLAGS=-O2
        --with-shared-libraries=1 --with-x=0 --with-ssl=0 --with-petsc4py=0)
    local blas
    blas=/usr/lib/$(gcc -print-multiarch 2>/dev/null || true)/openblas-serial
    [ ! -d "$blas" ] || options+=("--with-blaslapack-lib=-L$blas -lopenblas")
    "$python" ./configure "${options[@]}"
}

find_mpi() {
    cc=${MPICC:-$(command -v mpicc.mpich || command -v mpicc || true)}
    mpiexec=${MPIRUN:-$(command -v mpirun.mpich || command -v mpirun || true)}
    if [ -z "$cc" ] || [ -z "$mpiexec" ]; then
        say "MPICH's mpicc or mpirun is missing; make deps installs them"
        return $exit_missing
    fi
}

# A library is only called finished when a program solves something with it.
try_petsc() { # PROGRAM, with cflags and libs set
    # shellcheck disable=SC2086 # options are words
    "$cc" $cflags -o "$1" "$root/tools/petsc_try.c" $libs -lm && timeout -k 5 120 "$mpiexec" -np 2 "$1"
}

ours_as_flags() {
    cflags="-isystem $ours/include"
    libs="-L$ours/lib -Wl,-rpath,$ours/lib -lpetsc"
}

build() {
    local work=$deps/petsc-work jobs=${PETSC_JOBS:-$(nproc)} source_file=
    python=/usr/bin/python3
    [ -x $python ] || python=python3
    find_mpi || return $exit_missing
    # The caller's make and PETSc variables are not meant for PETSc's own make.
    unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES PETSC_DIR PETSC_ARCH CFLAGS LDFLAGS CPPFLAGS DESTDIR PREFIX V
    rm -rf "$work" "$ours"
    mkdir -p "$work/source"
    say "PETSc on MPICH is built once, into $ours: some minutes. Without it: make WITH_PETSC=0"
    find_source "$work" || return $exit_missing
    # Documentation is four fifths of it.
    during "unpacking" "$work/unpack.log" tar -C "$work/source" --strip-components=1 --exclude='*/docs/*' \
        --exclude='*/src/binding/*' -xf "$source_file" || return $exit_missing
    cd "$work/source"
    during "configuring" "$work/configure.log" configure_petsc || return $exit_missing
    objects=$work/source/mpich/obj
    # PETSc holds back where others keep the machine busy: then it would never end.
    during "compiling" "$work/make.log" make -j "$jobs" MAKE_NP="$jobs" MAKE_LOAD=1000 V=0 \
        PETSC_DIR="$PWD" PETSC_ARCH=mpich all || return $exit_missing
    objects=
    during "installing" "$work/install.log" make PETSC_DIR="$PWD" PETSC_ARCH=mpich install || return $exit_missing
    cd "$root"
    find "$ours/lib" -name 'libpetsc.so.*' -type f -exec strip --strip-unneeded {} +
    rm -rf "$ours/share"
    ours_as_flags
    during "trying it on 2 ranks" "$work/try.log" try_petsc "$work/try" || return $exit_missing
    # Last of all: from here on it counts as finished.
    printf '%s\n' "$(basename "$source_file")" >"$ours/complete"
    rm -rf "$work"
    say "PETSc: finished after $((SECONDS - started)) s"
}

case ${1:-} in
cflags)
    find_petsc || exit $exit_missing
    echo "$cflags"
    ;;
libs)
    find_petsc || exit $exit_missing
    echo "$libs"
    ;;
try)
    find_petsc || exit $exit_missing
    find_mpi
    out=$(mktemp)
    status=0
    try_petsc "$out" || status=$?
    rm -f "$out"
    exit $status
    ;;
where)
    if find_petsc; then
        echo "$where"
    else
        advice
        exit $exit_missing
    fi
    ;;
provide)
    status=0
    find_petsc || status=$?
    [ $status = 0 ] && exit 0
    if [ $status = 2 ]; then
        advice
        exit $exit_missing
    fi
    [ -z "$why" ] || say "$why"
    if [[ $deps = *[[:space:]]* ]]; then
        say "PETSc cannot be built in a folder with spaces in its name: $deps"
        say "have it elsewhere: make DEPS_DIR=FOLDER (always the same one); or leave potential out: make WITH_PETSC=0"
        exit $exit_missing
    fi
    if ! mkdir -p "$deps" 2>/dev/null || [ ! -w "$deps" ]; then
        say "cannot write to $deps: set DEPS_DIR to a folder that you may write to"
        exit $exit_missing
    fi
    # Two builds at once would tread on each other: the second waits, and finds it done.
    exec 9>"$deps/petsc.lock"
    if ! flock -n 9; then
        say "PETSc is being built by another process: waiting for it"
        flock 9
    fi
    find_petsc && exit 0
    "$root/tools/deps.sh" run petsc
    build 9>&-
    ;;
*)
    say "usage: petsc.sh cflags|libs|where|try|provide"
    exit 64
    ;;
esac
