/* check FILE: the configuration and the history of a file, and whether what it says is true. */
#ifndef HM_CHECK_FILE_H
#define HM_CHECK_FILE_H

#include "hm_command.h"

/**
 * All ranks read the file, each a share of its rows, and compare every row with its checksum, the
 * whole with sum, inside and crc32. Rank 0 prints an INI file: the configuration, and as comments
 * the history and what was found. Collective; returns the common status, reported: HM_EDATA when
 * something is not true, and then the message says what.
 */
hm_status_t check_file(const hm_context_t *context, const char *path);

#endif
