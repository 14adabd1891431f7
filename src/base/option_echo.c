/* The resolved settings as INI text. */
#include <stdlib.h>

#include "option_private.h"

/* Does a key that was given stand for this one? */
static bool is_excluded(const hm_values_t *values, int index) {
    const char *key = values->table[index].key;
    for (int i = 0; i < values->count; ++i) {
        if (hm_option_asked_for(values, i) && hm_option_excludes(&values->table[i], key)) {
            return true;
        }
    }
    return false;
}

char *hm_options_ini(const hm_values_t *values) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) {
        return NULL;
    }
    for (int i = 0; i < values->count; ++i) {
        const hm_option_t *option = &values->table[i];
        if (!values->text[i] || option->not_in_echo || option->not_in_file ||
            is_excluded(values, i)) {
            continue;
        }
        fprintf(out, "%s = ", option->key);
        hm_option_write_value(values->text[i], out);
        fputc('\n', out);
    }
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}
