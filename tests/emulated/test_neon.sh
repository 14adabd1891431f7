#!/bin/bash
# The NEON kernel, cross-compiled, on an emulated AArch64 processor (qemu-user): the same tests as
# everywhere. Closing line: "N passed, N failed".
# Debian packages: gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user make dpkg, and apt-get, which
# fetches the libraries for arm64 into the build folder: nothing of another architecture is installed.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
need qemu-aarch64 qemu-user
need make make

packages=(libcunit1-dev libmpfr-dev libgmp-dev zlib1g-dev libinih-dev)
root=$work/arm64
if [[ ! -e $root ]]; then
    need apt-get apt
    # Package lists of their own, so that the machine's stay as they are.
    fetch=$(mktemp -d "$work/fetch.XXXXXX")
    mkdir -p "$fetch"/{lists/partial,cache/archives/partial,deb}
    : > "$fetch/status"
    apt=(apt-get -q -o APT::Architecture=arm64 -o APT::Architectures::=arm64
        -o Dir::State="$fetch" -o Dir::State::status="$fetch/status" -o Dir::Cache="$fetch/cache")
    if ! ("${apt[@]}" update || true # other people's repositories may lack arm64
          cd "$fetch/deb" && "${apt[@]}" download "${packages[@]/%/:arm64}") > "$fetch/log" 2>&1; then
        tail -n 5 "$fetch/log" >&2
        rm -rf "$fetch"
        missing "cannot get the arm64 packages ${packages[*]}"
    fi
    for package in "$fetch"/deb/*.deb; do
        dpkg-deb -x "$package" "$fetch/root"
    done
    mv "$fetch/root" "$root"
    rm -rf "$fetch"
fi

settings=(PKG_CFLAGS="-isystem $root/usr/include/aarch64-linux-gnu -isystem $root/usr/include"
    PKG_LIBS=)
link_with=(-L "$root/usr/lib/aarch64-linux-gnu")
build aarch64-linux-gnu- tests/emulated/best_isa.c "${settings[@]}"
check "the emulated processor is found to have NEON" qemu-aarch64 "$program" neon
for test in kernel kernel_channels kernel_periods cpu grid text; do
    build aarch64-linux-gnu- "tests/unit/test_$test.c" "${settings[@]}"
    check "test_$test on AArch64" timeout -k 5 1500 env HM_TEST_SHORT=1 qemu-aarch64 "$program"
done
finish
