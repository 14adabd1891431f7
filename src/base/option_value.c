/* One option's value: text to number, flag or choice, and what is near a wrong word. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "hm_text.h"
#include "option_private.h"

static hm_status_t convert_flag(const char *text, bool *flag, hm_error_t *err) {
    static const char *const words[2][4] = {{"false", "no", "off", "0"},
                                            {"true", "yes", "on", "1"}};
    for (int truth = 0; truth < 2; ++truth) {
        for (int i = 0; i < 4; ++i) {
            if (strcasecmp(text, words[truth][i]) == 0) {
                *flag = truth == 1;
                return HM_OK;
            }
        }
    }
    char brief[HM_TEXT_BRIEF];
    return hm_error_set(err, HM_EUSAGE, "neither true nor false (yes, no, on, off, 1, 0): '%s'",
                        hm_text_brief(text, brief));
}

static hm_status_t convert_choice(const char *const *choices, const char *text, int *choice,
                                  hm_error_t *err) {
    int count = 0;
    for (; choices[count]; ++count) {
        if (strcmp(text, choices[count]) == 0) {
            *choice = count;
            return HM_OK;
        }
    }
    char list[512] = "";
    size_t used = 0;
    for (int i = 0; i < count && used < sizeof list; ++i) {
        int wrote =
            snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? ", " : "", choices[i]);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
    const char *near = hm_text_nearest(text, choices, count);
    char brief[HM_TEXT_BRIEF];
    return hm_error_set(err, HM_EUSAGE, "not one of %s: '%s'%s%s%s", list,
                        hm_text_brief(text, brief), near ? "; did you mean '" : "",
                        near ? near : "", near ? "'?" : "");
}

hm_status_t hm_option_convert(const hm_option_t *option, const char *text, hm_option_value_t *value,
                              hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_option_value_t converted;
    memset(&converted, 0, sizeof converted);
    switch (option->type) {
    case HM_OPTION_FLAG:
        HM_TRY(convert_flag(text, &converted.flag, err));
        break;
    case HM_OPTION_INT: {
        bool any = option->low == 0 && option->high == 0;
        HM_TRY(hm_text_int(text, any ? INT64_MIN : option->low, any ? INT64_MAX : option->high,
                           &converted.integer, err));
        break;
    }
    case HM_OPTION_REAL:
        HM_TRY(hm_text_real(text, &converted.real, err));
        break;
    case HM_OPTION_SECONDS:
        HM_TRY(hm_text_seconds(text, &converted.real, err));
        break;
    case HM_OPTION_TEXT:
        break;
    case HM_OPTION_CHOICE:
        HM_TRY(convert_choice(option->choices, text, &converted.choice, err));
        break;
    }
    if (option->check) {
        HM_TRY(option->check(text, err));
    }
    *value = converted;
cleanup:
    return status;
}

hm_status_t hm_option_keep(hm_values_t *values, int index, const char *text, hm_origin_t origin,
                           hm_error_t *err) {
    const hm_option_t *option = &values->table[index];
    hm_option_value_t value;
    hm_status_t status = hm_option_convert(option, text, &value, err);
    if (status != HM_OK) {
        return status;
    }
    if (option->type == HM_OPTION_FLAG) {
        text = value.flag ? "true" : "false"; /* one spelling in the provenance */
    }
    char *copy = strdup(text);
    if (!copy) {
        return hm_error_set(err, HM_EMISSING, "out of memory for the value of '%s'", option->key);
    }
    free(values->text[index]);
    values->text[index] = copy;
    values->origin[index] = origin;
    return HM_OK;
}

const char *hm_option_nearest(const hm_values_t *values, const char *word, bool in_file,
                              bool with_config) {
    const char **keys = calloc((size_t)values->count + 2, sizeof *keys);
    if (!keys) {
        return NULL; /* a hint less */
    }
    int count = 0;
    for (int i = 0; i < values->count; ++i) {
        if (!in_file || !values->table[i].not_in_file) {
            keys[count++] = values->table[i].key;
        }
    }
    if (!in_file) {
        keys[count++] = "help";
    }
    if (!in_file && with_config) {
        keys[count++] = "config";
    }
    const char *near = hm_text_nearest(word, keys, count);
    free(keys);
    return near;
}
