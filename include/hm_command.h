/**
 * @file hm_command.h
 * Commands: `hpcmandel COMMAND ...`. Each is one file in src/commands/ and one line in the table.
 */
#ifndef HM_COMMAND_H
#define HM_COMMAND_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "hm_cluster.h"
#include "hm_error.h"
#include "hm_log.h"
#include "hm_option.h"

/** What every command gets. */
typedef struct hm_context_t {
    const hm_cluster_t *cluster;
    hm_log_t log;
} hm_context_t;

typedef struct hm_command_t {
    const char *name;
    const char *arguments; /**< behind the name, for help */
    const char *what;      /**< one line for help */
    bool takes_rest;       /**< arguments behind "--" are the command's own affair (values->rest);
                              else they are positional ones like those before it */
    /**
     * Runs it. argv[0] is the command's name. Collective: all ranks call it and all return the same
     * status, whose message, if any, has been printed already (see hm_meet()).
     */
    hm_status_t (*run)(hm_context_t *context, int argc, char **argv);
} hm_command_t;

/** The table, ended by NULL. The first one is what runs without a name. */
extern const hm_command_t *const hm_commands[];

/**
 * The agreement point of commands: hm_agree(), and the rank whose failure was chosen prints its
 * message. Collective; returns the common status. HM_STOPPED is no failure and prints nothing.
 */
hm_status_t hm_meet(const hm_context_t *context, hm_status_t mine, hm_error_t *err);

/**
 * Parses a command's options on every rank and meets. With --help rank 0 prints usage, `about` and
 * the table, and *helped is true on all ranks: the command then returns HM_OK. Collective. On HM_OK
 * free `values` with hm_options_free().
 */
hm_status_t hm_command_options(const hm_context_t *context, const hm_command_t *command,
                               const char *about, const hm_option_t *table, bool with_config,
                               int most_positional, int argc, char **argv, void *settings,
                               hm_values_t *values, bool *helped);

/** Prints version, git revision, compiler, libraries and the kernels built in, a `key value` a
 * line. */
void hm_about_print(FILE *out);

#endif
