# shellcheck shell=bash
# options.sh: messages, numbers, names; arguments that travel; the program's options and config files as far as jobs look at them.

# say WORDS...: `line_begins` is what removes a line of progress on a terminal. A log that cannot be written ends nothing.
say() { printf '%shpcmandel: %s\n' "${line_begins:-}" "$*" >&2 || true; }
die() { # die CODE MESSAGE...
    say "${@:2}"
    exit "$1"
}

# is_number TEXT LEAST MOST: decimal digits only
is_number() {
    [[ $1 =~ ^[0-9]{1,9}$ ]] && ((10#$1 >= $2 && 10#$1 <= $3))
}

# setting NAME DEFAULT LEAST MOST: prints the variable's number, or dies
setting() {
    local value=${!1:-$2}
    is_number "$value" "$3" "$4" || die "$exit_usage" "$1 must be a number from $3 to $4, not '$value'"
    printf '%d\n' "$((10#$value))"
}

# plain_name TEXT: TEXT as a part of a file name
plain_name() {
    local LC_ALL=C
    printf '%s\n' "${1//[!A-Za-z0-9._-]/_}"
}

# in_list WORD WORDS...
in_list() {
    local word
    for word in "${@:2}"; do
        [ "$word" != "$1" ] || return 0
    done
    return 1
}

# seconds_of [[D-]HH:]MM:SS: prints the seconds; fails on anything else
seconds_of() {
    [[ $1 =~ ^((([0-9]{1,4})-)?([0-9]{1,4}):)?([0-9]{1,2}):([0-9]{1,2})$ ]] || return 1
    local part=("${BASH_REMATCH[@]}")
    printf '%d\n' $((((10#0${part[3]} * 24 + 10#0${part[4]}) * 60 + 10#${part[5]}) * 60 + 10#${part[6]}))
}

# shown WORDS...: prints a command as it can be typed
shown() {
    local word line=
    for word in "$@"; do
        [[ $word =~ ^[A-Za-z0-9_./:=+,%@-]+$ ]] || word=${word@Q}
        line+=" $word"
    done
    printf '%s\n' "${line# }"
}

# --- arguments that travel through a scheduler ----------------------------------------------------

# pack ARGUMENTS...: the HPCMANDEL variables and the arguments as one word of [A-Za-z0-9+/=]
pack() {
    local name
    {
        for name in "${!HPCMANDEL@}"; do
            [ "$name" = HPCMANDEL_PACKED ] || printf '%s=%s\0' "$name" "${!name}"
        done
        printf -- '--\0'
        [ $# -eq 0 ] || printf '%s\0' "$@"
    } | base64 -w 0
}

# unpack: exports the variables in HPCMANDEL_PACKED and sets `arguments` to the arguments there
unpack() {
    local items i name
    mapfile -d '' -t items < <(base64 -d <<<"$HPCMANDEL_PACKED")
    unset HPCMANDEL_PACKED
    for ((i = 0; i < ${#items[@]}; ++i)); do
        [ "${items[i]}" != -- ] || break
        name=${items[i]%%=*}
        [[ $name =~ ^HPCMANDEL(_[A-Z0-9_]+)?$ ]] || die "$exit_bug" "HPCMANDEL_PACKED holds no variables of ours but '$name'"
        export "$name=${items[i]#*=}"
    done
    arguments=("${items[@]:i+1}")
}

# --- the program's options ------------------------------------------------------------------------

# is_render ARGUMENTS...: is it the command render, named or not
is_render() { [ $# -eq 0 ] || [ "$1" = render ] || { [[ $1 = -* ]] && [[ $1 != --version && $1 != --help ]]; }; }

# option_value KEY ARGUMENTS...: sets `value` to what the command line gives --KEY (the last counts); fails when it gives none
option_value() {
    local flag=--$1 found=1
    shift
    value=
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        case $1 in
            "$flag="*) value=${1#*=} found=0 ;;
            "$flag") value=${2-} found=0 ;;
        esac
        shift
    done
    return $found
}

# config_value FILE KEY: sets `value` from an INI file as the program reads it; fails when the key is not there
config_value() {
    local line comment='^([^#;]*[^#;[:blank:]])?[[:blank:]]+[#;]'
    value=
    [ -f "$1" ] && [ -r "$1" ] || return 1
    while IFS= read -r line || [ -n "$line" ]; do
        line=${line%$'\r'}
        [[ $line =~ ^[[:blank:]]*([A-Za-z0-9_-]+)[[:blank:]]*=[[:blank:]]*(.*)$ ]] || continue
        [ "${BASH_REMATCH[1]}" = "$2" ] || continue
        value=${BASH_REMATCH[2]}
        if [[ $value =~ ^\"(([^\\\"]|\\.)*)\" ]]; then
            value=${BASH_REMATCH[1]}
            printf -v value '%b' "${value//\\\"/\\x22}"
        else
            [[ ! $value =~ $comment ]] || value=${BASH_REMATCH[1]}
            value=${value%"${value##*[![:blank:]]}"}
        fi
        return 0
    done <"$1"
    return 1
}

# given KEY ARGUMENTS...: sets `value` to what the command line, or else its config file, gives KEY; fails when neither does
given() {
    option_value "$@" && return 0
    option_value config "${@:2}" && config_value "$value" "$1"
}

is_overwrite() { # is_overwrite ARGUMENTS...
    in_list --overwrite "$@" && return 0
    option_value config "$@" && config_value "$value" overwrite && [[ ${value,,} =~ ^(true|yes|on|1)$ ]]
}

# --- lists of views, frames of a zoom -------------------------------------------------------------

# read_views LIST: sets `views`, config files one a line; empty lines and lines that begin with # do not count
read_views() {
    mapfile -t views < <(grep -v -e '^[[:space:]]*$' -e '^#' -- "$1")
}

# is_zoom TEXT: FROM:TO:FRAMES?
is_zoom() {
    local real='[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?'
    [[ $1 =~ ^$real:$real:[0-9]{1,6}$ ]] && ((10#${1##*:} >= 2))
}

# zoom_span FROM TO FRAMES FRAME: spans in equal ratios; both ends as they were written
zoom_span() {
    LC_ALL=C awk -v from="$1" -v to="$2" -v frames="$3" -v frame="$4" 'BEGIN {
        if (frame == 1) print from
        else if (frame == frames + 0) print to
        else printf "%.17g\n", exp(log(from) + (log(to) - log(from)) * (frame - 1) / (frames - 1))
    }'
}
