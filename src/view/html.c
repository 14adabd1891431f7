/* Text, pictures and drawings inside of an HTML page. */
#include "hm_html.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Largest file that goes into a page. */
enum { MOST_BYTES = 1 << 26 };

/* Bytes of the UTF-8 character at `text`, 0 when there is none: too long forms, surrogates and
 * what is beyond U+10FFFF are none (RFC 3629). */
static int utf8_length(const unsigned char *c) {
    int length = c[0] < 0x80 ? 1 : c[0] < 0xC2 ? 0 : c[0] < 0xE0 ? 2 : c[0] < 0xF0 ? 3 : 4;
    if (length == 0 || c[0] > 0xF4) {
        return 0;
    }
    for (int i = 1; i < length; ++i) {
        if ((c[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    bool wrong = (c[0] == 0xE0 && c[1] < 0xA0) || (c[0] == 0xED && c[1] > 0x9F) ||
                 (c[0] == 0xF0 && c[1] < 0x90) || (c[0] == 0xF4 && c[1] > 0x8F);
    return wrong ? 0 : length;
}

void hm_html_text(FILE *out, const char *text) {
    const unsigned char *c = (const unsigned char *)text;
    while (*c) {
        int length = utf8_length(c);
        if (length > 1) {
            fwrite(c, 1, (size_t)length, out);
        } else if (length == 0 || (*c < 0x20 && *c != '\t' && *c != '\n') || *c == 0x7F) {
            fputs("\xEF\xBF\xBD", out);
        } else if (*c == '&') {
            fputs("&amp;", out);
        } else if (*c == '<') {
            fputs("&lt;", out);
        } else if (*c == '>') {
            fputs("&gt;", out);
        } else if (*c == '"') {
            fputs("&quot;", out);
        } else if (*c == '\'') {
            fputs("&#39;", out);
        } else {
            fputc(*c, out);
        }
        c += length > 0 ? length : 1;
    }
}

void hm_html_print(FILE *out, const char *format, ...) {
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    hm_html_text(out, text);
}

/* A whole file, NUL behind it. */
static hm_status_t load(const char *path, char **text, size_t *size, hm_error_t *err) {
    hm_status_t status = HM_OK;
    char *memory = NULL;
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) {
        HM_TRY(hm_error_errno(err, HM_EIO, errno, "cannot read '%s'", path));
    }
    long length = ftell(file);
    if (length < 0 || length > MOST_BYTES) {
        HM_TRY(hm_error_set(err, HM_EIO, "'%s' is too large for a page", path));
    }
    rewind(file);
    memory = malloc((size_t)length + 1);
    if (!memory) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for '%s'", path));
    }
    if (fread(memory, 1, (size_t)length, file) != (size_t)length) {
        HM_TRY(hm_error_set(err, HM_EIO, "cannot read '%s'", path));
    }
    memory[length] = '\0';
    *text = memory;
    *size = (size_t)length;
    memory = NULL;
cleanup:
    free(memory);
    if (file) {
        fclose(file);
    }
    return status;
}

hm_status_t hm_html_data(FILE *out, const char *path, const char *type, hm_error_t *err) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *bytes = NULL;
    size_t size = 0;
    hm_status_t status = load(path, &bytes, &size, err);
    if (status != HM_OK) {
        return status;
    }
    fprintf(out, "data:%s;base64,", type);
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t three = (uint32_t)(unsigned char)bytes[i] << 16;
        three |= left > 1 ? (uint32_t)(unsigned char)bytes[i + 1] << 8 : 0;
        three |= left > 2 ? (uint32_t)(unsigned char)bytes[i + 2] : 0;
        fputc(digits[three >> 18], out);
        fputc(digits[three >> 12 & 63], out);
        fputc(left > 1 ? digits[three >> 6 & 63] : '=', out);
        fputc(left > 2 ? digits[three & 63] : '=', out);
    }
    free(bytes);
    return HM_OK;
}

/* --- drawings ----------------------------------------------------------------------------------
 */

/* What makes a reader of the page ask somebody else, or run something. */
static bool is_harmless(const char *svg) {
    static const char *const bad[] = {"<script", "<foreignObject", "<image",
                                      "<iframe", "@import",        "javascript:"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        if (strcasestr(svg, bad[i])) {
            return false;
        }
    }
    /* References within the drawing, and the names of XML's vocabularies, are the only ones. */
    for (const char *c = svg; (c = strstr(c, "href=")) != NULL; c += 5) {
        if ((c[5] != '"' && c[5] != '\'') || c[6] != '#') {
            return false;
        }
    }
    return true;
}

/* Is a name, or a reference to one, behind this place? The length of what stands in front of it. */
static size_t name_follows(const char *at) {
    static const char *const fronts[] = {" id=\"", " id='", "href=\"#", "href='#", "url(#"};
    for (size_t i = 0; i < sizeof fronts / sizeof *fronts; ++i) {
        size_t length = strlen(fronts[i]);
        if (strncmp(at, fronts[i], length) == 0) {
            return length;
        }
    }
    return 0;
}

/* The part of the <svg> tag that says how large the drawing is in its own units. */
static bool find_view_box(const char *tag, const char *end, const char **value, size_t *length) {
    const char *found = strstr(tag, "viewBox=\"");
    if (!found || found > end) {
        return false;
    }
    *value = found + 9;
    *length = strcspn(*value, "\"");
    return strspn(*value, "0123456789. -") == *length;
}

hm_status_t hm_html_svg(FILE *out, const char *path, const char *prefix, const char *label,
                        hm_error_t *err) {
    hm_status_t status = HM_OK;
    char *svg = NULL;
    size_t size = 0;
    HM_TRY(load(path, &svg, &size, err));
    const char *tag = strstr(svg, "<svg");
    const char *body = tag ? strchr(tag, '>') : NULL;
    const char *box = NULL;
    size_t box_length = 0;
    if (!body || !find_view_box(tag, body, &box, &box_length) || !is_harmless(svg)) {
        HM_TRY(hm_error_set(err, HM_EDATA, "'%s' is no drawing that a page may hold", path));
    }
    fprintf(out, "<svg viewBox=\"%.*s\" role=\"img\" aria-label=\"", (int)box_length, box);
    hm_html_text(out, label);
    fputs("\" xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\">",
          out);
    for (const char *c = body + 1; *c;) {
        if (strncmp(c, "<title>", 7) == 0 || strncmp(c, "<desc>", 6) == 0) {
            const char *close = strstr(c, c[1] == 't' ? "</title>" : "</desc>");
            if (close) {
                c = strchr(close, '>') + 1;
                continue;
            }
        }
        size_t front = name_follows(c);
        if (front > 0) {
            fprintf(out, "%.*s%s-", (int)front, c, prefix);
            c += front;
        } else {
            fputc(*c++, out);
        }
    }
cleanup:
    free(svg);
    return status;
}
