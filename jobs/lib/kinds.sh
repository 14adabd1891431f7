# shellcheck shell=bash
# kinds.sh: the kinds of jobs: one run, a list of views, the frames of a zoom, a note on a failure.

# job_render ARGUMENTS...: one run of the program; any command, render by default
job_render() {
    job_begin mandel "$@"
    [ -z "$job_task" ] || job_end_now "$exit_usage" "an array of one and the same run: arrays are for views and zoom"
    launch_all
    start_watch
    if is_render "${arguments[@]}"; then
        local output=results/$job_name-$job_key.h5
        given output "${arguments[@]}" || how_to_resume="go on with it by the same command, --output $output and --resume"
        run_render "$output" "${arguments[@]}"
    else
        how_to_resume="run it again"
        run "${launch[@]}" "$program" "${arguments[@]}"
    fi
    job_end "$code"
}

# run_render OUTPUT ARGUMENTS...: render into OUTPUT unless the arguments or their config name another; sets `code`
run_render() {
    local output=$1 mine=() rest=() word
    shift
    [ "${1:-}" != render ] || shift
    # What stands later on the command line counts: the user's word does.
    [ -z "$job_threads" ] || mine+=(--threads "$job_threads")
    if given output "$@"; then
        output=$value
    else
        mkdir -p -- "${output%/*}"
        mine+=(--output "$output")
    fi
    rest=("$@")
    # A restart goes on with the file that this job made; an older one is still to be overwritten.
    if [ "$restarts" -gt 0 ] && { ! is_overwrite "$@" || is_ours "$output"; }; then
        rest=()
        for word in "$@"; do
            [ "$word" = --overwrite ] || rest+=("$word")
        done
        in_list --resume "$@" || mine+=(--resume)
    fi
    run "${launch[@]}" "$program" render "${mine[@]}" "${rest[@]}"
}

# is_ours FILE: was it written to since this job first began
is_ours() {
    local written
    written=$(stat -c %Y -- "$1" 2>/dev/null) && [ -n "$first_start" ] && [ "$written" -ge "$first_start" ]
}

# items NUMBER: does this array task's share of NUMBER items, or, outside of arrays, all of them, by calling `item INDEX` (from 1).
# One that fails leaves the others.
items() {
    local number=$1 first=1 last=$1 index per worst=0
    if [ -n "$job_task" ]; then
        per=$(setting HPCMANDEL_PER_TASK 1 1 999999)
        first=$(((job_task - 1) * per + 1))
        last=$((first + per - 1 < number ? first + per - 1 : number))
        [ "$first" -ge 1 ] && [ "$first" -le "$number" ] || job_end_now "$exit_usage" \
            "array task $job_task has nothing to do: there are $number items, $per a task, and tasks count from 1"
    fi
    for ((index = first; index <= last; ++index)); do
        item "$index"
        case $(kind_of_code "$code") in
            done) ;;
            failed)
                say "item $index failed with $code"
                worst=$code
                ;;
            *) job_end "$code" ;;
        esac
        # Told to stop just as an item ended
        [ -z "$stop" ] || [ "$index" -eq "$last" ] || job_end "$exit_stopped"
    done
    job_end "$worst"
}

# job_views LIST ARGUMENTS...: every line of LIST is a config file, each rendered into a file of its own
job_views() {
    job_begin views "$@"
    local list=${arguments[0]:-} word
    [ -f "$list" ] && [ -r "$list" ] || job_end_now "$exit_usage" \
        "cannot read the list of views '$list': the first argument is a file that names a config a line"
    read_views "$list"
    common=("${arguments[@]:1}")
    for word in output config; do
        ! option_value "$word" "${common[@]}" || job_end_now "$exit_usage" "--$word cannot be the same for every view"
    done
    local views_folder=results/$job_name-${job_key%%_*}
    how_to_resume="what is done is in $views_folder"
    launch_all
    start_watch
    item() {
        local view=${views[$1 - 1]}
        local stem=${view##*/}
        say "view $1 of ${#views[@]}: $view"
        run_render "$views_folder/$1-$(plain_name "${stem%.ini}").h5" --config "$view" "${common[@]}"
    }
    items ${#views[@]}
}

# job_zoom FROM:TO:FRAMES ARGUMENTS...: frames of an animation, the span going from FROM to TO in equal ratios
job_zoom() {
    job_begin zoom "$@"
    local word
    zoom_range=${arguments[0]:-}
    is_zoom "$zoom_range" || job_end_now "$exit_usage" \
        "the first argument says the spans and frames as FROM:TO:FRAMES, e.g. 3:1e-9:240, not '$zoom_range'"
    common=("${arguments[@]:1}")
    for word in span output png region; do
        ! option_value "$word" "${common[@]}" || job_end_now "$exit_usage" "--$word cannot be the same for every frame"
    done
    zoom_folder=results/$job_name-${job_key%%_*}
    how_to_resume="what is done is in $zoom_folder"
    mkdir -p -- "$zoom_folder"
    launch_all
    start_watch
    item() {
        local from to frames span name
        IFS=: read -r from to frames <<<"$zoom_range"
        span=$(zoom_span "$from" "$to" "$frames" "$1")
        printf -v name '%s/frame-%05d' "$zoom_folder" "$1"
        say "frame $1 of $frames: span $span"
        run_render "$name.h5" "${common[@]}" --span "$span" --output "$name.h5" --png "$name.png"
    }
    items $((10#${zoom_range##*:}))
}

# job_note JOB OUTPUT LOG: what is left of a job that failed, and what can be done
job_note() {
    job_begin note "$@"
    local parent=${arguments[0]:-} output=${arguments[1]:-} log=${arguments[2]:-} note
    [ -n "$parent" ] || job_end_now "$exit_usage" "expected JOB OUTPUT LOG"
    mkdir -p -- results
    note=results/$(plain_name "$parent").failed.txt
    {
        printf 'Job %s failed; what was to follow it was not run.\n\n' "$parent"
        if [ -e "$output" ]; then
            printf 'Its file %s holds what was done. To go on, run the same command with --resume; to give it up, remove the file.\n' \
                "$output"
        elif [ -n "$output" ]; then
            printf 'It left no file %s: nothing is to be removed.\n' "$output"
        fi
        if [ -r "$log" ]; then
            printf '\nThe last lines of its log %s:\n\n' "$log"
            tail -n 20 -- "$log"
        fi
    } >"$note"
    say "wrote $note"
    job_end_now 0
}
