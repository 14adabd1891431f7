/* Figures that a command writes where the user wants them. */
#ifndef HM_COMMANDS_OUTPUT_H
#define HM_COMMANDS_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "hm_error.h"
#include "hm_replace.h"

/* "-" is standard output, and so is its name; NULL is not. */
bool output_is_stdout(const char *path);

/* Where figures go. Start with {0}. */
typedef struct output_t {
    FILE *out;         /* to write to; NULL: not open */
    hm_replace_t file; /* none for standard output */
} output_t;

/* Opens `path`, which gets what is written when that is whole, or gives standard output.
 * HM_ECREATE: also where a data set file is, which stays. */
hm_status_t output_open(const char *path, output_t *output, hm_error_t *err);

/* Asked before the work: will output_open() be able to? NULL: nothing is wanted. What is there
 * stays as it is; pipes and devices are not tried. */
hm_status_t output_check(const char *path, hm_error_t *err);

/* Closes it, when it is not standard output, which main() looks after; without `keep` the file
 * stays as it was before. HM_EIO: something could not be written. */
hm_status_t output_close(output_t *output, bool keep, hm_error_t *err);

/* Writes `root`, which is freed, to `path` as above. HM_EMISSING: `root` is NULL, as whoever made
 * it ran out of memory. */
hm_status_t output_json(const char *path, json_t *root, hm_error_t *err);

/* A text of any bytes, such as a path, for json_pack's "o": null where it is not UTF-8, as JSON
 * cannot hold it. */
json_t *output_json_text(const char *text);

#endif
