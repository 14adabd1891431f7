/* Lists in a text, and words near a wrong one. */
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "hm_text.h"

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
            empty = empty && hm_text_is_blank(*c);
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
        while (hm_text_is_blank(*c)) {
            ++c;
        }
        pieces[i] = c;
        char *next = c;
        while (*next && *next != separator) {
            ++next;
        }
        char *end = next;
        while (hm_text_is_blank(end[-1])) { /* stops: pieces are not empty */
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
