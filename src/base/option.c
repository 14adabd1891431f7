/* The option table: from texts, wherever they came from, to settings. */
#include "hm_option.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "option_private.h"

int hm_option_find(const hm_values_t *values, const char *key, size_t length) {
    for (int i = 0; i < values->count; ++i) {
        const char *known = values->table[i].key;
        if (strncmp(known, key, length) == 0 && known[length] == '\0') {
            return i;
        }
    }
    return -1;
}

bool hm_option_excludes(const hm_option_t *option, const char *key) {
    size_t length = strlen(key);
    for (const char *c = option->excludes; c && *c; c += *c == ',') {
        size_t listed = strcspn(c, ",");
        if (listed == length && strncmp(c, key, length) == 0) {
            return true;
        }
        c += listed;
    }
    return false;
}

const char *hm_options_text(const hm_values_t *values, const char *key) {
    int index = hm_option_find(values, key, strlen(key));
    assert(index >= 0);
    return values->text[index];
}

bool hm_options_given(const hm_values_t *values, const char *key) {
    int index = hm_option_find(values, key, strlen(key));
    assert(index >= 0);
    return values->origin[index] != HM_FROM_DEFAULT;
}

void hm_options_free(hm_values_t *values) {
    for (int i = 0; values->text && i < values->count; ++i) {
        free(values->text[i]);
    }
    free(values->text);
    free(values->origin);
    free(values->positional);
    free(values->rest);
    *values = (hm_values_t){0};
}

/* Tables are short and built by hand, so a wrong default is a bug, whoever runs into it. */
static hm_status_t keep_default(hm_values_t *values, int index, hm_error_t *err) {
    const hm_option_t *option = &values->table[index];
    const char *text = option->fallback;
    if (!text && option->type == HM_OPTION_FLAG) {
        text = "false";
    }
    if (!text) {
        free(values->text[index]);
        values->text[index] = NULL;
        values->origin[index] = HM_FROM_DEFAULT;
        return HM_OK;
    }
    hm_status_t status = hm_option_keep(values, index, text, HM_FROM_DEFAULT, err);
    if (status == HM_EUSAGE) {
        status = HM_EBUG;
        if (err) {
            err->status = status;
            hm_error_context(err, "default of option '%s'", option->key);
        }
    }
    return status;
}

bool hm_option_asked_for(const hm_values_t *values, int index) {
    return values->origin[index] != HM_FROM_DEFAULT &&
           (values->table[index].type != HM_OPTION_FLAG ||
            strcmp(values->text[index], "true") == 0);
}

/* One of two that exclude each other must go, or, from the same place, neither can stay. */
static hm_status_t settle(hm_values_t *values, int one, int other, hm_error_t *err) {
    hm_origin_t from_one = values->origin[one];
    hm_origin_t from_other = values->origin[other];
    if (!hm_option_asked_for(values, one) || !hm_option_asked_for(values, other)) {
        return HM_OK;
    }
    if (from_one == from_other) {
        return hm_error_set(err, HM_EUSAGE, "%s excludes %s: give the one or the other%s",
                            values->table[one].key, values->table[other].key,
                            from_one == HM_FROM_FILE ? " in the config file" : "");
    }
    return keep_default(values, from_one == HM_FROM_FILE ? one : other, err);
}

static hm_status_t settle_all(hm_values_t *values, hm_error_t *err) {
    for (int i = 0; i < values->count; ++i) {
        for (int j = 0; j < values->count; ++j) {
            if (hm_option_excludes(&values->table[i], values->table[j].key)) {
                hm_status_t status = settle(values, i, j, err);
                if (status != HM_OK) {
                    return status;
                }
            }
        }
    }
    return HM_OK;
}

/* Writes one variable; everything has been checked before. */
static void store(const hm_values_t *values, int index, void *settings) {
    const hm_option_t *option = &values->table[index];
    const char *text = values->text[index];
    hm_option_value_t value;
    memset(&value, 0, sizeof value);
    if (text) {
        hm_status_t status = hm_option_convert(option, text, &value, NULL);
        assert(status == HM_OK);
        (void)status;
    }
    char *variable = (char *)settings + option->offset;
    switch (option->type) {
    case HM_OPTION_FLAG:
        memcpy(variable, &value.flag, sizeof value.flag);
        break;
    case HM_OPTION_INT:
        memcpy(variable, &value.integer, sizeof value.integer);
        break;
    case HM_OPTION_REAL:
    case HM_OPTION_SECONDS:
        memcpy(variable, &value.real, sizeof value.real);
        break;
    case HM_OPTION_TEXT:
        memcpy(variable, &text, sizeof text);
        break;
    case HM_OPTION_CHOICE:
        memcpy(variable, &value.choice, sizeof value.choice);
        break;
    }
}

static hm_status_t make_values(const hm_option_t *table, int argc, hm_values_t *values,
                               hm_error_t *err) {
    values->table = table;
    while (table[values->count].key) {
        ++values->count;
    }
    size_t rows = (size_t)values->count + 1; /* never 0, which calloc may answer with NULL */
    size_t arguments = argc > 0 ? (size_t)argc + 1 : 1;
    values->text = calloc(rows, sizeof *values->text);
    values->origin = calloc(rows, sizeof *values->origin);
    values->positional = calloc(arguments, sizeof *values->positional);
    values->rest = calloc(arguments, sizeof *values->rest);
    if (!values->text || !values->origin || !values->positional || !values->rest) {
        return hm_error_set(err, HM_EMISSING, "out of memory for %d options", values->count);
    }
    hm_status_t status = HM_OK;
    for (int i = 0; i < values->count && status == HM_OK; ++i) {
        status = keep_default(values, i, err);
    }
    return status;
}

hm_status_t hm_options_parse(const hm_option_t *table, bool with_config, int most_positional,
                             int argc, char **argv, void *settings, hm_values_t *values,
                             hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_values_t parsed = {0};
    const char *config = NULL;
    HM_TRY(make_values(table, argc, &parsed, err));
    HM_TRY(
        hm_option_read_arguments(&parsed, with_config, most_positional, argc, argv, &config, err));
    if (!parsed.help) {
        if (config) {
            HM_TRY(hm_option_read_file(&parsed, config, err));
        }
        HM_TRY(settle_all(&parsed, err));
        for (int i = 0; i < parsed.count; ++i) {
            store(&parsed, i, settings);
        }
    }
    *values = parsed;
    parsed = (hm_values_t){0};
cleanup:
    hm_options_free(&parsed);
    return status;
}
