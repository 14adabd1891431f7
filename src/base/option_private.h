/** @file option_private.h What the files option*.c share; nobody else includes it. */
#ifndef HM_OPTION_PRIVATE_H
#define HM_OPTION_PRIVATE_H

#include "hm_option.h"

/** A value of any type, as converted from its text. */
typedef union hm_option_value_t {
    bool flag;
    int64_t integer;
    double real;
    int choice;
} hm_option_value_t;

/** Row of the key that is the first `length` bytes of `key`, or -1. */
int hm_option_find(const hm_values_t *values, const char *key, size_t length);

/** Is `key` in the list of what `option` excludes? */
bool hm_option_excludes(const hm_option_t *option, const char *key);

/** Was it given? A flag that is false asks for nothing. */
bool hm_option_asked_for(const hm_values_t *values, int index);

/** Checks `text` as a value of `option` and converts it (TEXT: only checks). HM_EUSAGE. */
hm_status_t hm_option_convert(const hm_option_t *option, const char *text, hm_option_value_t *value,
                              hm_error_t *err);

/** Checks `text` and keeps a copy as the value of row `index`. HM_EUSAGE, HM_EMISSING. */
hm_status_t hm_option_keep(hm_values_t *values, int index, const char *text, hm_origin_t origin,
                           hm_error_t *err);

/** The known key nearest to `word`, or NULL; "help" and "config" count when asked for. */
const char *hm_option_nearest(const hm_values_t *values, const char *word, bool in_file,
                              bool with_config);

/** Reads the command line into `values`; *config becomes --config's value. */
hm_status_t hm_option_read_arguments(hm_values_t *values, bool with_config, int most_positional,
                                     int argc, char **argv, const char **config, hm_error_t *err);

/** Reads an INI file into `values`, leaving alone what came from the command line. */
hm_status_t hm_option_read_file(hm_values_t *values, const char *path, hm_error_t *err);

/**
 * What is behind "key =" in a line, without blanks around it, becomes the value: quotes and escapes
 * resolved, or a comment cut. In place. HM_EUSAGE.
 */
hm_status_t hm_option_read_value(char *value, hm_error_t *err);

/** Writes `text` so that hm_option_read_value() gives it back, in quotes where it needs them. */
void hm_option_write_value(const char *text, FILE *out);

#endif
