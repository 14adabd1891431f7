/* Numbers, strictly. */
#include "hm_text.h"

#include <errno.h>
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
