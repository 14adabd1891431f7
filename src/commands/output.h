/* Figures that a command writes where the user wants them. */
#ifndef HM_COMMANDS_OUTPUT_H
#define HM_COMMANDS_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "hm_error.h"

/* "-" is standard output; NULL is not. */
bool output_is_stdout(const char *path);

/* Opens `path` for writing, or gives standard output. HM_ECREATE. */
hm_status_t output_open(const char *path, FILE **out, hm_error_t *err);

/* Closes it, when it is not standard output, which main() looks after. HM_EIO: something could not
 * be written. */
hm_status_t output_close(const char *path, FILE *out, hm_error_t *err);

#endif
