#!/bin/bash
# The NEON kernel, cross-compiled, on an emulated AArch64 processor (qemu-user), gives this
# processor's bits. test_neon.sh runs the whole test bench there, which needs libraries for that
# processor; this needs the cross compiler alone. Closing line: "N passed, N failed".
# Debian packages: gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user make.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
need qemu-aarch64 qemu-user
need make make
work=$work/kernels_alone
kernels_alone

build "" tests/emulated/bits.c PKG_CFLAGS= PKG_LIBS=
"$program" > "$work/here"
build aarch64-linux-gnu- tests/emulated/best_isa.c PKG_CFLAGS= PKG_LIBS=
check "the emulated processor is found to have NEON" qemu-aarch64 "$program" neon
build aarch64-linux-gnu- tests/emulated/bits.c PKG_CFLAGS= PKG_LIBS=
on_aarch64() {
    timeout -k 5 1500 qemu-aarch64 "$program" > "$work/there"
}
check "tiles are computed on AArch64" on_aarch64
check "their $(wc -l < "$work/here") checksums are those from here" diff "$work/here" "$work/there"
finish
