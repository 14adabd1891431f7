/* Comma-separated values, strictly. */
#include "hm_csv.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A file being taken apart: fields are unquoted in place, so they never outgrow what they were. */
typedef struct parser_t {
    const char *path;
    char *next;       /* what is read next */
    const char *end;  /* of the text */
    int64_t line;     /* that `next` is on */
    hm_csv_t csv;     /* so far; rows counts the header here */
    int64_t fields;   /* in csv.field */
    int64_t room;     /* for fields */
    int64_t row_room; /* for lines */
} parser_t;

static hm_status_t load(const char *path, char **text, size_t *size, hm_error_t *err) {
    hm_status_t status = HM_OK;
    char *memory = NULL;
    FILE *file = fopen(path, "rb");
    if (!file) {
        return hm_error_errno(err, HM_EIO, errno, "cannot read '%s'", path);
    }
    size_t room = 1 << 16;
    size_t length = 0;
    for (;;) {
        char *larger = realloc(memory, room + 1);
        if (!larger) {
            HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for '%s'", path));
        }
        memory = larger;
        length += fread(memory + length, 1, room - length, file);
        if (length < room) {
            break;
        }
        if (room >= HM_CSV_FILE) {
            HM_TRY(hm_error_set(err, HM_EDATA, "'%s' is larger than %d bytes: no table of runs",
                                path, HM_CSV_FILE));
        }
        room *= 2;
    }
    if (ferror(file)) {
        HM_TRY(hm_error_errno(err, HM_EIO, errno, "cannot read '%s'", path));
    }
    memory[length] = '\0';
    *text = memory;
    *size = length;
    memory = NULL;
cleanup:
    free(memory);
    fclose(file);
    return status;
}

static hm_status_t refuse(const parser_t *p, const char *what, hm_error_t *err) {
    return hm_error_set(err, HM_EDATA, "%s, line %lld: %s", p->path, (long long)p->line, what);
}

static hm_status_t add_field(parser_t *p, char *text, hm_error_t *err) {
    if (p->fields == p->room) {
        int64_t room = p->room ? 2 * p->room : 1024;
        char **larger = realloc(p->csv.field, (size_t)room * sizeof *larger);
        if (!larger) {
            return hm_error_set(err, HM_EMISSING, "out of memory for '%s'", p->path);
        }
        p->csv.field = larger;
        p->room = room;
    }
    p->csv.field[p->fields++] = text;
    return HM_OK;
}

static hm_status_t add_row(parser_t *p, int64_t line, hm_error_t *err) {
    if (p->csv.rows == p->row_room) {
        int64_t room = p->row_room ? 2 * p->row_room : 256;
        int64_t *larger = realloc(p->csv.line, (size_t)room * sizeof *larger);
        if (!larger) {
            return hm_error_set(err, HM_EMISSING, "out of memory for '%s'", p->path);
        }
        p->csv.line = larger;
        p->row_room = room;
    }
    p->csv.line[p->csv.rows++] = line;
    return HM_OK;
}

/* Is this a character that no text has? */
static bool is_control(char c) {
    unsigned char u = (unsigned char)c;
    return (u < 0x20 && c != '\t') || u == 0x7F;
}

/* A field in quotes: p->next stands behind the first one, and then behind the last. */
static hm_status_t take_quoted(parser_t *p, char **text, hm_error_t *err) {
    int64_t began = p->line;
    char *to = p->next;
    *text = to;
    for (; p->next < p->end; ++p->next) {
        char c = *p->next;
        if (c == '"') {
            if (p->next + 1 == p->end || p->next[1] != '"') {
                ++p->next;
                *to = '\0';
                return HM_OK;
            }
            ++p->next;
        } else if (c == '\n') {
            ++p->line;
        } else if (is_control(c) && c != '\r') {
            return refuse(p, "a control character in a field", err);
        }
        *to++ = c;
    }
    p->line = began;
    return refuse(p, "a quote that does not end", err);
}

static hm_status_t take_plain(parser_t *p, char **text, hm_error_t *err) {
    *text = p->next;
    for (; p->next < p->end; ++p->next) {
        char c = *p->next;
        if (c == ',' || c == '\n' || (c == '\r' && p->next + 1 < p->end && p->next[1] == '\n')) {
            break;
        }
        if (c == '"') {
            return refuse(p, "a quote inside of a field that does not begin with one", err);
        }
        if (is_control(c)) {
            return refuse(p, "a control character in a field", err);
        }
    }
    return HM_OK;
}

/* One row, at least one field; p->next then stands at the next row. */
static hm_status_t take_row(parser_t *p, hm_error_t *err) {
    int64_t line = p->line;
    int64_t before = p->fields;
    hm_status_t status = HM_OK;
    for (bool more = true; more;) {
        char *text = NULL;
        if (p->next < p->end && *p->next == '"') {
            ++p->next;
            HM_TRY(take_quoted(p, &text, err));
        } else {
            HM_TRY(take_plain(p, &text, err));
        }
        char *end = p->next;
        if (p->next < p->end && *p->next == '\r') {
            ++p->next;
        }
        more = p->next < p->end && *p->next == ',' && end == p->next;
        if (!more && p->next < p->end && *p->next != '\n') {
            HM_TRY(refuse(p, "text behind the quote that ends a field", err));
        }
        if (!more && p->next < p->end) {
            ++p->line;
        }
        p->next += p->next < p->end;
        *end = '\0'; /* over the separator, which has been read */
        HM_TRY(add_field(p, text, err));
        if (p->fields - before > HM_CSV_COLUMNS) {
            p->line = line;
            HM_TRY(refuse(p, "more than 256 fields", err));
        }
    }
    HM_TRY(add_row(p, line, err));
    if (p->csv.rows == 1) {
        p->csv.columns = (int)(p->fields - before);
    } else if (p->fields - before != p->csv.columns) {
        status =
            hm_error_set(err, HM_EDATA, "%s, line %lld: %lld fields where the header has %d",
                         p->path, (long long)line, (long long)(p->fields - before), p->csv.columns);
    }
cleanup:
    return status;
}

static hm_status_t check_header(const parser_t *p, hm_error_t *err) {
    for (int i = 0; i < p->csv.columns; ++i) {
        if (!p->csv.field[i][0]) {
            return hm_error_set(err, HM_EDATA, "%s, line %lld: column %d has no name", p->path,
                                (long long)p->csv.line[0], i + 1);
        }
        for (int j = 0; j < i; ++j) {
            if (strcmp(p->csv.field[i], p->csv.field[j]) == 0) {
                return hm_error_set(err, HM_EDATA, "%s, line %lld: two columns are called '%.40s'",
                                    p->path, (long long)p->csv.line[0], p->csv.field[i]);
            }
        }
    }
    return HM_OK;
}

hm_status_t hm_csv_read(const char *path, hm_csv_t *csv, hm_error_t *err) {
    hm_status_t status = HM_OK;
    parser_t p = {.path = path, .line = 1};
    size_t size = 0;
    HM_TRY(load(path, &p.csv.memory, &size, err));
    p.next = p.csv.memory;
    p.end = p.csv.memory + size;
    if (size >= 3 && memcmp(p.next, "\xEF\xBB\xBF", 3) == 0) {
        p.next += 3;
    }
    while (p.next < p.end) {
        if (*p.next == '\n' || (*p.next == '\r' && p.next + 1 < p.end && p.next[1] == '\n')) {
            p.next += *p.next == '\r' ? 2 : 1;
            ++p.line;
            continue;
        }
        HM_TRY(take_row(&p, err));
        if (p.csv.rows == 1) {
            HM_TRY(check_header(&p, err));
        }
    }
    if (p.csv.rows == 0) {
        HM_TRY(hm_error_set(err, HM_EDATA,
                            "%s, line 1: empty; it should begin with the names of "
                            "columns",
                            path));
    }
    p.csv.rows -= 1;
    *csv = p.csv;
    p.csv = (hm_csv_t){0};
cleanup:
    hm_csv_free(&p.csv);
    return status;
}

void hm_csv_free(hm_csv_t *csv) {
    free(csv->memory);
    free(csv->field);
    free(csv->line);
    *csv = (hm_csv_t){0};
}

int hm_csv_column(const hm_csv_t *csv, const char *name) {
    for (int i = 0; i < csv->columns; ++i) {
        if (strcmp(csv->field[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

const char *hm_csv_text(const hm_csv_t *csv, int64_t row, int column) {
    return csv->field[(1 + row) * csv->columns + column];
}
