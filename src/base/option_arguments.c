/* The command line, through getopt_long. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hm_text.h"
#include "option_private.h"

/* What getopt_long returns for row 0 of the table, above every character; --help and --config
 * follow behind the table's last row. */
enum { FIRST_ROW = 256 };

static struct option *make_long_options(const hm_values_t *values, bool with_config) {
    struct option *options = calloc((size_t)values->count + 3, sizeof *options);
    if (!options) {
        return NULL;
    }
    int n = 0;
    for (; n < values->count; ++n) {
        bool flag = values->table[n].type == HM_OPTION_FLAG;
        options[n] = (struct option){.name = values->table[n].key,
                                     .has_arg = flag ? no_argument : required_argument,
                                     .val = FIRST_ROW + n};
    }
    options[n] = (struct option){.name = "help", .has_arg = no_argument, .val = FIRST_ROW + n};
    if (with_config) {
        options[n + 1] = (struct option){
            .name = "config", .has_arg = required_argument, .val = FIRST_ROW + n + 1};
    }
    return options;
}

/* The row of getopt's table that `argument` ("--key" or "--key=value") names in full, or NULL. */
static const struct option *named(const struct option *options, const char *argument) {
    if (strncmp(argument, "--", 2) != 0) {
        return NULL;
    }
    const char *key = argument + 2;
    size_t length = strcspn(key, "=");
    for (; options->name; ++options) {
        if (strncmp(options->name, key, length) == 0 && options->name[length] == '\0') {
            return options;
        }
    }
    return NULL;
}

static hm_status_t refuse_unknown(const hm_values_t *values, bool with_config, const char *argument,
                                  hm_error_t *err) {
    const char *dashless = argument + strspn(argument, "-");
    char word[64] = "";
    size_t length = strcspn(dashless, "=");
    if (length < sizeof word) {
        memcpy(word, dashless, length);
        word[length] = '\0';
    }
    const char *near = hm_option_nearest(values, word, false, with_config);
    char brief[HM_TEXT_BRIEF];
    int shown = (int)strcspn(hm_text_brief(argument, brief), "=");
    if (near) {
        return hm_error_set(err, HM_EUSAGE, "unknown option '%.*s'; did you mean '--%s'?", shown,
                            brief, near);
    }
    return hm_error_set(err, HM_EUSAGE, "unknown option '%.*s'; --help lists the options", shown,
                        brief);
}

/* Why getopt_long did not like `argument`; NULL row: it is not known. */
static hm_status_t refuse(const hm_values_t *values, bool with_config, const struct option *row,
                          const char *argument, hm_error_t *err) {
    if (!row) {
        return refuse_unknown(values, with_config, argument, err);
    }
    if (row->has_arg == no_argument) {
        return hm_error_set(err, HM_EUSAGE, "--%s takes no value; write it alone", row->name);
    }
    int index = row->val - FIRST_ROW;
    const char *value = index < values->count ? values->table[index].value : "FILE";
    return hm_error_set(err, HM_EUSAGE, "--%s needs a value: --%s %s", row->name, row->name,
                        value ? value : "VALUE");
}

static hm_status_t refuse_forgotten(const struct option *row, const char *text, hm_error_t *err) {
    char brief[HM_TEXT_BRIEF];
    hm_text_brief(text, brief);
    return hm_error_set(err, HM_EUSAGE,
                        "--%s needs a value, not '%s' (if that is the value, write --%s=%s)",
                        row->name, brief, row->name, brief);
}

/* "--help", or "-h" as many a program has it, wins over everything that may be wrong beside it. */
static bool asks_for_help(int argc, char **argv) {
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; ++i) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return true;
        }
    }
    return false;
}

static hm_status_t take_positional(hm_values_t *values, int most, char *argument, hm_error_t *err) {
    if (values->positional_count == most) {
        char brief[HM_TEXT_BRIEF];
        return hm_error_set(err, HM_EUSAGE, "unexpected argument '%s'; options begin with '--'",
                            hm_text_brief(argument, brief));
    }
    values->positional[values->positional_count++] = argument;
    return HM_OK;
}

/* "a,b" in new memory, or NULL. */
static char *join(const char *a, const char *b) {
    const size_t size = strlen(a) + strlen(b) + 2;
    char *joined = malloc(size);
    if (joined) {
        snprintf(joined, size, "%s,%s", a, b);
    }
    return joined;
}

static hm_status_t take_option(hm_values_t *values, const struct option *row, const char *text,
                               const char **config, hm_error_t *err) {
    int index = row->val - FIRST_ROW;
    if (index >= values->count) { /* --config: --help has been seen to before */
        if (*config) {
            return hm_error_set(err, HM_EUSAGE, "--config was given twice; give one file");
        }
        *config = text;
        return HM_OK;
    }
    char *joined = NULL;
    if (values->table[index].list && values->origin[index] == HM_FROM_COMMAND_LINE) {
        joined = join(values->text[index], text);
        if (!joined) {
            return hm_error_set(err, HM_EMISSING, "out of memory for --%s", row->name);
        }
        text = joined;
    }
    hm_status_t status =
        hm_option_keep(values, index, text ? text : "true", HM_FROM_COMMAND_LINE, err);
    free(joined);
    if (status != HM_OK) {
        hm_error_context(err, "--%s", row->name);
    }
    return status;
}

/* The value of an option that takes one, but stands alone here and may; else NULL. */
static const char *value_alone(const hm_values_t *values, const struct option *row,
                               const char *argument, const char *following) {
    const int index = row ? row->val - FIRST_ROW : values->count;
    return index < values->count && !strchr(argument, '=') &&
                   (!following || strncmp(following, "--", 2) == 0)
               ? values->table[index].alone
               : NULL;
}

/*
 * getopt_long hands out one element of argv a call and leaves their order alone ('-' in front), so
 * that the element at hand is known: that tells abbreviations, which it takes, from whole keys.
 */
static hm_status_t read_all(hm_values_t *values, bool with_config, int most_positional, int argc,
                            char **argv, const struct option *options, const char **config,
                            hm_error_t *err) {
    hm_status_t status = HM_OK;
    int next = 1;
    (void)getopt_long(1, argv, "-:", options, NULL); /* begins afresh, and takes nothing */
    while (next < argc && status == HM_OK) {
        char *argument = argv[next];
        const struct option *row = named(options, argument);
        const char *alone =
            value_alone(values, row, argument, next + 1 < argc ? argv[next + 1] : NULL);
        if (alone) {
            status = take_option(values, row, alone, config, err);
            ++next;
            continue;
        }
        optind = next;
        int found = getopt_long(argc, argv, "-:", options, NULL);
        bool apart = optind == next + 2;
        next = optind;
        if (found == -1) {
            break; /* behind "--" */
        }
        if (found == 1) {
            status = take_positional(values, most_positional, argument, err);
            continue;
        }
        if (found < FIRST_ROW || !row) {
            status = refuse(values, with_config, row, argument, err);
        } else if (apart && strncmp(optarg, "--", 2) == 0) {
            status = refuse_forgotten(row, optarg, err);
        } else {
            status = take_option(values, row, optarg, config, err);
        }
    }
    for (; next < argc && status == HM_OK; ++next) {
        values->rest[values->rest_count++] = argv[next];
    }
    return status;
}

hm_status_t hm_option_read_arguments(hm_values_t *values, bool with_config, int most_positional,
                                     int argc, char **argv, const char **config, hm_error_t *err) {
    if (asks_for_help(argc, argv)) {
        values->help = true;
        return HM_OK;
    }
    struct option *options = make_long_options(values, with_config);
    if (!options) {
        return hm_error_set(err, HM_EMISSING, "out of memory for %d options", values->count);
    }
    int opterr_before = opterr;
    opterr = 0; /* messages are ours */
    optind = 0; /* start afresh, whoever used getopt before */
    hm_status_t status =
        read_all(values, with_config, most_positional, argc, argv, options, config, err);
    optind = 0; /* whoever comes next finds no half-read element */
    opterr = opterr_before;
    free(options);
    return status;
}
