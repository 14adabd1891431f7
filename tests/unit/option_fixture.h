/** @file option_fixture.h A table with a row of every kind, and parsing by it, for the tests of
 * options. */
#ifndef HM_OPTION_FIXTURE_H
#define HM_OPTION_FIXTURE_H

#include <CUnit/CUnit.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hm_option.h"
#include "hm_text.h"

typedef struct settings_t {
    int64_t max_iter, shift;
    double bailout, time_limit;
    const char *center, *span, *region, *output, *json;
    int coords;
    bool overwrite, quiet;
} settings_t;

static inline hm_status_t check_positive(const char *text, hm_error_t *err) {
    double value = 0.0;
    hm_status_t status = hm_text_real(text, &value, err);
    if (status == HM_OK && !(value > 0.0)) {
        status = hm_error_set(err, HM_EUSAGE, "not positive: '%s'", text);
    }
    return status;
}

static const char *const fixture_coords[] = {"exact", "accumulated", NULL};

static const hm_option_t fixture_table[] = {
    {.key = "max-iter",
     .type = HM_OPTION_INT,
     .offset = offsetof(settings_t, max_iter),
     .low = 1,
     .high = 4294967294,
     .fallback = "1000",
     .value = "N",
     .group = "View",
     .help = "iteration limit"},
    {.key = "center",
     .type = HM_OPTION_TEXT,
     .offset = offsetof(settings_t, center),
     .fallback = "-0.75,0",
     .value = "RE,IM",
     .group = "View",
     .help = "centre of the view: two decimal numbers of any length, the real and the imaginary "
             "part, with a comma between them and, as here, an explanation that takes several "
             "lines, one of them with \xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC signs"},
    {.key = "output",
     .type = HM_OPTION_TEXT,
     .offset = offsetof(settings_t, output),
     .value = "FILE",
     .group = "Output",
     .help = "file"},
    {.key = "span",
     .type = HM_OPTION_TEXT,
     .offset = offsetof(settings_t, span),
     .fallback = "3.0",
     .group = "View",
     .help = "width"},
    {.key = "region",
     .type = HM_OPTION_TEXT,
     .offset = offsetof(settings_t, region),
     .value = "RE0:RE1,IM0:IM1-and-a-label-too-long",
     .group = "View",
     .excludes = "center,span",
     .help = "instead of center and span"},
    {.key = "json",
     .type = HM_OPTION_TEXT,
     .offset = offsetof(settings_t, json),
     .value = "[FILE]",
     .alone = "-"},
    {.key = "shift", .type = HM_OPTION_INT, .offset = offsetof(settings_t, shift)},
    {.key = "bailout",
     .type = HM_OPTION_REAL,
     .offset = offsetof(settings_t, bailout),
     .fallback = "2",
     .check = check_positive},
    {.key = "time-limit",
     .type = HM_OPTION_SECONDS,
     .offset = offsetof(settings_t, time_limit),
     .value = "TIME",
     .group = "Output"},
    {.key = "coords",
     .type = HM_OPTION_CHOICE,
     .offset = offsetof(settings_t, coords),
     .fallback = "accumulated",
     .choices = fixture_coords,
     .group = "View",
     .help = "how coordinates come about"},
    {.key = "overwrite",
     .type = HM_OPTION_FLAG,
     .offset = offsetof(settings_t, overwrite),
     .group = "Output",
     .not_in_file = true,
     .help = "command line only"},
    {.key = "quiet",
     .type = HM_OPTION_FLAG,
     .offset = offsetof(settings_t, quiet),
     .group = "Output",
     .not_in_echo = true,
     .help = "errors only"},
    {.key = NULL}};

/** What came of parsing. */
typedef struct parsed_t {
    hm_status_t status;
    settings_t settings;
    hm_values_t values;
    hm_error_t err;
} parsed_t;

enum { UNTOUCHED = 0x5A };

/** Parses a NULL-terminated list (NULL: empty) of arguments, which are borrowed until
 * parsed_free(). Two positional arguments are allowed. */
static inline parsed_t parse_list(const char *const *list) {
    char *argv[32];
    static char name[] = "prog";
    argv[0] = name;
    int argc = 1;
    while (list && list[argc - 1]) {
        union {
            const char *in;
            char *out;
        } argument = {.in = list[argc - 1]}; /* argv is char *, though nobody writes there */
        argv[argc++] = argument.out;
    }
    argv[argc] = NULL;
    char *before[32];
    memcpy(before, argv, sizeof(char *) * ((size_t)argc + 1));
    parsed_t p = {.err = HM_ERROR_NONE};
    memset(&p.settings, UNTOUCHED, sizeof p.settings);
    p.status = hm_options_parse(fixture_table, true, 2, argc, argv, &p.settings, &p.values, &p.err);
    CU_ASSERT_EQUAL(memcmp(before, argv, sizeof(char *) * ((size_t)argc + 1)), 0);
    return p;
}

#define PARSE(...) parse_list((const char *const[]){__VA_ARGS__, NULL})

static inline void parsed_free(parsed_t *p) {
    if (p->status == HM_OK) {
        hm_options_free(&p->values);
    }
}

static inline bool is_untouched(const settings_t *settings) {
    settings_t untouched;
    memset(&untouched, UNTOUCHED, sizeof untouched);
    return memcmp(settings, &untouched, sizeof untouched) == 0;
}

#endif
