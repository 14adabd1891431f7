/**
 * @file hm_log.h
 * Log lines on standard error, by level. A logger is a value that the caller owns: there is no
 * global one.
 */
#ifndef HM_LOG_H
#define HM_LOG_H

#include "hm_error.h"

typedef enum hm_level_t { HM_QUIET = 0, HM_WARN = 1, HM_INFO = 2, HM_DEBUG = 3 } hm_level_t;

/** Who logs, and how much. `rank` < 0: the process is alone and lines carry no rank. */
typedef struct hm_log_t {
    hm_level_t level; /**< lines above this level are dropped */
    int rank;         /**< put in front of lines when >= 0 and level is HM_DEBUG */
} hm_log_t;

/** Writes one line "hpcmandel: TEXT" to standard error in a single write. A NULL log drops it. */
void hm_log(const hm_log_t *log, hm_level_t level, const char *format, ...) HM_PRINTF(3, 4);

/** Writes "hpcmandel: error: TEXT" whatever the level: the one message of a failed run. */
void hm_log_error(const hm_error_t *err);

#endif
