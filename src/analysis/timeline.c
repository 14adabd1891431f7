/* Trace files, event by event. */
#include "hm_timeline.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More ranks than any machine has: a larger number is rubbish. */
enum { MOST_RANKS = 1 << 24 };

/* One event as it is needed. */
typedef struct event_t {
    int64_t rank;
    hm_state_t state;
    double start, end; /* seconds */
} event_t;

/* Called for each event. */
typedef void (*visit_t)(hm_timeline_t *timeline, const event_t *event);

static void skip_blanks(FILE *file, int64_t *line) {
    int c = 0;
    while ((c = getc(file)) == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',') {
        *line += c == '\n';
    }
    if (c != EOF) {
        ungetc(c, file);
    }
}

/* Reads up to and with the bracket that opens the list of events. */
static bool find_events(FILE *file, int64_t *line) {
    static const char key[] = "\"traceEvents\"";
    size_t matched = 0;
    for (int i = 0; i < 4096; ++i) {
        int c = getc(file);
        if (c == EOF) {
            return false;
        }
        *line += c == '\n';
        if (matched == sizeof key - 1) {
            if (c == '[') {
                return true;
            }
            matched = c == ':' || c == ' ' || c == '\n' || c == '\r' || c == '\t' ? matched : 0;
        } else {
            matched = c == key[matched] ? matched + 1 : c == key[0];
        }
    }
    return false;
}

static bool take_state(const char *name, hm_state_t *state) {
    for (int s = 0; s < HM_STATE_COUNT; ++s) {
        if (strcmp(name, hm_state_name((hm_state_t)s)) == 0) {
            *state = (hm_state_t)s;
            return true;
        }
    }
    return false;
}

/* An event that says what is needed, in range. */
static bool take_event(const json_t *object, event_t *event) {
    const char *phase = json_string_value(json_object_get(object, "ph"));
    const char *name = json_string_value(json_object_get(object, "name"));
    const json_t *start = json_object_get(object, "ts");
    const json_t *length = json_object_get(object, "dur");
    const json_t *rank = json_object_get(object, "tid");
    if (!phase || strcmp(phase, "X") != 0 || !name || !take_state(name, &event->state) ||
        !json_is_number(start) || !json_is_number(length) || !json_is_integer(rank)) {
        return false;
    }
    event->rank = json_integer_value(rank);
    event->start = json_number_value(start) * 1e-6;
    event->end = event->start + json_number_value(length) * 1e-6;
    return event->rank >= 0 && event->rank < MOST_RANKS && event->end >= event->start &&
           event->end < 1e12;
}

static int64_t dropped_of(const json_t *object) {
    int64_t dropped =
        json_integer_value(json_object_get(json_object_get(object, "args"), "dropped"));
    return dropped > 0 ? dropped : 0;
}

/* Is it the file that ended, or could it not be read? */
static hm_status_t no_more(FILE *file, const char *path, hm_error_t *err) {
    return ferror(file) ? hm_error_errno(err, HM_EIO, errno, "trace: cannot read '%s'", path)
                        : HM_OK;
}

/* Goes through the whole file. */
static hm_status_t walk(const char *path, hm_timeline_t *timeline, visit_t visit, hm_error_t *err) {
    hm_status_t status = HM_OK;
    int64_t line = 1;
    FILE *file = fopen(path, "r");
    if (!file) {
        return hm_error_errno(err, HM_EIO, errno, "trace: cannot read '%s'", path);
    }
    if (!find_events(file, &line)) {
        HM_TRY(no_more(file, path, err));
        HM_TRY(hm_error_set(err, HM_EDATA, "trace: '%s' is none: it has no \"traceEvents\"", path));
    }
    for (;;) {
        skip_blanks(file, &line);
        int c = getc(file);
        if (c == ']') {
            break;
        }
        if (c == '{') {
            ungetc(c, file);
        }
        json_error_t bad;
        json_t *object = c == '{' ? json_loadf(file, JSON_DISABLE_EOF_CHECK, &bad) : NULL;
        if (!object) {
            HM_TRY(no_more(file, path, err));
            HM_TRY(hm_error_set(err, HM_EDATA, "trace: %s, line %lld: %s", path, (long long)line,
                                c == EOF ? "ends before its list of events does"
                                         : "not an event in JSON"));
        }
        event_t event;
        if (take_event(object, &event)) {
            ++timeline->events;
            visit(timeline, &event);
        }
        timeline->dropped += dropped_of(object);
        json_decref(object);
    }
cleanup:
    fclose(file);
    return status;
}

static void measure(hm_timeline_t *timeline, const event_t *event) {
    timeline->ranks = event->rank >= timeline->ranks ? event->rank + 1 : timeline->ranks;
    timeline->seconds = fmax(timeline->seconds, event->end);
}

/* The lane that shows this rank, or -1. */
static int lane_of(const hm_timeline_t *timeline, int64_t rank) {
    int64_t lane = (rank * timeline->lanes + timeline->ranks - 1) / timeline->ranks;
    return lane < timeline->lanes && timeline->lane_rank[lane] == rank ? (int)lane : -1;
}

static void fill(hm_timeline_t *timeline, const event_t *event) {
    int lane = lane_of(timeline, event->rank);
    if (lane < 0) {
        return;
    }
    const double step = timeline->seconds / timeline->steps;
    const double start = fmax(event->start, 0);
    for (int i = (int)(start / step); i < timeline->steps && i * step < event->end; ++i) {
        double from = fmax(start, i * step);
        double to = fmin(event->end, (i + 1) * step);
        float *spent =
            timeline->spent + ((size_t)lane * (size_t)timeline->steps + (size_t)i) * HM_STATE_COUNT;
        spent[event->state] += (float)fmax(to - from, 0);
    }
}

hm_status_t hm_timeline_read(const char *path, int lanes, int steps, hm_timeline_t *timeline,
                             hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_timeline_t t = {.steps = steps};
    HM_TRY(walk(path, &t, measure, err));
    if (t.events == 0 || !(t.seconds > 0)) {
        HM_TRY(hm_error_set(err, HM_EDATA, "trace: '%s' has no event of a run", path));
    }
    t.lanes = t.ranks < lanes ? (int)t.ranks : lanes;
    t.lane_rank = malloc((size_t)t.lanes * sizeof *t.lane_rank);
    t.spent = calloc((size_t)t.lanes * (size_t)steps * HM_STATE_COUNT, sizeof *t.spent);
    if (!t.lane_rank || !t.spent) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for the trace"));
    }
    for (int64_t lane = 0; lane < t.lanes; ++lane) {
        t.lane_rank[lane] = lane * t.ranks / t.lanes;
    }
    t.events = 0;
    t.dropped = 0;
    HM_TRY(walk(path, &t, fill, err));
    *timeline = t;
    t = (hm_timeline_t){.lanes = 0};
cleanup:
    hm_timeline_free(&t);
    return status;
}

void hm_timeline_free(hm_timeline_t *timeline) {
    free(timeline->lane_rank);
    free(timeline->spent);
    *timeline = (hm_timeline_t){.lanes = 0};
}

hm_state_t hm_timeline_state(const hm_timeline_t *timeline, int lane, int step) {
    const float *spent =
        timeline->spent + ((size_t)lane * (size_t)timeline->steps + (size_t)step) * HM_STATE_COUNT;
    hm_state_t state = HM_STATE_COUNT;
    float most = 0;
    for (int s = 0; s < HM_STATE_COUNT; ++s) {
        if (spent[s] > most) {
            most = spent[s];
            state = (hm_state_t)s;
        }
    }
    return state;
}
