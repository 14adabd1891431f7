/**
 * @file expression.c Expressions over points: a parser by recursive descent (one function a level
 * of binding) to a program for a stack, and its evaluation a block of points at a time.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hm_find.h"
#include "hm_text.h"

enum { MOST_STEPS = 256, MOST_DEPTH = 32, MOST_NESTED = 64, BLOCK = 256 };

/** What a step does: pushes a value, or takes one or two and pushes what they give. */
typedef enum step_kind_t {
    STEP_NUMBER,
    STEP_CHANNEL, /* of number `channel` */
    STEP_RE,
    STEP_IM,
    STEP_ROW,
    STEP_COLUMN,
    STEP_INSIDE,
    STEP_NEGATE,
    STEP_NOT,
    STEP_ABS,
    STEP_ADD,
    STEP_SUBTRACT,
    STEP_MULTIPLY,
    STEP_DIVIDE,
    STEP_EQUAL,
    STEP_UNEQUAL,
    STEP_LESS,
    STEP_AT_MOST,
    STEP_MORE,
    STEP_AT_LEAST,
    STEP_AND,
    STEP_OR
} step_kind_t;

typedef struct step_t {
    step_kind_t kind;
    int channel;
    double number;
} step_t;

struct hm_expression_t {
    step_t step[MOST_STEPS];
    int steps;
    uint32_t channels;
};

static const struct {
    const char *name;
    step_kind_t kind;
    int channel;
} names[] = {{"iterations", STEP_CHANNEL, HM_CHANNEL_ITERATIONS},
             {"count", STEP_CHANNEL, HM_CHANNEL_ITERATIONS},
             {"smooth", STEP_CHANNEL, HM_CHANNEL_SMOOTH},
             {"distance", STEP_CHANNEL, HM_CHANNEL_DISTANCE},
             {"period", STEP_CHANNEL, HM_CHANNEL_PERIOD},
             {"inside", STEP_INSIDE, HM_CHANNEL_ITERATIONS},
             {"re", STEP_RE, -1},
             {"im", STEP_IM, -1},
             {"row", STEP_ROW, -1},
             {"column", STEP_COLUMN, -1}};
enum { NAMES = sizeof names / sizeof *names };

/** Operators that stand between two operands, by how tightly they bind. */
static const struct {
    const char *text;
    int level;
    step_kind_t kind;
} operators[] = {{"||", 0, STEP_OR},      {"or", 0, STEP_OR},       {"&&", 1, STEP_AND},
                 {"and", 1, STEP_AND},    {"==", 2, STEP_EQUAL},    {"!=", 2, STEP_UNEQUAL},
                 {"<=", 2, STEP_AT_MOST}, {">=", 2, STEP_AT_LEAST}, {"<", 2, STEP_LESS},
                 {">", 2, STEP_MORE},     {"+", 3, STEP_ADD},       {"-", 3, STEP_SUBTRACT},
                 {"*", 4, STEP_MULTIPLY}, {"/", 4, STEP_DIVIDE}};
enum { OPERATORS = sizeof operators / sizeof *operators, LEVELS = 5, COMPARISONS = 2 };

typedef struct parser_t {
    const char *text, *at;
    hm_expression_t *made;
    int depth;  /* of the stack */
    int nested; /* parentheses and signs that are open */
    hm_error_t *err;
} parser_t;

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

static void skip_blanks(parser_t *p) {
    while (hm_text_is_blank(*p->at)) {
        ++p->at;
    }
}

/** Fails at the present place. */
static hm_status_t refuse(const parser_t *p, const char *what, const char *hint) {
    char brief[HM_TEXT_BRIEF];
    char here[HM_TEXT_BRIEF];
    if (*p->at == '\0') {
        return hm_error_set(p->err, HM_EUSAGE, "'%s' is wrong at its end: %s%s",
                            hm_text_brief(p->text, brief), what, hint);
    }
    return hm_error_set(p->err, HM_EUSAGE, "'%s' is wrong at character %ld: %s, not '%s'%s",
                        hm_text_brief(p->text, brief), (long)(p->at - p->text) + 1, what,
                        hm_text_brief(p->at, here), hint);
}

/** Adds a step that changes the stack's depth by `change`. */
static hm_status_t emit(parser_t *p, step_t step, int change) {
    if (p->made->steps == MOST_STEPS || p->depth + change > MOST_DEPTH) {
        return hm_error_set(p->err, HM_EUSAGE,
                            "the expression is too long: at most %d operands "
                            "and operators, %d values at a time",
                            MOST_STEPS, MOST_DEPTH);
    }
    p->made->step[p->made->steps++] = step;
    p->depth += change;
    return HM_OK;
}

/** The length of the word or sign `text` when it stands here, else 0. */
static size_t here(const parser_t *p, const char *text) {
    const size_t length = strlen(text);
    if (strncmp(p->at, text, length) != 0 || (is_word(text[0]) && is_word(p->at[length]))) {
        return 0;
    }
    return length;
}

static hm_status_t parse_level(parser_t *p, int level);

static hm_status_t parse_number(parser_t *p) {
    char digits[64];
    size_t length = 0;
    double number = 0;
    const char *c = p->at;
    while (isdigit((unsigned char)*c) || *c == '.' || ((*c == 'e' || *c == 'E') && c > p->at) ||
           ((*c == '+' || *c == '-') && (c[-1] == 'e' || c[-1] == 'E') && c > p->at)) {
        if (length + 1 < sizeof digits) {
            digits[length++] = *c;
        }
        ++c;
    }
    digits[length] = '\0';
    if (is_word(*c) || (size_t)(c - p->at) != length ||
        hm_text_real(digits, &number, NULL) != HM_OK) {
        return refuse(p, "expected a number", "");
    }
    p->at = c;
    return emit(p, (step_t){.kind = STEP_NUMBER, .number = number}, 1);
}

static hm_status_t parse_name(parser_t *p) {
    char word[32];
    const char *known[NAMES];
    char hint[64] = "";
    for (int i = 0; i < NAMES; ++i) {
        const size_t length = here(p, names[i].name);
        if (length > 0) {
            p->at += length;
            if (names[i].channel >= 0) {
                p->made->channels |= 1u << names[i].channel;
            }
            return emit(p, (step_t){.kind = names[i].kind, .channel = names[i].channel}, 1);
        }
        known[i] = names[i].name;
    }
    size_t length = 0;
    while (is_word(p->at[length]) && length + 1 < sizeof word) {
        word[length] = p->at[length];
        ++length;
    }
    word[length] = '\0';
    const char *near = hm_text_nearest(word, known, NAMES);
    if (near) {
        snprintf(hint, sizeof hint, "; did you mean '%s'?", near);
    }
    return refuse(
        p, "expected count, smooth, distance, period, re, im, row, column, inside or abs()", hint);
}

/** ( expression ) behind an opening parenthesis. */
static hm_status_t parse_inner(parser_t *p) {
    hm_status_t status = parse_level(p, 0);
    if (status != HM_OK) {
        return status;
    }
    skip_blanks(p);
    if (*p->at != ')') {
        return refuse(p, "expected ')' or an operator", "");
    }
    ++p->at;
    return HM_OK;
}

static hm_status_t parse_operand(parser_t *p) {
    hm_status_t status = HM_OK;
    skip_blanks(p);
    if (++p->nested > MOST_NESTED) {
        HM_TRY(refuse(p, "more than 64 parentheses and signs within each other", ""));
    }
    const size_t abs = here(p, "abs");
    const size_t not_word = here(p, "not");
    if (*p->at == '(') {
        ++p->at;
        HM_TRY(parse_inner(p));
    } else if (*p->at == '-' || *p->at == '+') {
        const bool negative = *p->at++ == '-';
        HM_TRY(parse_operand(p));
        HM_TRY(negative ? emit(p, (step_t){.kind = STEP_NEGATE}, 0) : HM_OK);
    } else if (not_word > 0 || *p->at == '!') {
        p->at += not_word > 0 ? not_word : 1;
        /* `not a < b` is not (a < b), as words read; `!a < b` is (!a) < b, as in C. */
        HM_TRY(not_word > 0 ? parse_level(p, COMPARISONS) : parse_operand(p));
        HM_TRY(emit(p, (step_t){.kind = STEP_NOT}, 0));
    } else if (abs > 0) {
        p->at += abs;
        skip_blanks(p);
        if (*p->at != '(') {
            HM_TRY(refuse(p, "expected '(' behind abs", ""));
        }
        ++p->at;
        HM_TRY(parse_inner(p));
        HM_TRY(emit(p, (step_t){.kind = STEP_ABS}, 0));
    } else if (isdigit((unsigned char)*p->at) || *p->at == '.') {
        HM_TRY(parse_number(p));
    } else if (is_word(*p->at)) {
        HM_TRY(parse_name(p));
    } else {
        HM_TRY(refuse(p, "expected a number or a name", ""));
    }
    --p->nested;
cleanup:
    return status;
}

/** Operands of operators that bind at least as tightly as `level`. */
static hm_status_t parse_level(parser_t *p, int level) {
    hm_status_t status = level == LEVELS ? parse_operand(p) : parse_level(p, level + 1);
    for (bool compared = false; status == HM_OK && level < LEVELS;) {
        size_t length = 0;
        int found = 0;
        skip_blanks(p);
        for (; found < OPERATORS; ++found) {
            length = here(p, operators[found].text);
            if (length > 0) {
                break;
            }
        }
        if (length == 0 || operators[found].level != level) {
            return HM_OK;
        }
        if (level == COMPARISONS && compared) {
            return refuse(p, "comparisons do not follow each other", ": join them by &&");
        }
        compared = true;
        p->at += length;
        status = parse_level(p, level + 1);
        if (status == HM_OK) {
            status = emit(p, (step_t){.kind = operators[found].kind}, -1);
        }
    }
    return status;
}

hm_status_t hm_expression_compile(const char *text, hm_expression_t **expression, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_expression_t *made = calloc(1, sizeof *made);
    if (!made) {
        return hm_error_set(err, HM_EMISSING, "out of memory for an expression");
    }
    parser_t p = {.text = text, .at = text, .made = made, .err = err};
    HM_TRY(parse_level(&p, 0));
    skip_blanks(&p);
    if (*p.at == '=') {
        HM_TRY(refuse(&p, "expected an operator", ": equal is '=='"));
    }
    if (*p.at != '\0') {
        HM_TRY(refuse(&p, "expected an operator", ""));
    }
    *expression = made;
    made = NULL;
cleanup:
    free(made);
    return status;
}

void hm_expression_free(hm_expression_t *expression) {
    free(expression);
}

uint32_t hm_expression_channels(const hm_expression_t *expression) {
    return expression->channels;
}

static void push(const step_t *step, const hm_points_t *points, int64_t first, int n, double *to) {
    const uint32_t *whole = NULL;
    const float *real = NULL;
    if (step->kind == STEP_CHANNEL || step->kind == STEP_INSIDE) {
        if (step->channel == HM_CHANNEL_SMOOTH || step->channel == HM_CHANNEL_DISTANCE) {
            real = (const float *)points->channel[step->channel] + first;
        } else {
            whole = (const uint32_t *)points->channel[step->channel] + first;
        }
    }
    for (int i = 0; i < n; ++i) {
        switch (step->kind) {
        case STEP_CHANNEL:
            to[i] = whole ? (double)whole[i] : (double)real[i];
            break;
        case STEP_INSIDE:
            to[i] = whole[i] == points->max_iter;
            break;
        case STEP_RE:
            to[i] = points->re[first + i];
            break;
        case STEP_IM:
            to[i] = points->im;
            break;
        case STEP_ROW:
            to[i] = (double)points->row;
            break;
        case STEP_COLUMN:
            to[i] = (double)(points->column + first + i);
            break;
        default:
            to[i] = step->number;
        }
    }
}

static bool holds(double x) {
    return x < 0 || x > 0;
}

static void change(step_kind_t kind, int n, double *x) {
    for (int i = 0; i < n; ++i) {
        x[i] = kind == STEP_NEGATE ? -x[i] : kind == STEP_ABS ? fabs(x[i]) : (double)!holds(x[i]);
    }
}

/** x[n] becomes x op y. The loops are simple so that the compiler makes vectors of them. */
#define EACH(expression)             \
    for (int i = 0; i < n; ++i) {    \
        x[i] = (double)(expression); \
    }                                \
    break
static void combine(step_kind_t kind, int n, double *x, const double *y) {
    switch (kind) {
    case STEP_ADD:
        EACH(x[i] + y[i]);
    case STEP_SUBTRACT:
        EACH(x[i] - y[i]);
    case STEP_MULTIPLY:
        EACH(x[i] * y[i]);
    case STEP_DIVIDE:
        EACH(x[i] / y[i]);
    case STEP_EQUAL:
        EACH(x[i] == y[i]);
    case STEP_UNEQUAL:
        EACH(x[i] != y[i]);
    case STEP_LESS:
        EACH(x[i] < y[i]);
    case STEP_AT_MOST:
        EACH(x[i] <= y[i]);
    case STEP_MORE:
        EACH(x[i] > y[i]);
    case STEP_AT_LEAST:
        EACH(x[i] >= y[i]);
    case STEP_AND:
        EACH(holds(x[i]) && holds(y[i]));
    default:
        EACH(holds(x[i]) || holds(y[i]));
    }
}
#undef EACH

void hm_expression_evaluate(const hm_expression_t *expression, const hm_points_t *points,
                            uint8_t *true_) {
    double stack[MOST_DEPTH][BLOCK] = {{0}};
    for (int64_t first = 0; first < points->count; first += BLOCK) {
        const int n = (int)(points->count - first < BLOCK ? points->count - first : BLOCK);
        int depth = 0;
        for (int s = 0; s < expression->steps; ++s) {
            const step_t *step = &expression->step[s];
            if (step->kind < STEP_NEGATE) {
                push(step, points, first, n, stack[depth++]);
            } else if (step->kind < STEP_ADD) {
                change(step->kind, n, stack[depth - 1]);
            } else {
                --depth;
                combine(step->kind, n, stack[depth - 1], stack[depth]);
            }
        }
        for (int i = 0; i < n; ++i) {
            true_[first + i] = holds(stack[0][i]);
        }
    }
}
