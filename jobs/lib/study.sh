# shellcheck shell=bash
# study.sh: scaling studies inside one allocation: every combination of nodes, ranks, threads, strategies and repetitions, one row
# of a CSV file a run. Rows that are there are not run again: a study that was stopped, or asks for more, goes on. `hpcmandel report`
# makes tables, fits and a page of the file.
#
# Variables, lists being words ("1 2 4"):
#   HPCMANDEL_STUDY_NODES        numbers of nodes (powers of two up to the allocation's, and all of them)
#   HPCMANDEL_STUDY_RANKS        ranks a node (the same of the allocation's ranks on its first node)
#   HPCMANDEL_STUDY_THREADS      threads a rank (the allocation's)
#   HPCMANDEL_STUDY_STRATEGIES   (auto)
#   HPCMANDEL_STUDY_REPETITIONS  runs of each that count (5)
#   HPCMANDEL_STUDY_CSV          the file (results/strong.csv, results/weak.csv)
#   HPCMANDEL_STUDY_OVERCOMMIT   yes: also more ranks x threads than the allocation has processors for
#   HPCMANDEL_CRC32              the right checksum of the strong study's view; else the first run's holds for all
#
# Repetition 0 is the warm-up. All combinations are run once before any is run again, so that what is compared lies near in time and
# a slow minute of the machine spoils a bit of each, not all of one. A run with a wrong checksum has status `wrong` and no times,
# and the study ends with 70.
#
# The weak study samples its view with more pixels on more processors, in both directions by the square root of their number: the
# iterations a processor stay the same but for the grain of the grid; the row says how many there were.

study_columns=study,nodes,ranks_per_node,threads,asked,repetition,status,strategy,ranks,width,height,iterations,inside,crc32,band
study_columns+=,seconds,startup,giter_per_second,imbalance,imbalance_iterations,efficiency,io_share,talking_share,waiting_share
study_columns+=,processors,isa,version,revision,compiler,mpi,hdf5,host,scheduler,job,started,arguments

# csv_plain TEXT: as a field that needs no quotes
csv_plain() { printf '%s' "${1//[,\"$'\n'$'\r']/ }"; }

# csv_quoted TEXT: as a quoted field
csv_quoted() { printf '"%s"' "${1//\"/\"\"}"; }

# powers_up_to N: 1 2 4 ... N
powers_up_to() {
    local n
    for ((n = 1; n < $1; n *= 2)); do
        printf '%d ' "$n"
    done
    printf '%d\n' "$1"
}

# study_list NAME DEFAULT: sets `list` to the words of the variable
study_list() {
    read -r -d '' -a list <<<"${!1:-$2}" || true
}

# study_numbers NAME DEFAULT MOST: the same, of numbers from 1 to MOST
study_numbers() {
    local i
    study_list "$1" "$2"
    for i in "${!list[@]}"; do
        is_number "${list[i]}" 1 "$3" || job_end_now "$exit_usage" "$1: each must be a number from 1 to $3, not '${list[i]}'"
        list[i]=$((10#${list[i]})) # 08 is no octal number
    done
}

# json_value FILE KEY: prints a value that stands alone on its line at the top level of indented JSON
json_value() { sed -n "s/^  \"$2\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$1"; }

# job_study strong|weak ARGUMENTS...
job_study() {
    study=$1
    job_begin "$study" "${@:2}"
    local key strategy strategies repetitions repetition nodes_list ranks_list threads_list threads per nodes
    is_render "${arguments[@]}" || job_end_now "$exit_usage" "a study renders: give options of render, not '${arguments[0]}'"
    [ "${arguments[0]:-}" != render ] || arguments=("${arguments[@]:1}")
    for key in output threads strategy stats png resume; do
        ! option_value "$key" "${arguments[@]}" || job_end_now "$exit_usage" "--$key is the study's own: leave it out"
    done
    study_numbers HPCMANDEL_STUDY_NODES "$(powers_up_to ${#job_hosts[@]})" ${#job_hosts[@]}
    nodes_list=("${list[@]}")
    study_numbers HPCMANDEL_STUDY_RANKS "$(powers_up_to "${job_slots[0]}")" 99999
    ranks_list=("${list[@]}")
    study_numbers HPCMANDEL_STUDY_THREADS "${job_threads:-1}" 4096
    threads_list=("${list[@]}")
    study_list HPCMANDEL_STUDY_STRATEGIES auto
    strategies=("${list[@]}")
    repetitions=$(setting HPCMANDEL_STUDY_REPETITIONS 5 1 1000)
    study_begin
    start_watch
    runs_unsaid=yes
    [ ! -t 2 ] || line_begins=$'\r\033[K'
    for ((repetition = 0; repetition <= repetitions; ++repetition)); do
        [ -t 2 ] || say "repetition $repetition of $repetitions of the $study study$([ "$repetition" -gt 0 ] || printf ': warming up')"
        for threads in "${threads_list[@]}"; do
            for per in "${ranks_list[@]}"; do
                study_fits || continue
                for nodes in "${nodes_list[@]}"; do
                    for strategy in "${strategies[@]}"; do
                        study_run
                    done
                done
            done
        done
    done
    say "rows in $study_csv; hpcmandel report explains them"
    [ "$study_wrong" -eq 0 ] || job_end_now "$exit_bug" "$study_wrong runs had a wrong checksum"
    job_end 0
}

# study_fits: may this many ranks and threads run on a node
study_fits() {
    if [ -z "$job_cpus" ] || [ $((per * threads)) -le "$job_cpus" ] || [ "${HPCMANDEL_STUDY_OVERCOMMIT:-}" = yes ]; then
        return 0
    fi
    [ "$repetition" -ne 0 ] ||
        say "left out: $per ranks x $threads threads, as a node has $job_cpus processors (HPCMANDEL_STUDY_OVERCOMMIT=yes)"
    return 1
}

study_begin() {
    local header folder
    study_csv=${HPCMANDEL_STUDY_CSV:-results/$study.csv}
    how_to_resume="go on with it by the same command, which keeps the rows of $study_csv"
    folder=$(dirname -- "$study_csv")
    mkdir -p -- "$folder"
    study_output=$folder/.$study-$job_key.h5
    study_stats=$folder/.$study-$job_key.json
    study_summary=$folder/.$study-$job_key.txt
    study_wrong=0 study_about=
    study_arguments=$(csv_quoted "${arguments[*]@Q}")
    if [ -s "$study_csv" ]; then
        read -r header <"$study_csv" || true
        [ "$header" = "$study_columns" ] || job_end_now "$exit_data" \
            "$study_csv has other columns than this study writes: move it away, or name another (HPCMANDEL_STUDY_CSV)"
        # A row that a kill or a full disk cut short is no row.
        [ -z "$(tail -c 1 -- "$study_csv")" ] || sed -i '$d' -- "$study_csv"
    fi
    [ -s "$study_csv" ] || study_line "$study_columns"
    local about name
    about=$("$program" --version 2>/dev/null </dev/null || true)
    for name in hpcmandel revision compiler mpi hdf5; do
        study_about+=,$(csv_plain "$(sed -n "s/^$name  *//p" <<<"$about")")
    done
    study_width=1920 study_height=1280
    if given size "${arguments[@]}"; then
        [[ $value =~ ^([0-9]{1,9})[xX]([0-9]{1,9})$ ]] || job_end_now "$exit_usage" "size: expected WIDTHxHEIGHT, not '$value'"
        study_width=${BASH_REMATCH[1]} study_height=${BASH_REMATCH[2]}
    fi
}

# study_size: sets `size` to the options that give this run its size, none in a strong study
study_size() {
    size=()
    [ "$study" = weak ] || return 0
    size=(--size "$(LC_ALL=C awk -v w="$study_width" -v h="$study_height" -v n=$((nodes * per * threads)) \
        'BEGIN { s = sqrt(n); printf "%dx%d\n", int(w * s + 0.5), int(h * s + 0.5) }')")
}

# study_line TEXT: adds a line to the file
study_line() { printf '%s\n' "$1" >>"$study_csv" || job_end_now "$exit_io" "cannot write $study_csv; $how_to_resume"; }

# study_progress: what is running, on a terminal; what others write there goes over it
study_progress() {
    [ -z "${line_begins:-}" ] || printf '%s%s\r' "$line_begins" \
        "$study: repetition $repetition of $repetitions, $nodes x $per ranks x $threads threads, $strategy" >&2
}

# study_run: one run of the matrix, unless its row is there
study_run() {
    local key size launch started hosts=()
    key=$study,$nodes,$per,$threads,$(csv_plain "$strategy"),$repetition
    ! study_has "$key" || return 0
    study_size
    if [ ${#job_hosts[@]} -gt 1 ]; then
        hosts=("${job_hosts[@]:0:nodes}")
        hosts=("${hosts[@]/%/:$per}")
    fi
    launch_with $((nodes * per)) "$per" "$threads" "${hosts[@]}"
    printf -v started '%(%FT%T%z)T' -1
    rm -f -- "$study_output" "$study_stats"
    study_progress
    # The summary is kept apart: its grid is in the row.
    exec 3>&1 1>"$study_summary"
    run "${launch[@]}" "$program" render "${arguments[@]}" "${size[@]}" --strategy "$strategy" --threads "$threads" \
        --output "$study_output" --overwrite --stats "$study_stats" --progress never
    exec 1>&3 3>&-
    rm -f -- "$study_output"
    if [ "$code" -ne 0 ]; then
        rm -f -- "$study_stats" "$study_summary"
        [ -n "$stop" ] || say "ended with $code: $(shown "${launch[@]}" "$program" render "${arguments[@]}" "${size[@]}" --strategy "$strategy" --threads "$threads")"
        job_end "$code"
    fi
    study_row "$key" "$started"
    rm -f -- "$study_stats" "$study_summary"
    [ -z "$stop" ] || job_end "$exit_stopped"
}

# study_has KEY: is the row of a right run there
study_has() {
    local line
    while IFS= read -r line; do
        [[ $line != "$1,ok,"*,"$study_arguments" ]] || return 0
    done <"$study_csv"
    return 1
}

# study_crc WIDTH HEIGHT: prints the checksum that holds for this grid, if one is known
study_crc() {
    local line field
    if [ "$study" = strong ] && [ -n "${HPCMANDEL_CRC32:-}" ]; then
        printf '%s\n' "$HPCMANDEL_CRC32"
        return
    fi
    while IFS= read -r line; do
        [[ $line = "$study",*,"$study_arguments" ]] || continue
        IFS=, read -r -a field <<<"$line"
        [ "${field[6]}" = ok ] && [ "${field[9]}x${field[10]}" = "$1x$2" ] || continue
        printf '%s\n' "${field[13]}"
        return
    done <"$study_csv"
}

# study_row KEY STARTED: adds the row of the run that has just ended
study_row() {
    local row=$1 crc right width height status=ok times name
    [[ $(sed -n 's/^grid //p' "$study_summary") =~ ^([0-9]+)\ x\ ([0-9]+)$ ]] ||
        job_end_now "$exit_bug" "the run's summary in $study_summary has no grid"
    width=${BASH_REMATCH[1]} height=${BASH_REMATCH[2]}
    crc=$(json_value "$study_stats" crc32)
    right=$(study_crc "$width" "$height")
    if [ "$crc" != "${right:-$crc}" ] || [ "$(json_value "$study_stats" complete)" != true ]; then
        status=wrong
        study_wrong=$((study_wrong + 1))
        say "wrong checksum: $crc instead of $right"
    fi
    row+=,$status
    for name in strategy ranks; do
        row+=,$(csv_plain "$(json_value "$study_stats" "$name")")
    done
    row+=,$width,$height
    for name in sum inside crc32 band; do
        row+=,$(json_value "$study_stats" "$name")
    done
    for name in seconds startup giter_per_second imbalance imbalance_iterations efficiency io_share talking_share waiting_share; do
        times=
        [ "$status" != ok ] || times=$(json_value "$study_stats" "$name")
        row+=,$times
    done
    row+=,$job_cpus,$(sed -n 's/^ranks .*, kernel //p' "$study_summary")$study_about
    row+=,$(csv_plain "$(hostname)"),$scheduler,$(csv_plain "$job_id"),$2,$study_arguments
    study_line "$row"
    # One line for all repetitions of a point; on a terminal one for all points.
    [ -t 2 ] || [ "$repetition" -lt "$repetitions" ] || say "$study: $nodes nodes x $per ranks x $threads threads, $strategy: $status$(
        [ "$status" != ok ] || printf ', the last in %s s' "$(json_value "$study_stats" seconds)"
    )"
}
