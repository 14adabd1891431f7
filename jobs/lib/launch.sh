# shellcheck shell=bash
# launch.sh: finding the program and the launcher, and what starts the ranks.

# find_program: sets `program`
find_program() {
    local candidate
    if [ -n "${HPCMANDEL:-}" ]; then
        program=$(command -v -- "$HPCMANDEL" || true)
        [ -n "$program" ] || job_end_now "$exit_missing" "HPCMANDEL is '$HPCMANDEL', which is no program here"
        return
    fi
    for candidate in "$jobs_folder/../hpcmandel" "$jobs_folder/../../../bin/hpcmandel" "$(command -v hpcmandel || true)"; do
        if [ -f "$candidate" ] && [ -x "$candidate" ]; then
            program=$(cd -- "${candidate%/*}" && pwd)/hpcmandel
            return
        fi
    done
    job_end_now "$exit_missing" "found no program hpcmandel: build it with make, or set HPCMANDEL to where it is"
}

# find_mpirun: sets `mpirun` to MPICH's (Hydra); the plain name may be another MPI's
find_mpirun() {
    local name
    mpirun=${HPCMANDEL_MPIRUN:-}
    if [ -n "$mpirun" ]; then
        command -v -- "$mpirun" >/dev/null ||
            job_end_now "$exit_missing" "HPCMANDEL_MPIRUN is '$mpirun', which is no program here"
        return
    fi
    for name in mpirun.mpich mpiexec.hydra mpirun mpiexec.mpich; do
        mpirun=$(command -v "$name" || true)
        if [ -n "$mpirun" ] && [[ $("$mpirun" --version 2>&1 || true) =~ HYDRA|MPICH|Intel ]]; then
            return
        fi
    done
    job_end_now "$exit_missing" "found no mpirun of MPICH: load its module (HPCMANDEL_MODULES), name it (HPCMANDEL_MPIRUN)," \
        "or launch through Slurm (HPCMANDEL_LAUNCH=srun)"
}

load_modules() {
    local names init
    read -r -d '' -a names <<<"${HPCMANDEL_MODULES:-}" || true
    [ ${#names[@]} -gt 0 ] || return 0
    set +eu # module functions are not written for them
    if ! command -v module >/dev/null; then
        for init in "${LMOD_PKG:-/none}/init/bash" "${MODULESHOME:-/none}/init/bash" /etc/profile.d/modules.sh \
            /etc/profile.d/lmod.sh; do
            # shellcheck disable=SC1090 # the site's
            if [ -r "$init" ] && . "$init"; then break; fi
        done
    fi
    module load "${names[@]}" || job_end_now "$exit_missing" "module load ${names[*]} failed"
    set -eu
}

# processors: how many this process may use. nproc would take OMP_NUM_THREADS for that.
processors() { env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc "$@"; }

# auto_binding RANKS THREADS: prints what to bind the ranks of a node to. Only on a node that is all ours: on a shared one the
# scheduler knows which cores are whose.
auto_binding() {
    local busy=$(($1 * $2)) cores
    if [ -z "$job_cpus" ] || [ "$job_cpus" -lt "$(processors --all)" ] || [ "$busy" -gt "$(processors)" ]; then
        printf 'none\n'
        return
    fi
    cores=$(lscpu -p=core,socket 2>/dev/null | grep -v '^#' | sort -u | wc -l)
    if [ "$busy" -le "$cores" ]; then
        printf 'core:%d\n' "$2"
    else
        printf 'hwthread:%d\n' "$2"
    fi
}

# launch_mpirun RANKS RANKS_PER_NODE THREADS [HOST:RANKS...]: on these hosts, or where the launcher finds that it may; sets `launch`
launch_mpirun() {
    local ranks=$1 most=$2 threads=$3 bind=${HPCMANDEL_BIND:-auto} hosts=
    shift 3
    find_mpirun
    [ "$bind" != auto ] || bind=$(auto_binding "$most" "$threads")
    launch=(env)
    "${scheduler}_mpirun" # may add to the environment
    [ "$bind" = none ] || launch+=(OMP_PROC_BIND=close OMP_PLACES=cores)
    launch+=("$mpirun" -np "$ranks")
    if [ $# -gt 0 ]; then
        printf -v hosts ',%s' "$@"
        launch+=(-hosts "${hosts#,}")
    fi
    [ "$bind" = none ] || launch+=(-bind-to "$bind")
}

# launch_srun RANKS RANKS_PER_NODE THREADS [HOST:RANKS...]: as launch_mpirun
launch_srun() {
    local ranks=$1 most=$2 threads=$3 bind=${HPCMANDEL_BIND:-auto} nodes=${#job_hosts[@]}
    shift 3
    command -v srun >/dev/null || job_end_now "$exit_missing" "HPCMANDEL_LAUNCH=srun, but there is no srun here"
    [ "$bind" != auto ] || bind=cores
    [ $# -eq 0 ] || nodes=$#
    # --wait: the others must not wait for ever for a rank that died.
    launch=(srun "--mpi=${HPCMANDEL_SRUN_MPI:-pmi2}" "--nodes=$nodes" "--ntasks=$ranks" "--cpus-per-task=$threads"
        "--cpu-bind=$bind" --wait=60)
    [ $# -eq 0 ] || launch+=("--ntasks-per-node=$most" "--nodelist=$(IFS=, && printf '%s' "${*%:*}")")
}

# launch_with RANKS RANKS_PER_NODE THREADS [HOST:RANKS...]: sets `launch` by HPCMANDEL_LAUNCH
launch_with() {
    case ${HPCMANDEL_LAUNCH:-mpirun} in
        mpirun) launch_mpirun "$@" ;;
        srun) launch_srun "$@" ;;
        none)
            [ "$1" -eq 1 ] || job_end_now "$exit_usage" "HPCMANDEL_LAUNCH=none starts one rank, and the job has $1"
            launch=(env)
            ;;
        *) job_end_now "$exit_usage" "HPCMANDEL_LAUNCH must be mpirun, srun or none, not '$HPCMANDEL_LAUNCH'" ;;
    esac
}

# launch_all: on the whole allocation
launch_all() {
    local hosts=() i
    if [ -n "$job_named_hosts" ] && [ ${#job_hosts[@]} -gt 1 ]; then
        for i in "${!job_hosts[@]}"; do
            hosts+=("${job_hosts[i]}:${job_slots[i]}")
        done
    fi
    launch_with "$job_ranks" "$job_most" "${job_threads:-1}" "${hosts[@]}"
}
