/* The option table as help. */
#include <stdlib.h>
#include <string.h>

#include "hm_option.h"

enum {
    PAGE_COLUMNS = 100,
    WIDEST_LABEL = 30, /* longer labels get a line of their own */
    LABEL_BYTES = 256
};

/* Columns that UTF-8 text takes: bytes that continue no character. */
static int columns(const char *text, size_t length) {
    int count = 0;
    for (size_t i = 0; i < length; ++i) {
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    }
    return count;
}

/* Where words go: at `column`, on lines that begin at `indent`. */
typedef struct page_t {
    FILE *out;
    int indent;
    int column;
} page_t;

static void put_words(page_t *page, const char *text) {
    while (*text) {
        text += strspn(text, " ");
        size_t length = strcspn(text, " ");
        if (length == 0) {
            break;
        }
        int width = columns(text, length);
        bool behind_label = page->column < page->indent;
        if (behind_label) {
            fprintf(page->out, "%*s", page->indent - page->column, "");
            page->column = page->indent;
        } else if (page->column + 1 + width <= PAGE_COLUMNS) {
            fputc(' ', page->out);
            ++page->column;
        } else {
            fprintf(page->out, "\n%*s", page->indent, "");
            page->column = page->indent;
        }
        fprintf(page->out, "%.*s", (int)length, text);
        page->column += width;
        text += length;
    }
}

static const char *value_name(const hm_option_t *option) {
    return option->value ? option->value : option->type == HM_OPTION_CHOICE ? "NAME" : "VALUE";
}

/* "  --key VALUE" */
static int make_label(const hm_option_t *option, char label[LABEL_BYTES]) {
    bool flag = option->type == HM_OPTION_FLAG;
    (void)snprintf(label, LABEL_BYTES, "  --%s%s%s", option->key, flag ? "" : " ",
                   flag ? "" : value_name(option));
    return columns(label, strlen(label));
}

/* "(a, b, c; default a)" */
static void put_note(page_t *page, const hm_option_t *option) {
    char note[1024] = "";
    size_t used = 0;
    for (int i = 0; option->type == HM_OPTION_CHOICE && option->choices[i]; ++i) {
        int wrote = snprintf(note + used, sizeof note - used, "%s%s", i > 0 ? ", " : "",
                             option->choices[i]);
        used += wrote > 0 ? (size_t)wrote : 0;
        used = used < sizeof note ? used : sizeof note - 1;
    }
    bool off = option->type == HM_OPTION_FLAG;
    if (option->fallback && option->fallback[0] && !off) {
        int wrote = snprintf(note + used, sizeof note - used, "%sdefault %s", used > 0 ? "; " : "",
                             option->fallback);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
    if (used > 0) {
        char bracketed[sizeof note + 2];
        (void)snprintf(bracketed, sizeof bracketed, "(%s)", note);
        put_words(page, bracketed);
    }
}

static void put_option(const hm_option_t *option, int indent, FILE *out) {
    char label[LABEL_BYTES];
    int width = make_label(option, label);
    page_t page = {.out = out, .indent = indent, .column = width};
    fputs(label, out);
    if (width + 2 > indent) {
        page.column = PAGE_COLUMNS; /* the first word goes to the next line */
    }
    put_words(&page, option->help ? option->help : "");
    put_note(&page, option);
    fputc('\n', out);
}

static const char *heading(const hm_option_t *option) {
    return option->group ? option->group : "Options";
}

static bool has_heading_before(const hm_option_t *table, int row) {
    for (int i = 0; i < row; ++i) {
        if (strcmp(heading(&table[i]), heading(&table[row])) == 0) {
            return true;
        }
    }
    return false;
}

void hm_options_help(const hm_option_t *table, FILE *out) {
    static const hm_option_t help = {
        .key = "help", .type = HM_OPTION_FLAG, .help = "print this and do nothing"};
    char label[LABEL_BYTES];
    int widest = make_label(&help, label);
    for (int i = 0; table[i].key; ++i) {
        int width = make_label(&table[i], label);
        widest = width > widest && width <= WIDEST_LABEL ? width : widest;
    }
    int indent = widest + 2;
    for (int i = 0; table[i].key; ++i) {
        if (has_heading_before(table, i)) {
            continue;
        }
        fprintf(out, "\n%s:\n", heading(&table[i]));
        for (int j = i; table[j].key; ++j) {
            if (strcmp(heading(&table[i]), heading(&table[j])) == 0) {
                put_option(&table[j], indent, out);
            }
        }
    }
    fputc('\n', out);
    put_option(&help, indent, out);
}
