/* The config file, through inih. */
#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

#include "hm_text.h"
#include "option_private.h"

/* A config file while it is read. */
typedef struct reading_t {
    const char *path;
    hm_values_t *values;
    int *line_of;     /* [values->count] where a key was given, 0: not yet */
    const char *next; /* first byte not yet read */
    const char *end;
    const char *line; /* the line at hand, up to line_end, without its end of line */
    const char *line_end;
    int number; /* of the line at hand, from 1 */
    hm_status_t status;
    hm_error_t *err;
} reading_t;

/* "FILE:LINE: " in front of the message just set. */
static hm_status_t at_line(const reading_t *reading, hm_status_t status) {
    hm_error_context(reading->err, "%s:%d", reading->path, reading->number);
    return status;
}

static hm_status_t slurp(const char *path, char **text, size_t *size, hm_error_t *err) {
    hm_status_t status = HM_OK;
    char *buffer = NULL;
    size_t used = 0;
    FILE *file = fopen(path, "rb");
    if (!file) {
        return hm_error_errno(err, HM_EUSAGE, errno, "cannot open config file '%s'", path);
    }
    /* Read, not measured: it may be a pipe. */
    for (size_t room = 1 << 16;; room *= 2) {
        char *larger = realloc(buffer, room);
        if (!larger) {
            status = hm_error_set(err, HM_EMISSING, "out of memory for config file '%s'", path);
            goto cleanup;
        }
        buffer = larger;
        used += fread(buffer + used, 1, room - used, file);
        if (ferror(file)) {
            status = hm_error_errno(err, HM_EUSAGE, errno, "cannot read config file '%s'", path);
            goto cleanup;
        }
        if (used > HM_OPTION_FILE) {
            status = hm_error_set(err, HM_EUSAGE,
                                  "config file '%s' has more than %d bytes; is it the right one?",
                                  path, HM_OPTION_FILE);
            goto cleanup;
        }
        if (used < room) {
            break;
        }
    }
    *text = buffer;
    *size = used;
    buffer = NULL;
cleanup:
    free(buffer);
    (void)fclose(file);
    return status;
}

/* Moves to the next line, false at the end. */
static bool next_line(reading_t *reading) {
    if (reading->next == reading->end) {
        return false;
    }
    reading->line = reading->next;
    const char *newline = memchr(reading->next, '\n', (size_t)(reading->end - reading->next));
    reading->line_end = newline ? newline : reading->end;
    reading->next = newline ? newline + 1 : reading->end;
    if (reading->line_end > reading->line && reading->line_end[-1] == '\r') {
        --reading->line_end;
    }
    ++reading->number;
    return true;
}

static hm_status_t check_line(const reading_t *reading, hm_error_t *err) {
    if (reading->line_end - reading->line > HM_OPTION_LINE) {
        return hm_error_set(err, HM_EUSAGE, "the line has more than %d bytes", HM_OPTION_LINE);
    }
    for (const char *c = reading->line; c < reading->line_end; ++c) {
        if (((unsigned char)*c < 0x20 && *c != '\t') || *c == 0x7F) {
            return hm_error_set(err, HM_EUSAGE,
                                "byte 0x%02x: this is not a text file of 'key = value' lines",
                                (unsigned)(unsigned char)*c);
        }
    }
    return HM_OK;
}

/* Every line is looked at before the first is used; *longest: bytes of the longest. */
static hm_status_t check_lines(reading_t reading, int *longest) {
    hm_status_t status = HM_OK;
    *longest = 0;
    while (status == HM_OK && next_line(&reading)) {
        status = check_line(&reading, reading.err);
        if (status != HM_OK) {
            return at_line(&reading, status);
        }
        int length = (int)(reading.line_end - reading.line);
        *longest = length > *longest ? length : *longest;
    }
    return status;
}

static hm_status_t refuse_key(const reading_t *reading, const char *name, hm_error_t *err) {
    char brief[HM_TEXT_BRIEF];
    const char *near = hm_option_nearest(reading->values, name, true, false);
    return hm_error_set(err, HM_EUSAGE, "unknown key '%s'%s%s%s", hm_text_brief(name, brief),
                        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static hm_status_t refuse_line(const reading_t *reading, hm_error_t *err) {
    char line[HM_TEXT_BRIEF + 1];
    char brief[HM_TEXT_BRIEF];
    size_t length = (size_t)(reading->line_end - reading->line);
    length = length < sizeof line ? length : sizeof line - 1;
    memcpy(line, reading->line, length);
    line[length] = '\0';
    return hm_error_set(err, HM_EUSAGE, "not 'key = value': '%s'", hm_text_brief(line, brief));
}

static hm_status_t take(reading_t *reading, const char *name, const char *text, hm_error_t *err) {
    hm_values_t *values = reading->values;
    /* inih also takes "key: value". */
    const char *separator = reading->line;
    while (separator < reading->line_end && *separator != '=' && *separator != ':') {
        ++separator;
    }
    if (separator == reading->line_end || *separator != '=' || !*name) {
        return refuse_line(reading, err);
    }
    int index = hm_option_find(values, name, strlen(name));
    bool reserved = strcmp(name, "help") == 0 || strcmp(name, "config") == 0;
    if (index >= 0 ? values->table[index].not_in_file : reserved) {
        return hm_error_set(err, HM_EUSAGE, "'%s' can be given on the command line only", name);
    }
    if (index < 0) {
        return refuse_key(reading, name, err);
    }
    if (reading->line_of[index] > 0) {
        return hm_error_set(err, HM_EUSAGE, "%s: given before, in line %d", name,
                            reading->line_of[index]);
    }
    hm_status_t status = HM_OK;
    char *value = strdup(text);
    if (!value) {
        return hm_error_set(err, HM_EMISSING, "out of memory for the value of '%s'", name);
    }
    status = hm_option_read_value(value, err);
    if (status == HM_OK) {
        /* What the command line overrules must be right all the same. */
        hm_option_value_t unused;
        status = values->origin[index] == HM_FROM_COMMAND_LINE
                     ? hm_option_convert(&values->table[index], value, &unused, err)
                     : hm_option_keep(values, index, value, HM_FROM_FILE, err);
    }
    free(value);
    if (status != HM_OK) {
        hm_error_context(err, "%s", name);
        return status;
    }
    reading->line_of[index] = reading->number;
    return HM_OK;
}

/* inih's handler: nonzero is success. */
static int handle(void *user, const char *section, const char *name, const char *value) {
    (void)section;
    reading_t *reading = user;
    if (reading->status == HM_OK) {
        reading->status = take(reading, name, value ? value : "", reading->err);
    }
    return reading->status == HM_OK;
}

/*
 * inih's reader: one line, without the blanks in front that would make it a continuation of the
 * line before. Lines fit, as the buffer was made for the longest.
 */
static char *read_line(char *buffer, int size, void *stream) {
    reading_t *reading = stream;
    if (reading->status != HM_OK || !next_line(reading)) {
        return NULL;
    }
    const char *start = reading->line;
    while (start < reading->line_end && hm_text_is_blank(*start)) {
        ++start;
    }
    size_t length = (size_t)(reading->line_end - start);
    if (length + 2 > (size_t)size) {
        reading->status =
            hm_error_set(reading->err, HM_EBUG, "the line does not fit inih's buffer");
        return NULL;
    }
    memcpy(buffer, start, length);
    memcpy(buffer + length, "\n", 2);
    return buffer;
}

/*
 * inih as distributions build it keeps its settings in variables. All that matter are set, always
 * to the same values but for the room, which must hold the longest line; comments behind values are
 * ours to cut, as they may stand in quotes.
 */
static void set_up_inih(int longest) {
    static char comment_prefixes[] = "#;";
    ini_start_comment_prefixes = comment_prefixes;
    ini_allow_inline_comments = false;
    ini_allow_multiline = false;
    ini_allow_no_value = false;
    ini_stop_on_first_error = true;
    ini_use_stack = false;
    ini_allow_realloc = false;
    ini_max_line = longest + 3;
    ini_initial_alloc = longest + 3;
}

hm_status_t hm_option_read_file(hm_values_t *values, const char *path, hm_error_t *err) {
    hm_status_t status = HM_OK;
    char *text = NULL;
    size_t size = 0;
    int longest = 0;
    reading_t reading = {.path = path, .values = values, .err = err};
    reading.line_of = calloc((size_t)values->count + 1, sizeof *reading.line_of);
    if (!reading.line_of) {
        return hm_error_set(err, HM_EMISSING, "out of memory for config file '%s'", path);
    }
    HM_TRY(slurp(path, &text, &size, err));
    bool marked = size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0; /* UTF-8, as editors mark it */
    reading.next = text + (marked ? 3 : 0);
    reading.end = text + size;
    HM_TRY(check_lines(reading, &longest));
    set_up_inih(longest);
    int wrong = ini_parse_stream(read_line, &reading, handle, &reading);
    status = reading.status;
    if (status == HM_OK && wrong > 0) {
        status = refuse_line(&reading, err);
    } else if (status == HM_OK && wrong < 0) {
        status = hm_error_set(err, HM_EMISSING, "out of memory for config file '%s'", path);
        goto cleanup;
    }
    if (status != HM_OK) {
        status = at_line(&reading, status);
    }
cleanup:
    free(text);
    free(reading.line_of);
    return status;
}
