/* The resolved settings as INI text. */
#include <stdlib.h>
#include <string.h>

#include "option_private.h"

static bool is_control(char c) {
    return (unsigned char)c < 0x20 || c == 0x7F;
}

/* Would the value come back changed when written without quotes? */
static bool needs_quotes(const char *text) {
    size_t length = strlen(text);
    if (length == 0 || text[0] == ' ' || text[0] == '"' || text[length - 1] == ' ') {
        return true;
    }
    for (const char *c = text; *c; ++c) {
        bool comment = (*c == '#' || *c == ';') && (c == text || c[-1] == ' ');
        if (comment || is_control(*c)) {
            return true;
        }
    }
    return false;
}

static void put_quoted(const char *text, FILE *out) {
    fputc('"', out);
    for (const char *c = text; *c; ++c) {
        switch (*c) {
        case '"':
        case '\\':
            fprintf(out, "\\%c", *c);
            break;
        case '\t':
            fputs("\\t", out);
            break;
        case '\n':
            fputs("\\n", out);
            break;
        case '\r':
            fputs("\\r", out);
            break;
        default:
            if (is_control(*c)) {
                fprintf(out, "\\x%02x", (unsigned)(unsigned char)*c);
            } else {
                fputc(*c, out);
            }
        }
    }
    fputc('"', out);
}

/* Does a key that was given stand for this one? */
static bool is_excluded(const hm_values_t *values, int index) {
    const char *key = values->table[index].key;
    for (int i = 0; i < values->count; ++i) {
        if (values->origin[i] != HM_FROM_DEFAULT && hm_option_excludes(&values->table[i], key)) {
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
        if (needs_quotes(values->text[i])) {
            put_quoted(values->text[i], out);
        } else {
            fputs(values->text[i], out);
        }
        fputc('\n', out);
    }
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}
