#!/bin/bash
# What many ranks cost on few processors: `make bench-politeness`, or
#
#   tools/politeness.sh [RANKS [REPETITIONS [OPTION...]]]
#
# Times, in turns: a bare MPI program (MPI_Init_thread, MPI_Finalize) on RANKS ranks (default 64); the same start and end
# politely (hpcmandel --version); a render of the default view, or of what the OPTIONs say, on 2 ranks and on RANKS. Prints medians,
# least and most of wall-clock seconds, and whether RANKS ranks take at most 3 times what 2 take, plus the bare start
# and end. The bare program is MPICH as it is, without this program's giving way: the line `polite start` shows what that is worth.
set -eu -o pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C # a decimal point in EPOCHREALTIME
ranks=${1:-64}
repetitions=${2:-5}
shift $(($# < 2 ? $# : 2))
mpirun=${MPIRUN:-mpirun.mpich}
program=$PWD/hpcmandel
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${MPICC:-mpicc.mpich}" -O2 -o "$folder/bare_mpi" tools/bare_mpi.c

# timed NAME COMMAND...: a line with the seconds in the file NAME
timed() {
    local name=$1 begin=$EPOCHREALTIME
    shift
    "$@" > "$folder/output" 2>&1 || { cat "$folder/output" >&2; exit 70; }
    echo "$begin $EPOCHREALTIME" | awk '{printf "%.6f\n", $2 - $1}' >> "$folder/$name"
}

for ((i = 0; i < repetitions; ++i)); do
    timed bare "$mpirun" -np "$ranks" "$folder/bare_mpi"
    timed start "$mpirun" -np "$ranks" "$program" --version
    timed two "$mpirun" -np 2 "$program" --output "$folder/two.h5" --overwrite --progress never "$@"
    timed many "$mpirun" -np "$ranks" "$program" --output "$folder/many.h5" --overwrite --progress never "$@"
done

# spread NAME: median, least, most
spread() {
    sort -n "$folder/$1" | awk '{v[NR] = $1} END {printf "%.3f %.3f %.3f", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2, v[1], v[NR]}'
}
echo "$ranks ranks on $(nproc) processors, $repetitions repetitions: seconds, least..most"
report() {
    local median least most
    read -r median least most < <(spread "$2"; echo)
    printf '%-22s %7.3f   %.3f..%.3f\n' "$1" "$median" "$least" "$most"
}
report "bare MPI program" bare
report "polite start and end" start
report "render on 2" two
report "render on $ranks" many
read -r bare _ < <(spread bare; echo)
read -r two _ < <(spread two; echo)
read -r many _ < <(spread many; echo)
awk -v b="$bare" -v t="$two" -v m="$many" 'BEGIN {
    printf "at most 3 x render on 2 + bare = %.3f: %s\n", 3 * t + b, m <= 3 * t + b ? "holds" : "does not hold" }'
