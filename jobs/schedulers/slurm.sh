# shellcheck shell=bash
# slurm.sh: what Slurm does its own way. The functions are those of every scheduler:
#   inside, job, time_left, mpirun, may_restart, again      for lib.sh, in a job
#   found, check, nodes, command, id, log, state, cancel  for submit

slurm_inside() { [ -n "${SLURM_JOB_ID:-}" ]; }

slurm_job() {
    job_id=$SLURM_JOB_ID job_key=$SLURM_JOB_ID
    if [ -n "${SLURM_ARRAY_JOB_ID:-}" ]; then
        job_task=$SLURM_ARRAY_TASK_ID
        # The last task's id is the array's own too, by which Slurm would take the whole array.
        job_id=${SLURM_ARRAY_JOB_ID}_$job_task job_key=$job_id
    fi
    job_name=${SLURM_JOB_NAME:-$job_name}
    job_folder=${SLURM_SUBMIT_DIR:-$PWD}
    job_threads=${SLURM_CPUS_PER_TASK:-}
    job_cpus=${SLURM_JOB_CPUS_PER_NODE%%[!0-9]*}
    mapfile -t job_hosts < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
    # "2(x3),1": two ranks on each of three nodes, one on the next
    local part i
    for part in ${SLURM_TASKS_PER_NODE//,/ }; do
        [[ $part =~ ^([0-9]+)(\(x([0-9]+)\))?$ ]] || die "$exit_bug" "SLURM_TASKS_PER_NODE is '$SLURM_TASKS_PER_NODE'"
        for ((i = 0; i < ${BASH_REMATCH[3]:-1}; ++i)); do
            job_slots+=("${BASH_REMATCH[1]}")
        done
    done
}

# slurm_time_left: prints the seconds, or `none` where there is no limit; fails when it cannot be known now
slurm_time_left() {
    local left
    left=$(squeue -h -j "$job_id" -o %L 2>/dev/null) || return 1
    if [ "$left" = UNLIMITED ]; then printf 'none\n'; else seconds_of "$left"; fi
}

# An srun that starts Hydra's proxies must not bind a node's ranks to one rank's share of it.
slurm_mpirun() { launch+=(-u SLURM_CPUS_PER_TASK -u SRUN_CPUS_PER_TASK SLURM_CPU_BIND=none); }

# Ended from outside: Slurm itself restarts what it requeues, and scancel means what it says.
slurm_may_restart() {
    [[ $(scontrol show job -o "$job_id" 2>/dev/null) =~ JobState=(TIMEOUT|PREEMPTED|NODE_FAIL) ]]
}

slurm_again() { scontrol requeue "$job_id"; }

# --- submitting -----------------------------------------------------------------------------------

# Its programs may be here without a cluster. One that does not answer now is one all the same.
slurm_found() { command -v sbatch >/dev/null && [[ $(sinfo -h -o %D 2>&1) != *'configuration source'* ]]; }

# slurm_check: is `request` one that this scheduler understands
slurm_check() {
    local id
    for id in "${request_after[@]}" "${request_after_failed[@]}"; do
        [[ $id =~ ^[0-9]+(_[0-9]+)?$ ]] || die "$exit_usage" "a Slurm job is a number, not '$id'"
    done
}

# slurm_nodes: prints "NUMBER PROCESSORS MIB SECONDS" of each kind of node that the request may get, SECONDS being the longest that
# a job may run, or `none`
slurm_nodes() {
    local number cpus memory limit partition
    sinfo -h -e ${request_queue:+-p "$request_queue"} -o '%D %c %m %l %P' 2>/dev/null |
        while read -r number cpus memory limit partition; do
            [ -n "$request_queue" ] || [[ $partition = *'*' ]] || continue # the default partition is the one with a star
            printf '%s %s %s %s\n' "$number" "${cpus%+}" "${memory%+}" "$(seconds_of "$limit" || printf none)"
        done
}

slurm_command() {
    local depend=
    command=(sbatch --parsable -N "$request_nodes")
    if [ -n "$request_ranks" ]; then
        command+=(-n "$request_ranks")
    else
        command+=("--ntasks-per-node=$request_per_node")
    fi
    command+=("--cpus-per-task=$request_threads")
    [ -z "$request_time" ] || command+=("--time=$request_time")
    command+=("--job-name=$request_name" "--output=$(slurm_log %j)" --open-mode=append)
    [ -z "$request_queue" ] || command+=("--partition=$request_queue")
    [ -z "$request_account" ] || command+=("--account=$request_account")
    [ -z "$request_memory" ] || command+=("--mem=${request_memory}M")
    [ -z "$request_exclusive" ] || command+=(--exclusive)
    [ -z "$request_array" ] || command+=("--array=$request_array${request_throttle:+%$request_throttle}")
    [ ${#request_after[@]} -eq 0 ] || depend+=,afterok$(printf ':%s' "${request_after[@]}")
    [ ${#request_after_failed[@]} -eq 0 ] || depend+=,afternotok$(printf ':%s' "${request_after_failed[@]}")
    [ -z "$depend" ] || command+=("--dependency=${depend#,}" --kill-on-invalid-dep=yes)
    command+=("${request_options[@]}" "$jobs_folder/$request_job.slurm" "${request_arguments[@]}")
}

# slurm_id OUTPUT: the job's id in what the command printed
slurm_id() { printf '%s\n' "${1%%;*}"; }

# slurm_log ID: where the job's log is; of an array, one of many
slurm_log() {
    if [ -n "$request_array" ]; then
        printf 'results/%s-%s.log\n' "$request_name" "${1/#%j/%A}_%a"
    else
        printf 'results/%s-%s.log\n' "$request_name" "$1"
    fi
}

# slurm_state ID: prints "STATE CODE", STATE being waiting, running, done, failed, cancelled or unknown; a line a task
slurm_state() {
    local line state code signal
    scontrol show job -o "$1" 2>/dev/null | while read -r line; do
        [[ $line =~ JobState=([A-Z_]+) ]] || continue
        state=${BASH_REMATCH[1]}
        [[ $line =~ ExitCode=([0-9]+):([0-9]+) ]] || continue
        code=${BASH_REMATCH[1]} signal=${BASH_REMATCH[2]}
        slurm_word "$state" $((code > 0 ? code : signal > 0 ? 128 + signal : 0))
    done
    if [ "${PIPESTATUS[0]}" -ne 0 ]; then # forgotten already: the accounts may know
        sacct -n -X -P -j "$1" -o State,ExitCode 2>/dev/null | while IFS='|: ' read -r state code signal; do
            [[ $code =~ ^[0-9]+$ ]] || continue
            slurm_word "$state" "$code"
        done
    fi
}

slurm_word() { # slurm_word STATE CODE
    case $1 in
        COMPLETED) printf 'done 0\n' ;;
        PENDING | REQUEUE*) printf 'waiting 0\n' ;;
        RUNNING | CONFIGURING | COMPLETING | SUSPENDED | STOPPED | SIGNALING | STAGE_OUT | RESIZING) printf 'running 0\n' ;;
        CANCELLED*) printf 'cancelled %d\n' $(($2 > 0 ? $2 : 143)) ;;
        *) printf 'failed %d\n' $(($2 > 0 ? $2 : 1)) ;;
    esac
}

slurm_cancel() { scancel "$1"; }
