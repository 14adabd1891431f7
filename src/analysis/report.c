/** @file report.c Figures kept, and printed in three forms. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "figures.h"

void hm_report_add(hm_report_t *report, const hm_finding_t *figure) {
    if (report->count == report->room) {
        const int room = 2 * report->room + 64;
        hm_finding_t *grown = realloc(report->figure, (size_t)room * sizeof *grown);
        if (!grown) {
            report->failed = true;
            return;
        }
        report->figure = grown;
        report->room = room;
    }
    report->figure[report->count++] = *figure;
}

const hm_finding_t *hm_report_find(const hm_report_t *report, const char *section,
                                   const char *key) {
    for (int i = 0; i < report->count; ++i) {
        const hm_finding_t *f = &report->figure[i];
        if (strcmp(f->section, section) == 0 && strcmp(f->key, key) == 0) {
            return f;
        }
    }
    return NULL;
}

void hm_report_free(hm_report_t *report) {
    free(report->figure);
    *report = (hm_report_t){.rows = 0};
}

static bool is_crc(const hm_finding_t *f) {
    return strcmp(f->section, "total") == 0 && strcmp(f->key, "crc32") == 0;
}

/** A range's end: a whole number mostly. */
static const char *bound(double value, char text[32]) {
    if (value == nearbyint(value) && fabs(value) < 9e15) {
        snprintf(text, 32, "%.0f", value);
    } else {
        snprintf(text, 32, "%.17g", value);
    }
    return text;
}

static void print_totals(const hm_report_t *report, FILE *out) {
    for (int i = 0; i < report->count; ++i) {
        const hm_finding_t *f = &report->figure[i];
        if (strcmp(f->section, "total") == 0) {
            fprintf(out, is_crc(f) ? "%s %08llx\n" : "%s %llu\n", f->key,
                    (unsigned long long)f->count);
        }
    }
}

static void print_section(const hm_report_t *report, const hm_section_t *s, FILE *out) {
    char text[32];
    bool begun = false;
    for (int i = 0; i < report->count; ++i) {
        const hm_finding_t *f = &report->figure[i];
        if (strcmp(f->section, s->name) != 0) {
            continue;
        }
        if (!begun) {
            fprintf(out, "\n%s\n ", s->title);
            if (s->key) {
                fprintf(out, " %-24s", s->key);
            }
            const char *const names[] = {s->from, s->to, s->count, s->value, s->error};
            for (size_t k = 0; k < sizeof names / sizeof *names; ++k) {
                if (names[k]) {
                    fprintf(out, " %16s", names[k]);
                }
            }
            fprintf(out, "\n");
            begun = true;
        }
        fprintf(out, " ");
        if (s->key) {
            fprintf(out, " %-24s", f->key);
        }
        if (s->from) {
            fprintf(out, " %16s", bound(f->from, text));
        }
        if (s->to) {
            fprintf(out, " %16s", bound(f->to, text));
        }
        if (s->count) {
            fprintf(out, " %16llu", (unsigned long long)f->count);
        }
        if (s->value) {
            fprintf(out, " %16.12g", f->value);
        }
        if (s->error) {
            fprintf(out, " %16.2g", f->error);
        }
        fprintf(out, "\n");
    }
}

static void print_text(const hm_report_t *report, const char *path, FILE *out) {
    fprintf(out, "file %s\n", path);
    if (report->rows < report->info.grid.height) {
        fprintf(out, "INCOMPLETE: %lld of %lld rows are missing; all figures are of the others\n",
                (long long)(report->info.grid.height - report->rows),
                (long long)report->info.grid.height);
    }
    print_totals(report, out);
    for (const hm_section_t *s = hm_sections + 1; s->name; ++s) {
        print_section(report, s, out);
    }
}

/** A field of CSV: quoted where it must be (RFC 4180). */
static void print_field(const char *text, FILE *out) {
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; ++text) {
        if (*text == '"') {
            fputc('"', out);
        }
        fputc(*text, out);
    }
    fputc('"', out);
}

static void print_csv(const hm_report_t *report, FILE *out) {
    char from[32];
    char to[32];
    fprintf(out, "section,key,from,to,count,value,error\n");
    for (int i = 0; i < report->count; ++i) {
        const hm_finding_t *f = &report->figure[i];
        fprintf(out, "%s,", f->section);
        print_field(f->key, out);
        fprintf(out, ",%s,%s,%llu,%.17g,%.17g\n", bound(f->from, from), bound(f->to, to),
                (unsigned long long)f->count, f->value, f->error);
    }
}

static json_t *number(double value) {
    return value == nearbyint(value) && fabs(value) < 9e15 ? json_integer((json_int_t)value)
                                                           : json_real(value);
}

/** A figure as an object whose members are called as the section's columns. */
static json_t *object_of(const hm_finding_t *f, const hm_section_t *s) {
    json_t *object = json_object();
    bool good = object != NULL;
    good = good && (!s->key || json_object_set_new(object, s->key, json_string(f->key)) == 0);
    good = good && (!s->from || json_object_set_new(object, s->from, number(f->from)) == 0);
    good = good && (!s->to || json_object_set_new(object, s->to, number(f->to)) == 0);
    good = good && (!s->count ||
                    json_object_set_new(object, s->count, json_integer((json_int_t)f->count)) == 0);
    good = good && (!s->value || json_object_set_new(object, s->value, json_real(f->value)) == 0);
    good = good && (!s->error || json_object_set_new(object, s->error, json_real(f->error)) == 0);
    if (!good) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/** The totals are members of the whole; each other section is an array. */
static bool fill(const hm_report_t *report, json_t *root) {
    char crc[16];
    for (const hm_section_t *s = hm_sections; s->name; ++s) {
        const bool totals = s == hm_sections;
        json_t *list = totals ? root : json_array();
        bool good = list != NULL;
        for (int i = 0; i < report->count && good; ++i) {
            const hm_finding_t *f = &report->figure[i];
            if (strcmp(f->section, s->name) != 0) {
                continue;
            }
            snprintf(crc, sizeof crc, "%08llx", (unsigned long long)f->count);
            if (totals) {
                good = json_object_set_new(root, f->key,
                                           is_crc(f) ? json_string(crc)
                                                     : json_integer((json_int_t)f->count)) == 0;
            } else {
                good = json_array_append_new(list, object_of(f, s)) == 0;
            }
        }
        if (!totals) {
            good = json_object_set_new(root, s->name, list) == 0 && good;
        }
        if (!good) {
            return false;
        }
    }
    return true;
}

static hm_status_t print_json(const hm_report_t *report, const char *path, FILE *out,
                              hm_error_t *err) {
    hm_status_t status = HM_OK;
    json_t *root = json_object();
    char *text = NULL;
    if (root &&
        json_object_set_new(root, "complete",
                            json_boolean(report->rows == report->info.grid.height)) == 0 &&
        fill(report, root)) {
        /* A name that is not UTF-8 is left out: JSON cannot hold it. */
        (void)json_object_set_new(root, "file", json_string(path));
        text = json_dumps(root, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    }
    if (!text) {
        status = hm_error_set(err, HM_EMISSING, "out of memory for the figures as JSON");
    } else {
        fprintf(out, "%s\n", text);
    }
    free(text);
    json_decref(root);
    return status;
}

hm_status_t hm_report_print(const hm_report_t *report, const char *path, hm_format_t format,
                            FILE *out, hm_error_t *err) {
    if (format == HM_FORMAT_JSON) {
        return print_json(report, path, out, err);
    }
    if (format == HM_FORMAT_CSV) {
        print_csv(report, out);
    } else {
        print_text(report, path, out);
    }
    return HM_OK;
}
