# shellcheck shell=bash
# lib.sh: what every job script does, on whichever scheduler. Sourced, never run.
#
# A job script is its scheduler's directives, and one call of job_render, job_views, job_zoom, job_study or job_note. What
# differs between schedulers stands in schedulers/NAME.sh, one file each; their names stand in `schedulers` below.
#
# Variables that a user may set (jobs/submit hands them on):
#   HPCMANDEL           the program; else next to jobs/, in the installation's bin/, on PATH
#   HPCMANDEL_HOME      the folder that holds jobs/, where the library is not found by itself
#   HPCMANDEL_LAUNCH    mpirun (default), srun, or none: one rank started directly
#   HPCMANDEL_MPIRUN    MPICH's mpirun, where it has an unusual name
#   HPCMANDEL_SRUN_MPI  srun's --mpi (pmi2)
#   HPCMANDEL_BIND      auto (default), none, or what mpirun's -bind-to or srun's --cpu-bind takes
#   HPCMANDEL_MODULES   names for `module load`
#   HPCMANDEL_MARGIN    stop this many seconds ahead of the time limit (120; at most a tenth of what is left at the start)
#   HPCMANDEL_RESTARTS  how often a job may go on where it was (50)
#   HPCMANDEL_ARGS      arguments as words, for schedulers that hand none to a script
#   HPCMANDEL_PER_TASK  views or frames that one array task does (1)
#   HPCMANDEL_STATE     folder of the journals, one a job (results/.jobs)
# Those of scaling studies are in lib/study.sh.
#
# No text from outside is ever run or expanded as shell: arguments live in arrays, and travel packed in base64.

schedulers=(slurm pbs local)

jobs_folder=$(cd -- "${BASH_SOURCE[0]%/*}" && pwd)
readonly exit_usage=64 exit_data=65 exit_missing=69 exit_bug=70 exit_io=74 exit_stopped=75
how_to_resume="go on with it by the same command and --resume"

for file in options launch kinds study; do
    # shellcheck source=/dev/null # each is checked by itself
    . "$jobs_folder/lib/$file.sh"
done
for scheduler in "${schedulers[@]}"; do
    # shellcheck source=/dev/null
    . "$jobs_folder/schedulers/$scheduler.sh"
done
unset file scheduler

# find_scheduler inside|found: sets `scheduler` to the first whose function of that name is true; `local` always is
find_scheduler() {
    for scheduler in "${schedulers[@]}"; do
        if "${scheduler}_$1"; then
            return
        fi
    done
}

# --- the journal: what became of a job, over all its restarts -------------------------------------

state_folder() { printf '%s\n' "${HPCMANDEL_STATE:-results/.jobs}"; }

# journal WORDS...: adds a line, with the time in front
journal() { printf '%(%s)T %s\n' -1 "$*" >>"$journal_file"; }

# journal_end WORDS...: the same of a job that ends, for whatever reason: a full disk may be it
journal_end() { journal "$@" || say "the journal $journal_file cannot be written"; }

# read_journal: sets `restarts`, `crashes` and `first_start` from the lines of earlier starts
read_journal() {
    local time word rest
    restarts=0 crashes=0 first_start=
    [ -r "$journal_file" ] || return 0
    while read -r time word rest; do
        case $word in
            start) first_start=${first_start:-$time} restarts=$((restarts + 1)) ;;
            crash) crashes=$((crashes + 1)) ;;
        esac
    done <"$journal_file"
    : "$rest"
}

# --- a job begins ---------------------------------------------------------------------------------

# job_begin KIND ARGUMENTS...: from here on `arguments`, `program`, the allocation and the journal are known. KIND: the script's
# name without its ending
job_begin() {
    stop='' child='' watcher='' reminder='' code=0 exit_code=''
    trap 'on_signal warned USR1' USR1
    trap 'on_signal ended TERM' TERM
    trap 'on_signal ended INT' INT
    job_kind=$1
    take_arguments "${@:2}"
    scheduler=${HPCMANDEL_SCHEDULER:-}
    [ -n "$scheduler" ] || find_scheduler inside
    in_list "$scheduler" "${schedulers[@]}" || die $exit_usage "no scheduler '$scheduler'; there are ${schedulers[*]}"
    # The scheduler's word on the job: the folder it was submitted in; nodes and ranks on each, and whether mpirun must be told;
    # threads a rank and processors a node, where known; in arrays, the task
    job_id='' job_key='' job_name=$job_kind job_task='' job_folder=$PWD
    job_hosts=() job_slots=() job_threads='' job_cpus='' job_named_hosts=''
    "${scheduler}_job"
    cd -- "$job_folder"
    job_name=$(plain_name "$job_name")
    job_key=$(plain_name "$job_key")
    count_ranks
    mkdir -p -- "$(state_folder)"
    journal_file=$(state_folder)/$job_key.journal
    read_journal
    restart_limit=$(setting HPCMANDEL_RESTARTS 50 0 999999)
    log_to_file
    journal start "${job_hosts[0]}" job "$job_id" nodes "${#job_hosts[@]}" ranks "$job_ranks"
    [ "$restarts" -le "$restart_limit" ] || job_end_now $exit_stopped \
        "this job was restarted $restart_limit times (HPCMANDEL_RESTARTS) and is still not complete; $how_to_resume"
    after_failure
    load_modules
    find_program
    log_begin
}

# after_failure: a job that is to follow a failure (HPCMANDEL_AFTER_FAILED: jobs) has nothing to do when all is well. For
# schedulers that cannot say so themselves.
after_failure() {
    local id key
    for id in ${HPCMANDEL_AFTER_FAILED:-}; do
        key=$(plain_name "${id%%.*}")
        [ "$(sed -n '$s/^[0-9]* end //p' "$(state_folder)/$key.journal" 2>/dev/null)" = 0 ] || return 0
    done
    [ -z "${HPCMANDEL_AFTER_FAILED:-}" ] || job_end_now 0 "$HPCMANDEL_AFTER_FAILED succeeded: nothing to do"
}

# take_arguments ARGUMENTS...: the script's own, the packed ones, and those in HPCMANDEL_ARGS
take_arguments() {
    local words
    arguments=()
    [ -z "${HPCMANDEL_PACKED:-}" ] || unpack
    arguments=("$@" "${arguments[@]}")
    read -r -d '' -a words <<<"${HPCMANDEL_ARGS:-}" || true
    arguments+=("${words[@]}")
    unset HPCMANDEL_ARGS
}

count_ranks() {
    local slots
    job_ranks=0 job_most=0
    for slots in "${job_slots[@]}"; do
        job_ranks=$((job_ranks + slots))
        [ "$slots" -le "$job_most" ] || job_most=$slots
    done
}

# HPCMANDEL_LOG: where a scheduler keeps a job's output back until its end, the job writes it itself. %K: the job's key
log_to_file() {
    local log=${HPCMANDEL_LOG:-}
    [ -n "$log" ] || return 0
    log=${log//%K/$job_key}
    mkdir -p -- "$(dirname -- "$log")"
    exec >>"$log" 2>&1
}

log_begin() {
    local i shown=64 again=
    [ "$restarts" -eq 0 ] || again=", restart $restarts"
    say "$(printf '%(%F %T)T' -1) job $job_id '$job_name' by $scheduler$again"
    say "program $program, in $PWD"
    for ((i = 0; i < ${#job_hosts[@]} && i < shown; ++i)); do
        say "node ${job_hosts[i]}: ${job_slots[i]} ranks${job_threads:+ x $job_threads threads}"
    done
    [ ${#job_hosts[@]} -le $shown ] || say "... and $((${#job_hosts[@]} - shown)) nodes more"
}

# --- a job runs -----------------------------------------------------------------------------------

# on_signal warned|ended SIGNAL: told to stop. The program stops, resumable, at USR1; mpirun and srun hand that on.
on_signal() {
    interrupted=yes
    [ "$stop" = ended ] || stop=$1
    say "got SIG$2"
    [ -n "$child" ] || return 0
    kill -USR1 "$child" 2>/dev/null || true
    [ -n "$reminder" ] || { remind "$child" & reminder=$!; }
}

# remind PID: says it again, as a launcher that has just begun may have missed it
remind() {
    nap 3
    kill -USR1 "$1" 2>/dev/null || true
}

# nap SECONDS: sleep without a process of its own, which would outlive this one
nap() {
    local pipe
    exec {pipe}<> <(:) # nothing is ever written to it
    read -r -t "$1" -u "$pipe" || true
    exec {pipe}>&-
}

# run COMMAND...: in the background, so that signals are heard at once; sets `code`
run() {
    code=$exit_stopped
    [ -z "$stop" ] || return 0
    [ -n "${runs_unsaid:-}" ] || say "runs $(shown "$@")"
    "$@" </dev/null &
    child=$!
    [ -z "$stop" ] || on_signal "$stop" USR1 # it came before there was a child
    while :; do
        interrupted=
        code=0
        wait "$child" || code=$?
        [ -n "$interrupted" ] || break
    done
    child=
    [ -z "$reminder" ] || kill "$reminder" 2>/dev/null || true
    reminder=
    # mpirun now and then says 0 when it was signalled, whatever its ranks said. Going on with what is complete costs little.
    [ -z "$stop" ] || [ "$code" -ne 0 ] || code=$exit_stopped
}

# start_watch: from now on this job hears USR1 when its time limit draws near
start_watch() {
    local margin
    margin=$(setting HPCMANDEL_MARGIN 120 1 86400)
    watch_time "$margin" &
    watcher=$!
}

# watch_time MARGIN: the scheduler is asked again each time, as limits may be moved, and asked again when it is too busy
watch_time() {
    local left margin='' limit_said=
    while :; do
        left=$("${scheduler}_time_left") || left=
        [ "$left" != none ] || return 0
        if ! is_number "$left" 0 999999999; then
            nap 60
            continue
        fi
        [ -n "$margin" ] || margin=$(($1 < left / 10 ? $1 : left / 10))
        [ -n "$limit_said" ] || say "time left $left s; stops $margin s ahead of the limit"
        limit_said=yes
        [ "$left" -gt "$margin" ] || break
        nap $((left - margin < 600 ? left - margin : 600))
    done
    kill -USR1 $$
}

# --- a job ends -----------------------------------------------------------------------------------

# What an exit code means here: done; failed: would fail again; stopped: goes on; crashed: goes on, but not often
kind_of_code() {
    case $1 in
        0) printf 'done\n' ;;
        "$exit_stopped") printf 'stopped\n' ;;
        1 | 2 | 6[4-9] | 7[0-8] | 126 | 127) printf 'failed\n' ;;
        *) printf 'crashed\n' ;;
    esac
}

# job_end_now CODE [MESSAGE...]; exits with `exit_code` instead, where that is set
job_end_now() {
    local ended=$1
    shift
    trap '' USR1 TERM INT
    [ -z "$watcher" ] || kill "$watcher" 2>/dev/null || true
    [ $# -eq 0 ] || say "$@"
    journal_end end "$ended"
    say "$(printf '%(%F %T)T' -1) job $job_id ends with $ended after $SECONDS s"
    exit "${exit_code:-$ended}"
}

# job_end CODE: the last thing a job does: ends for good, or goes on later
job_end() {
    local ended=$1 kind
    kind=$(kind_of_code "$ended")
    # A launcher that was told to stop need not say 75 itself.
    if [ -n "$stop" ] && [ "$kind" = crashed ]; then
        say "the launcher ended with $ended on being stopped"
        ended=$exit_stopped kind=stopped
    fi
    case $kind in
        done) job_end_now 0 ;;
        failed) job_end_now "$ended" "ended with $ended, as it would again: not restarted" ;;
        crashed)
            journal_end crash "$ended"
            [ "$crashes" -lt 2 ] || job_end_now "$ended" "ended with $ended for the third time: not restarted"
            say "ended with $ended, as with a lost node or a killed rank"
            ;;
    esac
    if [ "$stop" = ended ] && ! "${scheduler}_may_restart"; then
        job_end_now "$ended" "ended from outside; where the scheduler restarts it, it goes on by itself; else $how_to_resume"
    fi
    [ "$restarts" -lt "$restart_limit" ] || job_end_now "$ended" \
        "restarted $restarts times already (HPCMANDEL_RESTARTS); $how_to_resume"
    trap '' USR1 TERM INT # the end that the scheduler now makes is our own
    job_again=$job_id
    "${scheduler}_again" || job_end_now "$ended" "could not be restarted; $how_to_resume"
    journal_end again "$job_again"
    job_end_now "$ended" "incomplete; goes on as job $job_again"
}
