/* How a value is written in a config file: both ways, so that what is written is what is read. */
#include <string.h>

#include "hm_text.h"
#include "option_private.h"

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The character that \x stands for, 0 for none; moves *c to the last byte of the escape. */
static char unescape(const char **c) {
    switch (**c) {
    case '\\':
    case '"':
        return **c;
    case 't':
        return '\t';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 'x': {
        int high = hex_digit((*c)[1]);
        int low = high < 0 ? -1 : hex_digit((*c)[2]);
        *c += low < 0 ? 0 : 2;
        return (char)(low < 0 ? 0 : high * 16 + low);
    }
    default:
        return 0;
    }
}

/* Nothing but blanks and a comment may follow a closing quote. */
static bool is_nothing(const char *text) {
    const char *c = text;
    while (hm_text_is_blank(*c)) {
        ++c;
    }
    return *c == '\0' || (c > text && (*c == '#' || *c == ';'));
}

/* A value in quotes, in place; the result is never longer. */
static hm_status_t unquote(char *value, hm_error_t *err) {
    char *to = value;
    const char *c = value + 1;
    for (; *c && *c != '"'; ++c) {
        char plain = *c;
        if (plain == '\\') {
            ++c;
            plain = unescape(&c);
            if (!plain) {
                return hm_error_set(err, HM_EUSAGE,
                                    "unknown escape in quotes; there are \\\\ \\\" \\t \\n \\r "
                                    "\\xHH");
            }
        }
        *to++ = plain;
    }
    if (*c != '"') {
        return hm_error_set(err, HM_EUSAGE, "the closing quote '\"' is missing");
    }
    if (!is_nothing(c + 1)) {
        char brief[HM_TEXT_BRIEF];
        return hm_error_set(err, HM_EUSAGE, "text behind the closing quote: '%s'",
                            hm_text_brief(c + 1, brief));
    }
    *to = '\0';
    return HM_OK;
}

/* A value without quotes, in place: ends where a comment begins. */
static void cut_comment(char *value) {
    char *end = value;
    while (*end && !((*end == '#' || *end == ';') && (end == value || hm_text_is_blank(end[-1])))) {
        ++end;
    }
    while (end > value && hm_text_is_blank(end[-1])) {
        --end;
    }
    *end = '\0';
}

hm_status_t hm_option_read_value(char *value, hm_error_t *err) {
    if (value[0] == '"') {
        return unquote(value, err);
    }
    cut_comment(value);
    return HM_OK;
}

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

void hm_option_write_value(const char *text, FILE *out) {
    if (needs_quotes(text)) {
        put_quoted(text, out);
    } else {
        fputs(text, out);
    }
}
