/**
 * @file hm_text.h
 * Text to numbers, strictly: the whole text must be the number (no trailing garbage, no leading
 * space, no empty text), in range, finite. Messages name what was expected: "not a whole number:
 * '12x'". The caller adds which key it was.
 */
#ifndef HM_TEXT_H
#define HM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hm_error.h"

/** What may stand around words: a space or a tab, whatever the locale. */
static inline bool hm_text_is_blank(char c) {
    return c == ' ' || c == '\t';
}

/** Room for hm_text_brief(). */
enum { HM_TEXT_BRIEF = 72 };

/** `text`, or when it is long its beginning and "...", in `brief`, which is returned: for
 * messages about values of any length. */
const char *hm_text_brief(const char *text, char brief[HM_TEXT_BRIEF]);

/** Decimal integer in [low, high]. HM_EUSAGE otherwise. */
hm_status_t hm_text_int(const char *text, int64_t low, int64_t high, int64_t *value,
                        hm_error_t *err);

/** Decimal floating-point number, finite ("nan", "inf", hexadecimal are refused; a value that
 * overflows too). */
hm_status_t hm_text_real(const char *text, double *value, hm_error_t *err);

/** "WIDTHxHEIGHT", both 1 to 2^31-1. */
hm_status_t hm_text_size(const char *text, int64_t *width, int64_t *height, hm_error_t *err);

/** Seconds from "90", "90s", "1.5m", "2h", "MM:SS", "HH:MM:SS" or "D-HH:MM:SS" (as schedulers write
 * it). */
hm_status_t hm_text_seconds(const char *text, double *seconds, hm_error_t *err);

/**
 * Splits `text` at each `separator` into at most `most` pieces, in place in `buffer` (of `size`
 * bytes, receives a copy). Fails when there are more pieces, or an empty one, or the buffer is too
 * small. Blanks around pieces are dropped.
 */
hm_status_t hm_text_split(const char *text, char separator, char *buffer, size_t size,
                          char **pieces, int most, int *count, hm_error_t *err);

/** The entry of `names` (count of them) nearest to `word` by edit distance, or NULL when none is
 * near: "did you mean". */
const char *hm_text_nearest(const char *word, const char *const *names, int count);

#endif
