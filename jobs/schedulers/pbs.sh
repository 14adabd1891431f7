# shellcheck shell=bash
# pbs.sh: what PBS Pro and OpenPBS do their own way. For the functions see slurm.sh.
#
# A PBS job cannot requeue itself. One that is to go on submits its successor, the same script with the same request, which
# carries on its journal and so its file; what waited for the job is told to wait for the successor. PBS keeps the older
# registrations all the same and heeds them in one case: it deletes what waited for success when a job fails, and what waited for
# failure when it succeeds. So a job that goes on ends with 0 where others wait for its success, and --after-failed waits for any
# end and looks at the journal itself. The successor of an array's task is a job by itself: the array's throttle does not count it.

pbs_inside() { [ -n "${PBS_JOBID:-}" ]; }

pbs_job() {
    local host
    job_id=$PBS_JOBID
    job_key=${PBS_JOBID%%.*} # 12, or 12[3] of an array
    job_task=${HPCMANDEL_TASK:-${PBS_ARRAY_INDEX:-}}
    if [[ $job_key =~ ^([0-9]+)\[([0-9]+)\]$ ]]; then
        job_key=${BASH_REMATCH[1]}_${BASH_REMATCH[2]}
    fi
    job_key=${HPCMANDEL_KEY:-$job_key}
    job_name=${PBS_JOBNAME:-$job_name}
    job_folder=${PBS_O_WORKDIR:-$PWD}
    # A line a rank; a node's lines need not stand together, which Hydra would take for several nodes.
    job_named_hosts=yes
    local -A slots=()
    while read -r host; do
        [ -n "${slots[$host]:-}" ] || job_hosts+=("$host")
        slots[$host]=$((${slots[$host]:-0} + 1))
    done <"$PBS_NODEFILE"
    for host in "${job_hosts[@]}"; do
        job_slots+=("${slots[$host]}")
    done
    pbs_processors "${slots[${job_hosts[0]}]}"
    [ -z "${HPCMANDEL_TASK:-}" ] || pbs_wait_for_task
}

# pbs_wait_for_task: the successor of an array's task waits for its end here, as PBS lets no job depend on a task; not for ever, as
# the task may have been killed
pbs_wait_for_task() {
    local file i
    file=$(state_folder)/$job_key.journal
    [[ $file = /* ]] || file=$job_folder/$file
    for ((i = 0; i < 120; ++i)); do
        case $(tail -n 1 -- "$file" 2>/dev/null) in
            *' end '* | *" job $PBS_JOBID "*) break ;; # or this is a restart of the successor itself
        esac
        nap 0.5
    done
}

# pbs_processors RANKS: sets `job_cpus` and `job_threads` of the first node, which has so many ranks. NCPUS and OMP_NUM_THREADS say
# both the chunk's ompthreads, or, where the request has none, its ncpus, which are for all of its ranks: only the request tells.
pbs_processors() {
    local chunk part
    for part in $(pbs_attribute "$PBS_JOBID" exec_host | tr + ' '); do # n1/0*4+n1/1+n2/0*4
        [ "${part%%/*}" = "${job_hosts[0]%%.*}" ] || continue
        [[ $part =~ \*([0-9]+)$ ]] || BASH_REMATCH=('' 1)
        job_cpus=$((job_cpus + BASH_REMATCH[1]))
    done
    chunk=$(pbs_attribute "$PBS_JOBID" Resource_List.select) || chunk=
    if [[ ${chunk%%+*} =~ :ompthreads=([0-9]+) ]]; then
        job_threads=${BASH_REMATCH[1]}
    elif is_number "${job_cpus:-${NCPUS:-}}" 1 999999; then
        job_threads=$((${job_cpus:-$NCPUS} / $1))
        [ "$job_threads" -ge 1 ] || job_threads=1
    fi
}

# pbs_attribute ID NAME: prints a job's attribute
pbs_attribute() {
    local all
    all=$(qstat -f "$1" 2>/dev/null) || return 1
    all=${all//$'\n\t'/} # long values go on in lines that begin with a tab
    sed -n "s/^ *$2 = //p" <<<"$all"
}

pbs_time_left() {
    local limit
    limit=$(pbs_attribute "$PBS_JOBID" Resource_List.walltime) || return 1
    [ -n "$limit" ] || { printf 'none\n' && return; }
    limit=$(seconds_of "$limit") || return 1
    printf '%d\n' $((limit > SECONDS ? limit - SECONDS : 0))
}

# Other nodes are reached through PBS itself, so that it knows what runs there, unless the user says how.
pbs_mpirun() {
    if [ -z "${HYDRA_LAUNCHER:-}" ] && command -v pbs_tmrsh >/dev/null; then
        launch+=(HYDRA_LAUNCHER=rsh "HYDRA_LAUNCHER_EXEC=$jobs_folder/lib/pbs-rsh")
    fi
}

# Ended from outside: by qdel, or to be requeued by PBS, which needs no help, or late, at the time limit.
pbs_may_restart() {
    local left
    left=$(pbs_time_left) && is_number "$left" 0 2
}

pbs_again() {
    local attribute value=() submit next
    for attribute in Job_Name queue Resource_List.select Resource_List.place Resource_List.walltime Account_Name; do
        value+=("$(pbs_attribute "$PBS_JOBID" "$attribute")")
    done
    # The successor of an array's task is no array.
    export HPCMANDEL_KEY=$job_key HPCMANDEL_TASK=$job_task
    submit=(qsub -N "${value[0]}" -q "${value[1]}" -l "select=${value[2]}")
    [ -n "${PBS_ARRAY_INDEX:-}" ] || submit+=(-W "depend=afterany:$PBS_JOBID")
    [ -z "${value[3]}" ] || submit+=(-l "place=${value[3]}")
    [ -z "${value[4]}" ] || submit+=(-l "walltime=${value[4]}")
    [ -z "${value[5]}" ] || submit+=(-A "${value[5]}")
    submit+=(-j oe -o "$(state_folder)/" -v "$(pbs_variables "${arguments[@]}")" "$jobs_folder/$job_kind.pbs")
    next=$("${submit[@]}") || return 1
    job_again=$next
    if [ -n "${PBS_ARRAY_INDEX:-}" ]; then
        pbs_followers "${PBS_JOBID/\[*\]/[]}" add "$next"
    else
        pbs_followers "$PBS_JOBID" replace "$next"
    fi
}

# pbs_variables ARGUMENTS...: what -v hands to a job: our variables and the arguments, where the library is (its script needs that
# before it can unpack anything), and where programs are found
pbs_variables() {
    local name home=${jobs_folder%/*}
    printf 'HPCMANDEL_PACKED=%s' "$(pack "$@")"
    [[ $home = *[,\"\'\\]* ]] || printf ',HPCMANDEL_HOME=%s' "$home" # qsub would take these for its own
    for name in PATH LD_LIBRARY_PATH MODULEPATH MODULESHOME; do
        [ -z "${!name:-}" ] || printf ',%s' "$name"
    done
}

# pbs_followers ID replace|add NEXT: jobs that depend on ID depend on NEXT, instead or as well; sets `exit_code` to 0 where they
# wait for success
pbs_followers() {
    local word follower depend type='' lock
    exec {lock}>"$(state_folder)/${1%%[.\[]*}.lock"
    flock -w 60 "$lock" || true # other tasks of an array may be at it, too
    for word in $(pbs_attribute "$1" depend | tr ',:' '  '); do
        case $word in
            before*) type=after${word#before} ;;
            *@*)
                follower=${word%%@*}
                [ "$follower" != "$3" ] || continue
                depend=$(pbs_attribute "$follower" depend)
                if [ "$2" = replace ]; then
                    # Names of hosts may follow the id: ID.server@host
                    depend=$(sed -E "s/:${1%%.*}(\.[^:,@]*)?(@[^:,]*)?/:$3/g" <<<"$depend")
                else
                    depend=$depend,$type:$3
                fi
                qalter -W "depend=$depend" "$follower" || say "job $follower does not wait for $3: qalter failed"
                [ "$type" != afterok ] || exit_code=0
                ;;
        esac
    done
    exec {lock}>&-
}

# --- submitting -----------------------------------------------------------------------------------

pbs_found() { command -v qsub >/dev/null; }

pbs_check() {
    local id
    for id in "${request_after[@]}" "${request_after_failed[@]}"; do
        [[ $id =~ ^[0-9]+(\[[0-9]*\])?(\.[A-Za-z0-9.-]+)?$ ]] || die "$exit_usage" "a PBS job is like 12 or 12.server, not '$id'"
    done
    [[ $PWD != *[,\"\']* ]] || die "$exit_usage" "PBS takes no commas or quotes in the folder's name: $PWD"
}

# pbs_nodes: a line a host, which may be several of PBS's nodes; qsub itself knows the limits of time
pbs_nodes() {
    pbsnodes -a 2>/dev/null | awk '
        function mib(text) {
            unit = tolower(text)
            sub(/^[0-9]+/, "", unit)
            return int(text * (unit == "tb" ? 1048576 : unit == "gb" ? 1024 : unit == "mb" ? 1 : unit == "kb" ? 1 / 1024 : 1 / 1048576))
        }
        function add() {
            cpus[host] += ncpus
            memory[host] += mem
        }
        /^[^ \t]/ { if (host != "") add(); host = $1; ncpus = 0; mem = 999999999 }
        $1 == "resources_available.host" { host = $3 }
        $1 == "resources_available.ncpus" { ncpus = $3 }
        $1 == "resources_available.mem" { mem = mib($3) }
        END {
            if (host != "") add()
            for (host in cpus) print 1, cpus[host], memory[host], "none"
        }'
}

pbs_chunk() { # pbs_chunk NUMBER RANKS: that many nodes with so many ranks
    printf '%d:ncpus=%d:mpiprocs=%d:ompthreads=%d%s' "$1" $(($2 * request_threads)) "$2" "$request_threads" \
        "${request_memory:+:mem=${request_memory}mb}"
}

pbs_command() {
    local select depend='' least rest seconds
    if [ -n "$request_ranks" ]; then
        least=$((request_ranks / request_nodes)) rest=$((request_ranks % request_nodes))
        select=
        [ "$rest" -eq 0 ] || select=$(pbs_chunk "$rest" $((least + 1)))+
        select+=$(pbs_chunk $((request_nodes - rest)) "$least")
    else
        select=$(pbs_chunk "$request_nodes" "$request_per_node")
    fi
    command=(qsub -N "$request_name" -l "select=$select")
    [ "$request_nodes" -eq 1 ] && [ -z "$request_exclusive" ] || command+=(-l "place=scatter${request_exclusive:+:excl}")
    if [ -n "$request_time" ]; then
        seconds=$(seconds_of "$request_time")
        command+=(-l "walltime=$(printf '%02d:%02d:%02d' $((seconds / 3600)) $((seconds / 60 % 60)) $((seconds % 60)))")
    fi
    [ -z "$request_queue" ] || command+=(-q "$request_queue")
    [ -z "$request_account" ] || command+=(-A "$request_account")
    [ -z "$request_array" ] || command+=(-J "$request_array${request_throttle:+%$request_throttle}")
    [ ${#request_after[@]} -eq 0 ] || depend+=,afterok$(printf ':%s' "${request_after[@]}")
    [ ${#request_after_failed[@]} -eq 0 ] || depend+=,afterany$(printf ':%s' "${request_after_failed[@]}")
    [ -z "$depend" ] || command+=(-W "depend=${depend#,}")
    # PBS keeps a job's output back until its end: the job writes its log itself.
    command+=(-j oe -o "$(state_folder)/" -v "$(pbs_environment && pbs_variables "${request_arguments[@]}")"
        "${request_options[@]}" "$jobs_folder/$request_job.pbs")
}

# pbs_environment: what a job of this request finds in its variables; for a subshell
pbs_environment() {
    export HPCMANDEL_HOME=${jobs_folder%/*} HPCMANDEL_LOG
    HPCMANDEL_LOG=$(pbs_log %K)
    [ ${#request_after_failed[@]} -eq 0 ] || export HPCMANDEL_AFTER_FAILED="${request_after_failed[*]}"
}

pbs_id() { printf '%s\n' "$1"; }

pbs_log() {
    local key=${1%%.*}
    printf 'results/%s-%s.log\n' "$request_name" "${key%\[\]}"
}

pbs_state() {
    local state='' code='' line tasks=()
    [[ $1 != *'[]'* ]] || tasks=(-t)
    {
        qstat -x "${tasks[@]}" -f "$1" 2>/dev/null || qstat "${tasks[@]}" -f "$1" 2>/dev/null || true
        printf 'Job Id:\n'
    } | while IFS= read -r line; do
        case $line in
            'Job Id:'*)
                [ -z "$state" ] || pbs_word "$state" "$code"
                state='' code=''
                ;;
            *' job_state = '*) state=${line##* } ;;
            *' Exit_status = '*) code=${line##* } ;;
            *' array = True'*) state=array ;; # its tasks speak for it
        esac
    done
}

pbs_word() { # pbs_word LETTER EXIT_STATUS
    case $1 in
        array*) ;;
        Q | H | W | T | M) printf 'waiting 0\n' ;;
        R | E | B | S | U) printf 'running 0\n' ;;
        *)
            case $2 in
                0) printf 'done 0\n' ;;
                '') printf 'cancelled 143\n' ;; # deleted before it began
                271) printf 'cancelled 143\n' ;; # 256 + SIGTERM: qdel
                -*) printf 'failed 1\n' ;;       # PBS could not run it
                *) printf 'failed %d\n' $(($2 > 255 ? 128 + $2 - 256 : $2)) ;;
            esac
            ;;
    esac
}

pbs_cancel() { qdel "$1"; }
