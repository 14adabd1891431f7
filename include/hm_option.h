/**
 * @file hm_option.h
 * One table binds an option's flag, config key, variable, default, unit, help and check, and drives
 * the command line, the INI file, `--help`, the echo of settings and the provenance in data set
 * files.
 *
 * A command has a settings struct and a table whose rows point into it by offset:
 *
 *     typedef struct settings_t { int64_t max_iter; const char *output; bool quiet; } settings_t;
 *     static const hm_option_t table[] = {
 *         {.key = "max-iter",
 *          .type = HM_OPTION_INT,
 *          .offset = offsetof(settings_t, max_iter),
 *          .low = 1,
 *          .high = 4294967294,
 *          .fallback = "1000",
 *          .value = "N",
 *          .group = "View",
 *          .help = "iteration limit"},
 *         ...
 *         {.key = NULL}};
 *
 * Precedence: default, then config file (`--config FILE`), then command line, wherever `--config`
 * stands. GNU long options through getopt_long: `--key value`, `--key=value`, flags without value
 * (`--key`, and in files `key = true|false|yes|no|on|off|1|0`). The last of a repeated key counts,
 * but for lists.
 * Abbreviations of keys are refused. A value that stands apart may begin with `-` but not with
 * `--`, as that is a forgotten value much more often; `--key=--value` says what is meant.
 *
 * INI through inih: `key = value`, `#` and `;` comments (whole lines, after white space behind a
 * value, or in a value's place), sections ignored, repeated keys refused, unknown keys refused with
 * file, line and the nearest known key. Blanks around a value are dropped. A value in double quotes
 * is taken as it stands, with \\ \" \t \n \r \xHH for what cannot: so any text can be written.
 * Lines may have HM_OPTION_LINE bytes, files HM_OPTION_FILE; longer ones are refused, never cut.
 *
 * Not collective: every rank parses alike.
 */
#ifndef HM_OPTION_H
#define HM_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "hm_error.h"

/** Longest line and longest config file, in bytes. */
enum { HM_OPTION_LINE = 1 << 20, HM_OPTION_FILE = 1 << 24 };

typedef enum hm_option_type_t {
    HM_OPTION_FLAG,    /**< bool */
    HM_OPTION_INT,     /**< int64_t, low <= value <= high; any when both are 0 */
    HM_OPTION_REAL,    /**< double, finite */
    HM_OPTION_SECONDS, /**< double, hm_text_seconds() */
    HM_OPTION_TEXT,  /**< const char *, owned by hm_values_t; NULL when not given and no default */
    HM_OPTION_CHOICE /**< int, index into choices; 0 when not given and no default */
} hm_option_type_t;

/** One option. Unused fields are zero. */
typedef struct hm_option_t {
    const char *key; /**< long flag and config key; NULL ends a table */
    hm_option_type_t type;
    size_t offset;              /**< of the variable in the settings struct */
    const char *fallback;       /**< default as text; NULL: none (INT/REAL/SECONDS become 0, FLAG
                                   false) */
    const char *value;          /**< how help names the value, e.g. "WIDTHxHEIGHT" */
    const char *group;          /**< heading in help */
    const char *help;           /**< one or two sentences, with the unit */
    int64_t low, high;          /**< range of INT */
    const char *const *choices; /**< NULL-terminated names for CHOICE */
    /** Extra check of any type's text (the default's too), may be NULL; HM_EUSAGE with a message on
     * a bad one. */
    hm_status_t (*check)(const char *text, hm_error_t *err);
    const char *alone; /**< TEXT: its value where the flag is the last word, or another flag
                          follows; NULL: a value must follow */
    bool not_in_file;  /**< command line only (help, config) */
    bool not_in_echo;  /**< where and how a run reports, not what it computes (quiet, progress): not
                          in provenance */
    bool list; /**< TEXT: given again on the command line it adds to its value, behind a comma */
    /**
     * Other keys, "center,span", that cannot be given together with this one, or NULL. Both in one
     * place (file, command line) are refused; else the command line's wins, the file's goes back to
     * its default. The echo leaves them out when this key is given. A flag given as false does not
     * count.
     */
    const char *excludes;
} hm_option_t;

/** Where a value came from. */
typedef enum hm_origin_t { HM_FROM_DEFAULT, HM_FROM_FILE, HM_FROM_COMMAND_LINE } hm_origin_t;

/** A parsed command line. Made by hm_options_parse(), freed by hm_options_free(). */
typedef struct hm_values_t {
    const hm_option_t *table;
    int count;   /**< rows of the table */
    char **text; /**< [count] the resolved text of each option, NULL where there is none; flags
                    always have "true" or "false"; owned */
    hm_origin_t *origin; /**< [count] */
    char **positional; /**< [positional_count] arguments that are no options (pointers into argv) */
    int positional_count;
    char **rest; /**< [rest_count] arguments behind "--" (pointers into argv) */
    int rest_count;
    bool help; /**< --help was given: nothing else was checked, settings are untouched */
} hm_values_t;

/**
 * Parses argv[1..argc-1] (argv[0] is skipped) by `table` into `settings` and `values`.
 * `most_positional` is how many non-option arguments the command takes; one more is HM_EUSAGE.
 * `--help` and, when `with_config`, `--config FILE` are known without a row. On failure nothing
 * needs freeing, settings and values are untouched. Texts in `settings` live as long as `values`.
 * Errors: HM_EUSAGE for each bad flag, key, value, for an unreadable config file and for lines in
 * it that are not `key = value`; HM_EMISSING when out of memory; HM_EBUG for a wrong table.
 */
hm_status_t hm_options_parse(const hm_option_t *table, bool with_config, int most_positional,
                             int argc, char **argv, void *settings, hm_values_t *values,
                             hm_error_t *err);

void hm_options_free(hm_values_t *values);

/** The resolved text of `key`, or NULL. `key` must be in the table. */
const char *hm_options_text(const hm_values_t *values, const char *key);

/** Was `key` given in a file or on the command line? */
bool hm_options_given(const hm_values_t *values, const char *key);

/** Prints the table, and --help, as help: grouped, aligned, with choices and defaults, wrapped at
 * 100 columns. */
void hm_options_help(const hm_option_t *table, FILE *out);

/**
 * The resolved settings as INI text that `--config` takes back and that gives the same values (keys
 * marked not_in_echo left out). Returns a malloc'ed string, NULL when out of memory; the caller
 * frees it.
 */
char *hm_options_ini(const hm_values_t *values);

#endif
