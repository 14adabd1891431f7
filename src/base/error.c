#include "hm_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A message is one line and never ends inside a UTF-8 character, whatever texts went into it. */
static void tidy(char *text) {
    size_t length = strlen(text);
    if (length == HM_ERROR_TEXT - 1) { /* was cut, perhaps inside a character */
        size_t start = length;
        while (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0x80) {
            --start;
        }
        unsigned char lead = start > 0 ? (unsigned char)text[start - 1] : 0;
        size_t whole = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
        if (whole > 1 && length - (start - 1) < whole) {
            text[start - 1] = '\0';
        }
    }
    for (char *c = text; *c; ++c) {
        if ((unsigned char)*c < 0x20 || *c == 0x7F) {
            *c = ' ';
        }
    }
}

HM_PRINTF(3, 0)
static void set(hm_error_t *err, hm_status_t status, const char *format, va_list arguments) {
    /* The arguments may point into err->text itself. */
    char text[HM_ERROR_TEXT];
    if (vsnprintf(text, sizeof text, format, arguments) < 0) {
        text[0] = '\0';
    }
    tidy(text);
    err->status = status;
    memcpy(err->text, text, strlen(text) + 1);
}

hm_status_t hm_error_set(hm_error_t *err, hm_status_t status, const char *format, ...) {
    if (err) {
        va_list arguments;
        va_start(arguments, format);
        set(err, status, format, arguments);
        va_end(arguments);
    }
    return status;
}

hm_status_t hm_error_errno(hm_error_t *err, hm_status_t status, int errnum, const char *format,
                           ...) {
    if (err) {
        va_list arguments;
        va_start(arguments, format);
        set(err, status, format, arguments);
        va_end(arguments);
        char reason[128];
        /* The GNU form, which may return text of its own instead of filling the buffer. */
        const char *why = strerror_r(errnum, reason, sizeof reason);
        size_t length = strlen(err->text);
        (void)snprintf(err->text + length, sizeof err->text - length, ": %s", why);
        tidy(err->text);
    }
    return status;
}

hm_status_t hm_error_context(hm_error_t *err, const char *format, ...) {
    if (!err) {
        return HM_OK;
    }
    char old[HM_ERROR_TEXT];
    memcpy(old, err->text, sizeof old);
    old[sizeof old - 1] = '\0';
    va_list arguments;
    va_start(arguments, format);
    set(err, err->status, format, arguments);
    va_end(arguments);
    size_t length = strlen(err->text);
    (void)snprintf(err->text + length, sizeof err->text - length, ": %s", old);
    tidy(err->text);
    return err->status;
}

const char *hm_status_name(hm_status_t status) {
    switch (status) {
    case HM_OK:
        return "ok";
    case HM_DIFFERENT:
        return "different";
    case HM_EUSAGE:
        return "usage";
    case HM_EDATA:
        return "data";
    case HM_EMISSING:
        return "missing";
    case HM_EBUG:
        return "bug";
    case HM_ECREATE:
        return "create";
    case HM_EIO:
        return "io";
    case HM_STOPPED:
        return "stopped";
    }
    return "unknown";
}
