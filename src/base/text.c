#include "hm_text.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* isdigit() and friends look at the locale and dislike negative chars. */
static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *text) {
    while (is_digit(*text)) {
        ++text;
    }
    return text;
}

static const char *skip_sign(const char *text) {
    return *text == '+' || *text == '-' ? text + 1 : text;
}

const char *hm_text_brief(const char *text, char brief[HM_TEXT_BRIEF]) {
    size_t length = strlen(text);
    if (length < HM_TEXT_BRIEF) {
        memcpy(brief, text, length + 1);
        return brief;
    }
    length = HM_TEXT_BRIEF - 4;
    while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) {
        --length; /* not inside a UTF-8 character */
    }
    memcpy(brief, text, length);
    memcpy(brief + length, "...", 4);
    return brief;
}

hm_status_t hm_text_int(const char *text, int64_t low, int64_t high, int64_t *value,
                        hm_error_t *err) {
    char brief[HM_TEXT_BRIEF];
    const char *digits = skip_sign(text);
    const char *end = skip_digits(digits);
    if (end == digits || *end) {
        return hm_error_set(err, HM_EUSAGE, "not a whole number: '%s'", hm_text_brief(text, brief));
    }
    _Static_assert(sizeof(long long) == sizeof(int64_t), "strtoll gives 64 bits");
    errno = 0;
    int64_t number = strtoll(text, NULL, 10);
    if (errno == ERANGE || number < low || number > high) {
        return hm_error_set(err, HM_EUSAGE, "not in the range %lld to %lld: '%s'", (long long)low,
                            (long long)high, hm_text_brief(text, brief));
    }
    *value = number;
    return HM_OK;
}

/* The end of the decimal floating-point number at `text`; `text` itself when there is none. */
static const char *skip_real(const char *text) {
    const char *c = skip_sign(text);
    const char *whole = c;
    c = skip_digits(c);
    bool any = c > whole;
    if (*c == '.') {
        const char *fraction = c + 1;
        c = skip_digits(fraction);
        any = any || c > fraction;
    }
    if (!any) {
        return text;
    }
    if (*c == 'e' || *c == 'E') {
        const char *exponent = skip_sign(c + 1);
        const char *end = skip_digits(exponent);
        c = end > exponent ? end : c;
    }
    return c;
}

/* strtod, with a point as decimal point whatever the locale; false when it overflows. */
static bool to_real(const char *text, double *value) {
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    *value = c_locale ? strtod_l(text, NULL, c_locale) : strtod(text, NULL);
    if (c_locale) {
        freelocale(c_locale);
    }
    return isfinite(*value) != 0;
}

hm_status_t hm_text_real(const char *text, double *value, hm_error_t *err) {
    char brief[HM_TEXT_BRIEF];
    const char *end = skip_real(text);
    if (end == text || *end) {
        return hm_error_set(err, HM_EUSAGE, "not a number: '%s'", hm_text_brief(text, brief));
    }
    double number = 0.0;
    if (!to_real(text, &number)) {
        return hm_error_set(err, HM_EUSAGE, "too large a number: '%s'", hm_text_brief(text, brief));
    }
    *value = number;
    return HM_OK;
}

/* Digits only, at most `high`; moves *text behind them. */
static bool take_count(const char **text, int64_t high, int64_t *value) {
    if (!is_digit(**text)) {
        return false;
    }
    errno = 0;
    int64_t number = strtoll(*text, NULL, 10);
    if (errno == ERANGE || number > high) {
        return false;
    }
    *text = skip_digits(*text);
    *value = number;
    return true;
}

hm_status_t hm_text_size(const char *text, int64_t *width, int64_t *height, hm_error_t *err) {
    int64_t w = 0;
    int64_t h = 0;
    const char *c = text;
    if (!take_count(&c, INT32_MAX, &w) || *c++ != 'x' || !take_count(&c, INT32_MAX, &h) || *c ||
        w < 1 || h < 1) {
        char brief[HM_TEXT_BRIEF];
        return hm_error_set(err, HM_EUSAGE,
                            "not a size: '%s'; give WIDTHxHEIGHT, both 1 to 2147483647, as in "
                            "1920x1280",
                            hm_text_brief(text, brief));
    }
    *width = w;
    *height = h;
    return HM_OK;
}

/* "MM:SS", "HH:MM:SS" or "D-HH:MM:SS"; only the first field may be larger than a clock shows. */
static bool clock_seconds(const char *text, double *seconds) {
    enum { MOST = 1000000 };
    int64_t field[4] = {0, 0, 0, 0};
    int fields = 0;
    bool days = false;
    do {
        int64_t limit = fields == 0 ? MOST : days && fields == 1 ? 23 : 59;
        if (fields == 4 || !take_count(&text, limit, &field[fields])) {
            return false;
        }
        ++fields;
        if (fields == 1 && *text == '-') {
            days = true;
        } else if (*text && *text != ':') {
            return false;
        }
    } while (*text++);
    if (days ? fields != 4 : fields != 2 && fields != 3) {
        return false;
    }
    int64_t total = 0;
    for (int i = 0; i < fields; ++i) {
        total = total * (days && i == 1 ? 24 : 60) + field[i];
    }
    *seconds = (double)total;
    return true;
}

/* "90", "90s", "1.5m", "2h". */
static bool unit_seconds(const char *text, double *seconds) {
    const char *end = skip_real(text);
    if (end == text || !to_real(text, seconds)) {
        return false;
    }
    switch (*end) {
    case 'h':
        *seconds *= 60.0;
        __attribute__((fallthrough));
    case 'm':
        *seconds *= 60.0;
        __attribute__((fallthrough));
    case 's':
        ++end;
        break;
    default:
        break;
    }
    return *end == '\0' && isfinite(*seconds) && *seconds >= 0.0;
}

hm_status_t hm_text_seconds(const char *text, double *seconds, hm_error_t *err) {
    double number = 0.0;
    bool good = strchr(text, ':') ? clock_seconds(text, &number) : unit_seconds(text, &number);
    if (!good) {
        char brief[HM_TEXT_BRIEF];
        return hm_error_set(err, HM_EUSAGE,
                            "not a time: '%s'; give seconds, or as in 90s, 1.5m, 2h, 10:00 "
                            "(MM:SS), 2:00:00 (HH:MM:SS), 1-12:00:00 (days)",
                            hm_text_brief(text, brief));
    }
    *seconds = number;
    return HM_OK;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

hm_status_t hm_text_split(const char *text, char separator, char *buffer, size_t size,
                          char **pieces, int most, int *count, hm_error_t *err) {
    char brief[HM_TEXT_BRIEF];
    /* A first pass finds what is wrong, so that nothing has been written when something is. */
    size_t length = strlen(text);
    if (length >= size) {
        return hm_error_set(err, HM_EUSAGE, "too long (%zu characters): '%s'", length,
                            hm_text_brief(text, brief));
    }
    int found = 0;
    bool empty = true;
    for (const char *c = text;; ++c) {
        if (*c && *c != separator) {
            empty = empty && is_blank(*c);
            continue;
        }
        if (empty) {
            return hm_error_set(err, HM_EUSAGE, "an empty piece in '%s'",
                                hm_text_brief(text, brief));
        }
        ++found;
        empty = true;
        if (!*c) {
            break;
        }
    }
    if (found > most) {
        return hm_error_set(err, HM_EUSAGE, "%d pieces between '%c' instead of at most %d: '%s'",
                            found, separator, most, hm_text_brief(text, brief));
    }
    memcpy(buffer, text, length + 1);
    char *c = buffer;
    for (int i = 0; i < found; ++i) {
        while (is_blank(*c)) {
            ++c;
        }
        pieces[i] = c;
        char *next = c;
        while (*next && *next != separator) {
            ++next;
        }
        char *end = next;
        while (is_blank(end[-1])) { /* stops: pieces are not empty */
            --end;
        }
        *end = '\0';
        c = next + 1;
    }
    *count = found;
    return HM_OK;
}

enum { LONGEST_WORD = 63 };

static int smaller(int a, int b) {
    return a < b ? a : b;
}

/*
 * Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b` ("optimal
 * string alignment" distance; Damerau 1964, doi:10.1145/363958.363994, for why swaps count).
 */
static int edit_distance(const char *a, const char *b) {
    int rows[3][LONGEST_WORD + 1];
    int *before = rows[0];
    int *above = rows[1];
    int *row = rows[2];
    int length_a = (int)strlen(a);
    int length_b = (int)strlen(b);
    for (int j = 0; j <= length_b; ++j) {
        above[j] = j;
        before[j] = 0;
    }
    for (int i = 1; i <= length_a; ++i) {
        row[0] = i;
        for (int j = 1; j <= length_b; ++j) {
            int best = above[j - 1] + (a[i - 1] != b[j - 1]);
            best = smaller(best, 1 + smaller(above[j], row[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                best = smaller(best, 1 + before[j - 2]);
            }
            row[j] = best;
        }
        int *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[length_b];
}

const char *hm_text_nearest(const char *word, const char *const *names, int count) {
    size_t length = strlen(word);
    if (length == 0 || length > LONGEST_WORD) {
        return NULL;
    }
    const char *best = NULL;
    int best_distance = INT_MAX;
    for (int i = 0; i < count; ++i) {
        size_t name_length = strlen(names[i]);
        if (name_length > LONGEST_WORD) {
            continue;
        }
        /* A beginning counts as near, so that abbreviations find the whole name. */
        bool begins = strncmp(word, names[i], length) == 0;
        int distance = begins ? 0 : edit_distance(word, names[i]);
        /* One slip in three letters; two words that share nothing are never near. */
        int slips = (int)(length > name_length ? length : name_length);
        if (!begins && distance > (slips + 2) / 3) {
            continue;
        }
        if (!begins && distance >= slips) {
            continue;
        }
        if (distance < best_distance) {
            best = names[i];
            best_distance = distance;
        }
    }
    return best;
}
