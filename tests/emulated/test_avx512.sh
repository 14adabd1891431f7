#!/bin/bash
# The AVX-512 kernel on an emulated processor that has it (see run-avx512): the same test of kernels
# as everywhere, bit by bit against the scalar one. Closing line: "N passed, N failed".
# Debian packages: those of run-avx512, and make pkg-config libcunit1-dev libmpfr-dev libgmp-dev
# zlib1g-dev libinih-dev.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need x86_64-linux-gnu-gcc gcc
need make make

# The mask leaves scalar (bit 0) and avx512 (bit 3): what else there is, is tested without emulation.
# The limit is for busy machines; about 4 minutes of processor time are needed.
emulated=("$top/tests/emulated/run-avx512" -t 1200 -e HM_TEST_SHORT=1 -e HPCMANDEL_CPU_MASK=9)
build x86_64-linux-gnu- tests/emulated/best_isa.c
check "the emulated processor is found to have AVX-512" "${emulated[@]}" "$program" avx512
build x86_64-linux-gnu- tests/unit/test_kernel.c
check "every kernel equals the scalar one there" "${emulated[@]}" "$program"
finish
