/* What commands share: the table, the agreement point, the options. */
#include "hm_command.h"

#include <stdbool.h>
#include <string.h>

#include "commands.h"
#include "hm_text.h"

const hm_command_t *const hm_commands[] = {&hm_command_render,  &hm_command_analyze,
                                           &hm_command_compare, &hm_command_potential,
                                           &hm_command_export,  &hm_command_bench,
                                           &hm_command_plan,    &hm_command_report,
                                           &hm_command_check,   NULL};

hm_status_t hm_meet(const hm_context_t *context, hm_status_t mine, hm_error_t *err) {
    bool speaker = false;
    hm_status_t all = hm_agree(context->cluster, mine, err, &speaker);
    if (speaker && all != HM_OK && all != HM_STOPPED) {
        hm_log_error(err);
    }
    return all;
}

static void print_help(const hm_command_t *command, const char *about, const hm_option_t *table,
                       bool with_config) {
    printf("Usage: [mpirun -np N] hpcmandel %s%s%s [OPTIONS]\n\n%s\n", command->name,
           command->arguments[0] ? " " : "", command->arguments, about);
    if (with_config) {
        printf("\nEvery option may stand in an INI file (`key = value`, `#` comments) given with\n"
               "--config FILE; the command line wins.\n");
    }
    hm_options_help(table, stdout);
}

/* Behind "--" a name may begin with "-". */
static hm_status_t take_rest(hm_values_t *values, int most_positional, hm_error_t *err) {
    char brief[HM_TEXT_BRIEF];
    for (int i = 0; i < values->rest_count; ++i) {
        if (values->positional_count == most_positional) {
            return hm_error_set(err, HM_EUSAGE, "unexpected argument '%s'",
                                hm_text_brief(values->rest[i], brief));
        }
        values->positional[values->positional_count++] = values->rest[i];
    }
    values->rest_count = 0;
    return HM_OK;
}

hm_status_t hm_command_options(const hm_context_t *context, const hm_command_t *command,
                               const char *about, const hm_option_t *table, bool with_config,
                               int most_positional, int argc, char **argv, void *settings,
                               hm_values_t *values, bool *helped) {
    hm_error_t err = HM_ERROR_NONE;
    hm_values_t parsed = {0};
    hm_status_t mine =
        hm_options_parse(table, with_config, most_positional, argc, argv, settings, &parsed, &err);
    const bool made = mine == HM_OK;
    if (made && !parsed.help && !command->takes_rest) {
        mine = take_rest(&parsed, most_positional, &err);
    }
    hm_status_t all = hm_meet(context, mine, &err);
    if (all != HM_OK) {
        if (made) {
            hm_options_free(&parsed);
        }
        return all;
    }
    *helped = parsed.help;
    if (parsed.help && context->cluster->rank == 0) {
        print_help(command, about, table, with_config);
    }
    *values = parsed;
    return HM_OK;
}
