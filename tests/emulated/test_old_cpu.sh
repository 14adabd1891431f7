#!/bin/bash
# The program as it is built runs on x86-64 processors without AVX and gives the same bits there, with
# the scalar kernel: no instruction slips in that only newer processors have (qemu-user ends the
# program with SIGILL). Closing line: "N passed, N failed".
# Debian packages: qemu-user, make pkg-config gcc libcunit1-dev libmpfr-dev libgmp-dev zlib1g-dev
# libinih-dev; and those of the program itself, which must have been built (`make`).
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need x86_64-linux-gnu-gcc gcc
need qemu-x86_64 qemu-user
need make make

hpcmandel=${HM_PROGRAM:-$top/hpcmandel}
[[ -x $hpcmandel ]] || missing "no program '$hpcmandel': make"

# render_equals OPTIONS COMMAND...: with OPTIONS (words in one string) the program under COMMAND gives
# the sum and the CRC that it gives here with the best kernel.
render_equals() {
    local folder status=0
    local -a options
    read -r -a options <<< "$1"
    options+=(--size 96x64 --max-iter 300 --quiet)
    shift
    folder=$(mktemp -d "$work/render.XXXXXX")
    timeout -k 5 500 "$hpcmandel" render "${options[@]}" --output "$folder/here.h5" \
        > "$folder/here" || status=$?
    timeout -k 5 1000 "$@" "$hpcmandel" render "${options[@]}" --output "$folder/there.h5" \
        > "$folder/there" || status=$?
    if ((status == 0)); then
        grep -E '^(sum|inside|crc32) ' "$folder/here" > "$folder/expected" &&
            grep -E '^(sum|inside|crc32) ' "$folder/there" | diff "$folder/expected" - || status=$?
    fi
    rm -rf "$folder"
    return "$status"
}

# ends_with STATUS COMMAND...
ends_with() {
    local expected=$1 status=0
    shift
    "$@" || status=$?
    ((status == expected))
}

# A program of one AVX instruction, which must not get through.
echo 'int main(void) { __asm__ volatile("vxorpd %%ymm0, %%ymm0, %%ymm0" ::: "xmm0"); return 0; }' |
    x86_64-linux-gnu-gcc -static -x c -o "$work/one_avx" -

# Core 2 is the oldest that many clusters kept; the first Opteron has SSE3 at most, the baseline of
# x86-64 with little more.
for cpu in core2duo Opteron_G1; do
    emulated=(qemu-x86_64 -cpu "$cpu")
    check "$cpu: AVX is an illegal instruction (status 128 + SIGILL)" \
        ends_with 132 "${emulated[@]}" "$work/one_avx"
    build x86_64-linux-gnu- tests/emulated/best_isa.c
    check "$cpu: no more than scalar is found" "${emulated[@]}" "$program" scalar
    for options in "" "--arith fma" "--julia 0.322,0.05 --bailout 4" "--interior none"; do
        check "$cpu: render $options gives the same" render_equals "$options" "${emulated[@]}"
    done
    for test in cpu grid text; do
        build x86_64-linux-gnu- "tests/unit/test_$test.c"
        check "$cpu: test_$test" timeout -k 5 1500 "${emulated[@]}" "$program"
    done
done
finish
