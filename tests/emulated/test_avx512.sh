#!/bin/bash
# The AVX-512 kernel on an emulated processor that has it (see run-avx512): the same tests of kernels
# as everywhere, in their short form, bit by bit against the scalar one. Closing line: "N passed, N failed".
# Debian packages: those of run-avx512, and make pkg-config libcunit1-dev libmpfr-dev libgmp-dev
# zlib1g-dev libinih-dev.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need x86_64-linux-gnu-gcc gcc
need make make

# The mask leaves scalar (bit 0) and avx512 (bit 3): what else there is, is tested without emulation.
# The limit is for busy machines; about 3 minutes of processor time are needed.
emulated=("$top/tests/emulated/run-avx512" -t 1200 -e HM_TEST_SHORT=1 -e HPCMANDEL_CPU_MASK=9)

# shown FILE COMMAND...: runs COMMAND, whose output goes to FILE, too.
shown() {
    local file=$1
    shift
    "$@" | tee "$file"
}

for test in kernel kernel_channels kernel_periods; do
    build x86_64-linux-gnu- "tests/unit/test_$test.c"
    check "test_$test with AVX-512" shown "$work/test_$test.output" "${emulated[@]}" "$program"
done
# Without this, tests of "every usable kernel" would pass where it is not usable.
check "the emulated processor was found to have AVX-512" \
    grep -q 'avx512: tested' "$work/test_kernel.output"
finish
