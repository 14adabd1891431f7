#!/bin/bash
# deps.sh SET...: makes sure that the packages of tools/packages.SET are there.
#
# Debian and its kin: asks dpkg; installs what is missing when it may (root, or sudo without a password), otherwise names
# the packages and ends with 69. Elsewhere (a cluster with modules), or with DEPS_BY=probe: looks for the commands and libraries
# themselves and names what is missing. When nothing is, it says nothing and needs neither root nor network.
set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
exit_missing=69
python=${PYTHON:-/usr/bin/python3}
[ -x "$python" ] || python=python3

say() { printf 'hpcmandel: %s\n' "$*" >&2; }

# rows SET...: "PACKAGE PROBE" lines without comments
rows() {
    local set
    for set in "$@"; do
        if [ ! -r "$here/packages.$set" ]; then
            say "deps.sh: there is no list $here/packages.$set"
            exit 64
        fi
        sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$here/packages.$set"
    done
}

# --- by dpkg --------------------------------------------------------------------------------------
missing_packages() {
    local wanted
    wanted=$(rows "$@" | awk '{ print $1 }' | sort -u)
    # dpkg-query fails where one name is unknown, which is no news here.
    # shellcheck disable=SC2016,SC2086 # the format is dpkg's, the names are words
    { dpkg-query -W -f '${binary:Package} ${db:Status-Status}\n' $wanted 2>/dev/null || true; } |
        awk -v wanted="$wanted" '
            $2 == "installed" { sub(/:.*/, "", $1); have[$1] = 1 }
            END { n = split(wanted, w); for (i = 1; i <= n; ++i) if (!(w[i] in have)) print w[i] }'
}

# as_root COMMAND...: by itself or by sudo; fails when neither may
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

may_install() {
    [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }
}

install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    local apt=(apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
    local install=("${apt[@]}" install --no-install-recommends "$@")
    # Fresh systems have no package lists, old ones have stale lists: then fetch them, once.
    if "${apt[@]}" install --no-install-recommends --simulate "$@" >/dev/null 2>&1; then
        as_root "${install[@]}" && return
    fi
    as_root "${apt[@]}" update && as_root "${install[@]}"
}

ensure_packages() {
    local missing
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086 # package names are words
    set -- $missing
    local command="apt-get install -y --no-install-recommends $*"
    if ! may_install; then
        say "these packages are missing, and only root may install them: $*"
        say "as root:  $command"
        return $exit_missing
    fi
    say "installing $*"
    if ! install_packages "$@"; then
        say "apt could not install them; its messages are above. Try, as root:  apt-get update && $command"
        return $exit_missing
    fi
}

# --- by looking for the things themselves ---------------------------------------------------------
# is_mpich: does the compiler wrapper bring MPICH's mpi.h, or that of a library descended from it?
is_mpich() {
    local wrapper=${MPICC:-}
    [ -n "$wrapper" ] || wrapper=$(command -v mpicc.mpich || command -v mpicc) || return 1
    printf '#include <mpi.h>\n' | "$wrapper" -x c -E -dM - 2>/dev/null | grep -c 'MPICH_NUMVERSION' >/dev/null
}

probe_one() {
    local what=${1#*:} module
    case $1 in
        cmd:*) command -v "$what" >/dev/null ;;
        pkg:*)
            for module in ${what//|/ }; do
                "${PKG_CONFIG:-pkg-config}" --exists "$module" 2>/dev/null && return 0
            done
            return 1
            ;;
        header:*) printf '#include <%s>\n' "$what" | "${CC:-cc}" -E - >/dev/null 2>&1 ;;
        py:*) "$python" -c "import $what" 2>/dev/null ;;
        mpich) is_mpich ;;
        *)
            say "deps.sh: unknown probe '$1'"
            exit 64
            ;;
    esac
}

ensure_probes() {
    local package probe missing=0
    while read -r package probe; do
        if ! probe_one "$probe"; then
            say "missing: $probe (Debian has it in $package)"
            missing=1
        fi
    done < <(rows "$@" | sort -u -k2,2)
    [ $missing = 0 ] && return
    say "load the modules or set PATH and PKG_CONFIG_PATH so that they are found, then try again"
    return $exit_missing
}

if [ $# = 0 ]; then
    say "usage: deps.sh SET...   (sets: $(cd "$here" && echo packages.* | sed 's/packages\.//g'))"
    exit 64
fi
rows "$@" >/dev/null
if [ "${DEPS_BY:-}" != probe ] && command -v dpkg-query >/dev/null; then
    ensure_packages "$@"
else
    ensure_probes "$@"
fi
