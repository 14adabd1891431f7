/* analyze --find: the first points for which an expression holds. */
#ifndef HM_COMMANDS_ANALYZE_FIND_H
#define HM_COMMANDS_ANALYZE_FIND_H

#include <stdint.h>

#include "hm_command.h"

/* Searches `path` for points where the expression `text` holds and prints up to `limit` hits as
 * text, or where `json` or `csv` (may be NULL) say. Collective; messages have been printed. */
hm_status_t analyze_find(const hm_context_t *context, const char *path, const char *text,
                         int64_t limit, const char *json, const char *csv);

#endif
