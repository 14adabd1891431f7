#!/bin/bash
# scaling.sh [FOLDER]: strong and weak scaling on this machine, for `make scaling`: FOLDER (results/scaling) gets strong.csv, weak.csv
# and index.html, with the figures as SVG and PNG beside it. Measured points are kept: stopped, it goes on; to measure anew,
# remove the CSV files. About two minutes on two idle cores. On a cluster, jobs/submit --job strong and --job weak fill such CSV
# files.
#
# SCALING_REPETITIONS (6), SCALING_SIZE (3600x2400) and SCALING_CORES (all, 16 at most) change how much is measured.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

folder=${1:-results/scaling}
cores=${SCALING_CORES:-$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)} # nproc would heed them
# Larger studies are worth a job of their own: the weak one's files grow with the cores.
[ -n "${SCALING_CORES:-}" ] || [ "$cores" -le 16 ] || cores=16
mkdir -p -- "$folder"

# Deep enough that rows differ much in what they cost, and nothing of the set left out: iterations are seconds.
view=("--center=-0.7463,0.1102" --span 0.005 --max-iter 10000 --interior none --size "${SCALING_SIZE:-3600x2400}")

export HPCMANDEL_SCHEDULER=local HPCMANDEL_STATE=$folder/.jobs HPCMANDEL_STUDY_REPETITIONS=${SCALING_REPETITIONS:-6}

# study KIND RANKS THREADS STRATEGIES: adds to KIND.csv
study() {
    HPCMANDEL_STUDY_CSV=$folder/$1.csv HPCMANDEL_STUDY_RANKS=$2 HPCMANDEL_STUDY_THREADS=$3 HPCMANDEL_STUDY_STRATEGIES=$4 \
        HPCMANDEL_STUDY_OVERCOMMIT=${5:-} bash "jobs/$1.slurm" "${view[@]}"
}

powers=
for ((n = 1; n < cores; n *= 2)); do
    powers+="$n "
done
powers+=$cores

study strong "$powers" 1 "block cyclic pipeline pool counter hier predict"
[ "$cores" -eq 1 ] || study strong 1 "$powers" counter
# More ranks than cores: no speed-up, but how well a strategy shares out the work shows as well.
study strong "$((2 * cores)) $((4 * cores))" 1 "block counter" yes
study weak "$powers" 1 "block counter predict"
# What the rows cost predicts what was measured.
[ -e "$folder/view.h5" ] || "${HPCMANDEL:-./hpcmandel}" render "${view[@]}" --output "$folder/view.h5" --quiet >/dev/null
"${HPCMANDEL:-./hpcmandel}" report "$folder/strong.csv" "$folder/weak.csv" --data "$folder/view.h5" \
    --html "$folder/index.html" --figures "$folder/figures"
