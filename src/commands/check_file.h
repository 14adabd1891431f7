/* check FILE: the configuration that made a file, and whether its figures are true. */
#ifndef HM_CHECK_FILE_H
#define HM_CHECK_FILE_H

#include "hm_error.h"

/** One rank. HM_OK when checksum and figures are those of the data; HM_EDATA otherwise. */
hm_status_t check_file(const char *path, hm_error_t *err);

#endif
