/* What can be made of data set files: `hpcmandel export FILE --png P --xdmf X ...`. */
#ifndef HM_EXPORT_H
#define HM_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "export_look.h"
#include "hm_command.h"

/** What the options fill in. */
typedef struct export_settings_t {
    const char *png;
    const char *dzi;
    bool no_page;
    const char *frames;
    const char *list;
    const char *xdmf;
    const char *compress;
    int64_t level;
    bool overwrite;
    bool quiet;
    export_look_t look;
} export_settings_t;

/** The files to export: those of the command line, then those of the list. */
typedef struct export_inputs_t {
    const char **path; /* [count] */
    int count;
    char *text; /* of the list */
} export_inputs_t;

/** One kind of export. A new one is an option that asks for it and an entry of the table in
 * export.c. */
typedef struct export_t {
    const char *key; /**< of the option */
    size_t target;   /**< where in export_settings_t its value stands, NULL when not wanted */
    bool several;    /**< of several files; else of one */
    /** Makes it. Collective; returns the common status, reported already. */
    hm_status_t (*make)(const hm_context_t *context, const export_settings_t *settings,
                        const export_inputs_t *inputs, const char *target);
} export_t;

/** --compress: a compressed copy. Rank 0 prints what it came to. Collective; returns the common
 * status, reported. */
hm_status_t export_compressed(const hm_context_t *context, const export_settings_t *settings,
                              const export_inputs_t *inputs, const char *target);

#endif
