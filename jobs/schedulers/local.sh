# shellcheck shell=bash
# local.sh: no scheduler: the job scripts on this machine, in the background. For the functions see slurm.sh.

local_inside() { true; }

local_job() {
    job_id=${HPCMANDEL_LOCAL_ID:-local-$(printf '%(%Y%m%d-%H%M%S)T' -1)-$$}
    job_task=${HPCMANDEL_LOCAL_TASK:-}
    job_key=$job_id${job_task:+_$job_task}
    job_name=${HPCMANDEL_LOCAL_NAME:-$job_name}
    job_hosts=("$(hostname)")
    job_slots=("$(setting HPCMANDEL_LOCAL_RANKS "$(processors)" 1 99999)")
    job_threads=${HPCMANDEL_LOCAL_THREADS:-}
    job_cpus=$(processors)
    # A restart is the same job, which must keep its name.
    export HPCMANDEL_LOCAL_ID=$job_id
}

local_time_left() {
    local limit
    [ -n "${HPCMANDEL_LOCAL_TIME:-}" ] || { printf 'none\n' && return; }
    limit=$(seconds_of "$HPCMANDEL_LOCAL_TIME") || return 1
    printf '%d\n' $((limit > SECONDS ? limit - SECONDS : 0))
}

local_mpirun() { :; }

local_may_restart() { false; }

# The time limit of a local job is that of one go, as on a cluster.
local_again() {
    kill "$watcher" 2>/dev/null || true
    journal_end again "$job_id"
    say "incomplete; goes on at once"
    trap - USR1 TERM INT
    SECONDS=0
    exec "$BASH" "$0" "${arguments[@]}"
}

# --- submitting -----------------------------------------------------------------------------------

local_found() { true; }

local_check() {
    [ "$request_nodes" -eq 1 ] || die "$exit_usage" "this machine is one node: --nodes $request_nodes needs a scheduler"
    [ -z "$request_queue$request_account" ] || die "$exit_usage" "without a scheduler there are no queues and accounts"
    [ ${#request_options[@]} -eq 0 ] || die "$exit_usage" "without a scheduler there are no options for one"
    local id
    for id in "${request_after[@]}" "${request_after_failed[@]}"; do
        [ -e "$(state_folder)/$(plain_name "$id").job" ] || die "$exit_usage" "there is no job '$id'"
    done
    printf -v request_id 'local-%(%Y%m%d-%H%M%S)T-%d' -1 $$
}

# More ranks than processors is normal here.
local_nodes() { awk '$1 == "MemTotal:" { print 1, 999999999, int($2 / 1024), "none" }' /proc/meminfo; }

local_command() {
    local after=() id
    for id in "${request_after[@]}"; do after+=(--after "$id"); done
    for id in "${request_after_failed[@]}"; do after+=(--after-failed "$id"); done
    command=(env HPCMANDEL_SCHEDULER=local "HPCMANDEL_LOCAL_ID=$request_id" "HPCMANDEL_LOCAL_NAME=$request_name"
        "HPCMANDEL_LOCAL_RANKS=${request_ranks:-$request_per_node}" "HPCMANDEL_LOCAL_THREADS=$request_threads")
    [ -z "$request_time" ] || command+=("HPCMANDEL_LOCAL_TIME=$request_time")
    command+=("$jobs_folder/lib/run-local" "${after[@]}")
    [ -z "$request_array" ] || command+=(--array "$request_array" --at-once "${request_throttle:-1}")
    command+=(-- "$jobs_folder/$request_job.slurm" "${request_arguments[@]}")
}

# The runner is left alone with its log; its pid and when that began say whose it is.
local_submit() {
    setsid "${command[@]}" </dev/null >>"$(local_log "$request_id")" 2>&1 &
    printf '%s %s\n' "$!" "$(local_born "$!")" >"$(state_folder)/$request_id.pid"
    printf '%s\n' "$request_id"
}

local_born() { # local_born PID: when the process began, in the kernel's clock ticks; fails when there is none
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    stat=${stat##*) }
    read -r -a stat <<<"$stat"
    printf '%s\n' "${stat[19]}"
}

local_id() { printf '%s\n' "$1"; }

local_log() { printf 'results/%s-%s.log\n' "$request_name" "$1"; }

# local_alive ID: sets `pid`; fails when the runner has ended
local_alive() {
    local born
    read -r pid born <"$(state_folder)/$1.pid" && [ "$(local_born "$pid")" = "$born" ]
}

local_state() {
    local pid code result
    result=$(state_folder)/$1.result
    if [ ! -r "$result" ] && local_alive "$1"; then
        printf 'running 0\n'
        return
    fi
    if [ -r "$result" ]; then # looked for once more, as it may have come with the runner's end
        read -r code <"$result"
    elif [ -e "${result%.result}.cancelled" ]; then
        code=cancelled # before the runner could hear of it
    else
        code=137
    fi
    case $code in
        0) printf 'done 0\n' ;;
        cancelled) printf 'cancelled 143\n' ;;
        *) printf 'failed %d\n' "$code" ;;
    esac
}

local_cancel() {
    local pid
    if local_alive "$1"; then
        : >"$(state_folder)/$1.cancelled"
        kill -TERM "$pid"
    else
        say "job $1 has ended already"
    fi
}
