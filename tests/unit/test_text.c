/* Text to numbers: what is taken, what is refused, and that refusals change nothing. */
#include <float.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hm_text.h"
#include "random.h"
#include "runner.h"

static void int_takes_whole_numbers(void) {
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"0", 0},
                {"-0", 0},
                {"+7", 7},
                {"007", 7},
                {"-12", -12},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN}};
    for (size_t i = 0; i < sizeof good / sizeof *good; ++i) {
        int64_t value = 99;
        CU_ASSERT_EQUAL(hm_text_int(good[i].text, INT64_MIN, INT64_MAX, &value, NULL), HM_OK);
        CU_ASSERT_EQUAL(value, good[i].value);
    }
}

static void int_refuses_everything_else(void) {
    static const char *const bad[] = {"",      " ",   " 1",  "1 ",  "1x",  "x",       "+",
                                      "-",     "--1", "+-1", "1.0", "1e3", "0x1",     "1,000",
                                      "1_000", "\t1", "1\n", "nan", "inf", "\xD9\xA3"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        int64_t value = 99;
        hm_error_t err = HM_ERROR_NONE;
        CU_ASSERT_EQUAL(hm_text_int(bad[i], INT64_MIN, INT64_MAX, &value, &err), HM_EUSAGE);
        CU_ASSERT_EQUAL(err.status, HM_EUSAGE);
        CU_ASSERT_EQUAL(strncmp(err.text, "not a whole number: '", 21), 0);
        CU_ASSERT_EQUAL(value, 99);
    }
}

static void int_keeps_to_its_range(void) {
    static const struct {
        const char *text;
        int64_t low, high;
        hm_status_t status;
    } rows[] = {{"1", 1, 10, HM_OK},
                {"10", 1, 10, HM_OK},
                {"0", 1, 10, HM_EUSAGE},
                {"11", 1, 10, HM_EUSAGE},
                {"-1", 1, 10, HM_EUSAGE},
                {"4294967294", 1, 4294967294, HM_OK},
                {"4294967295", 1, 4294967294, HM_EUSAGE},
                {"9223372036854775808", INT64_MIN, INT64_MAX, HM_EUSAGE},
                {"-9223372036854775809", INT64_MIN, INT64_MAX, HM_EUSAGE},
                {"99999999999999999999999999999999", INT64_MIN, INT64_MAX, HM_EUSAGE},
                {"18446744073709551617", 1, 10, HM_EUSAGE}}; /* 1 modulo 2^64 */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        int64_t value = 99;
        hm_error_t err = HM_ERROR_NONE;
        CU_ASSERT_EQUAL(hm_text_int(rows[i].text, rows[i].low, rows[i].high, &value, &err),
                        rows[i].status);
        CU_ASSERT_EQUAL(value == 99, rows[i].status != HM_OK);
    }
    hm_error_t err = HM_ERROR_NONE;
    int64_t value = 0;
    hm_text_int("11", 1, 10, &value, &err);
    CU_ASSERT_STRING_EQUAL(err.text, "not in the range 1 to 10: '11'");
}

static void int_gives_back_what_was_printed(void) {
    uint64_t state = 1;
    for (int i = 0; i < 2000; ++i) {
        int64_t number = (int64_t)(next_random(&state) >> (next_random(&state) % 64));
        number = i % 2 ? number : -1 - number;
        char text[32];
        (void)snprintf(text, sizeof text, "%" PRId64, number);
        int64_t value = 0;
        CU_ASSERT_EQUAL(hm_text_int(text, INT64_MIN, INT64_MAX, &value, NULL), HM_OK);
        CU_ASSERT_EQUAL(value, number);
    }
}

static void real_takes_decimal_numbers(void) {
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0.0},
                {"-0.75", -0.75},
                {"+.5", 0.5},
                {"2.", 2.0},
                {"1e3", 1000.0},
                {"1E-3", 0.001},
                {"1.5e+2", 150.0},
                {"1e-400", 0.0},
                {"1.7976931348623157e308", DBL_MAX},
                {"2.2250738585072014e-308", DBL_MIN},
                {"4.9406564584124654e-324", 0x1p-1074},
                /* halfway cases and their neighbours: round to even */
                {"9007199254740993", 9007199254740992.0},
                {"9007199254740993.00000000000000000000000000000000000001", 9007199254740994.0},
                {"9007199254740995", 9007199254740996.0},
                {"2.2250738585072011e-308", 0x0.fffffffffffffp-1022}};
    for (size_t i = 0; i < sizeof good / sizeof *good; ++i) {
        double value = 99.0;
        CU_ASSERT_EQUAL(hm_text_real(good[i].text, &value, NULL), HM_OK);
        CU_ASSERT_EQUAL(value, good[i].value);
    }
}

static void real_refuses_everything_else(void) {
    static const char *const bad[] = {
        "",       " ",    "1 ",    " 1",       ".",    "+",       "-",     "e5",
        "1e",     "1e+",  "1e5.5", "1.2.3",    "0x10", "0x1p3",   "nan",   "-nan",
        "inf",    "-inf", "INF",   "infinity", "1,5",  "1f",      "--1",   "1e1000",
        "-1e999", "1d5",  "1 2",   "\t1",      "1\n",  "1.8e308", "NaN(1)"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        double value = 99.0;
        hm_error_t err = HM_ERROR_NONE;
        CU_ASSERT_EQUAL(hm_text_real(bad[i], &value, &err), HM_EUSAGE);
        CU_ASSERT(strstr(err.text, "a number: '") != NULL);
        CU_ASSERT_EQUAL(value, 99.0);
    }
}

static void real_takes_any_number_of_digits(void) {
    enum { DIGITS = 20000 };
    char *text = malloc(DIGITS + 128);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    /* 1 + 2^-53 is halfway; any digit however far behind it decides. */
    int head = snprintf(text, DIGITS, "1.00000000000000011102230246251565404236316680908203125");
    memset(text + head, '0', DIGITS);
    text[head + DIGITS - 100] = '\0';
    double value = 0.0;
    CU_ASSERT_EQUAL(hm_text_real(text, &value, NULL), HM_OK);
    CU_ASSERT_EQUAL(value, 1.0);
    text[head + DIGITS - 101] = '1';
    CU_ASSERT_EQUAL(hm_text_real(text, &value, NULL), HM_OK);
    CU_ASSERT_EQUAL(value, 1.0 + DBL_EPSILON);
    /* Refused, and the message stays short. */
    text[head + DIGITS - 101] = 'x';
    hm_error_t err = HM_ERROR_NONE;
    CU_ASSERT_EQUAL(hm_text_real(text, &value, &err), HM_EUSAGE);
    CU_ASSERT(strlen(err.text) < 120);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "...'"));
    free(text);
}

static void real_gives_back_what_was_printed(void) {
    uint64_t state = 2;
    int tried = 0;
    while (tried < 2000) {
        uint64_t bits = next_random(&state);
        double number = 0.0;
        memcpy(&number, &bits, sizeof number);
        if (number - number != 0.0) {
            continue; /* infinite or no number */
        }
        ++tried;
        char text[64];
        (void)snprintf(text, sizeof text, "%.17g", number);
        double value = 0.0;
        CU_ASSERT_EQUAL(hm_text_real(text, &value, NULL), HM_OK);
        CU_ASSERT_EQUAL(memcmp(&value, &number, sizeof value), 0);
    }
}

static void size_takes_two_counts(void) {
    int64_t width = 0;
    int64_t height = 0;
    CU_ASSERT_EQUAL(hm_text_size("1920x1280", &width, &height, NULL), HM_OK);
    CU_ASSERT_EQUAL(width, 1920);
    CU_ASSERT_EQUAL(height, 1280);
    CU_ASSERT_EQUAL(hm_text_size("1x2147483647", &width, &height, NULL), HM_OK);
    CU_ASSERT_EQUAL(width, 1);
    CU_ASSERT_EQUAL(height, INT32_MAX);
    CU_ASSERT_EQUAL(hm_text_size("2147483647x1", &width, &height, NULL), HM_OK);
    CU_ASSERT(width == INT32_MAX && height == 1);
    CU_ASSERT_EQUAL(hm_text_size("1x2147483647", &width, &height, NULL), HM_OK);
    static const char *const bad[] = {"",
                                      "x",
                                      "5",
                                      "5x",
                                      "x5",
                                      "0x5",
                                      "5x0",
                                      "5X5",
                                      "-5x5",
                                      "5x-5",
                                      "5x5x5",
                                      "5 x5",
                                      "5x 5",
                                      " 5x5",
                                      "5x5 ",
                                      "5.0x5",
                                      "5*5",
                                      "2147483648x1",
                                      "1x2147483648",
                                      "1x18446744073709551617",
                                      "+5x5",
                                      "1e3x5"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        hm_error_t err = HM_ERROR_NONE;
        CU_ASSERT_EQUAL(hm_text_size(bad[i], &width, &height, &err), HM_EUSAGE);
        CU_ASSERT_EQUAL(strncmp(err.text, "not a size: '", 13), 0);
        CU_ASSERT(width == 1 && height == INT32_MAX);
    }
}

static void seconds_take_units_and_clocks(void) {
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0},
                {"90", 90},
                {"90s", 90},
                {"1.5m", 90},
                {"2h", 7200},
                {"0.25", 0.25},
                {".5h", 1800},
                {"1e2", 100},
                {"10:00", 600},
                {"0:07", 7},
                {"90:00", 5400},
                {"2:00:00", 7200},
                {"00:00:59", 59},
                {"48:00:00", 172800},
                {"1-12:00:00", 129600},
                {"0-00:00:01", 1},
                {"30-00:00:00", 2592000}};
    for (size_t i = 0; i < sizeof good / sizeof *good; ++i) {
        double value = -1.0;
        CU_ASSERT_EQUAL(hm_text_seconds(good[i].text, &value, NULL), HM_OK);
        CU_ASSERT_EQUAL(value, good[i].value);
    }
    static const char *const bad[] = {"",
                                      "s",
                                      "-1",
                                      "-0:10",
                                      "1:60",
                                      "1:60:00",
                                      "1:00:60",
                                      "1-24:00:00",
                                      "1-2:00",
                                      "1-2",
                                      "1:2:3:4",
                                      "1:",
                                      ":1",
                                      "1::2",
                                      "1-",
                                      "90 s",
                                      "90sec",
                                      "90S",
                                      "1d",
                                      "1:00s",
                                      "nan",
                                      "inf",
                                      "1e308h",
                                      "1.5:00",
                                      "1-1-1:00:00",
                                      "1:2-3:00",
                                      "9999999999999999999:00",
                                      " 90",
                                      "90 ",
                                      "0x10",
                                      "-90",
                                      "1h30m"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        double value = -1.0;
        hm_error_t err = HM_ERROR_NONE;
        CU_ASSERT_EQUAL(hm_text_seconds(bad[i], &value, &err), HM_EUSAGE);
        CU_ASSERT_EQUAL(strncmp(err.text, "not a time: '", 13), 0);
        CU_ASSERT_EQUAL(value, -1.0);
    }
}

static void split_cuts_and_drops_blanks(void) {
    char buffer[64];
    char *piece[3] = {NULL, NULL, NULL};
    int count = 0;
    CU_ASSERT_EQUAL(hm_text_split("-0.75,0", ',', buffer, sizeof buffer, piece, 3, &count, NULL),
                    HM_OK);
    CU_ASSERT_EQUAL_FATAL(count, 2);
    CU_ASSERT_STRING_EQUAL(piece[0], "-0.75");
    CU_ASSERT_STRING_EQUAL(piece[1], "0");
    CU_ASSERT_EQUAL(
        hm_text_split(" a b :\tc: d ", ':', buffer, sizeof buffer, piece, 3, &count, NULL), HM_OK);
    CU_ASSERT_EQUAL_FATAL(count, 3);
    CU_ASSERT_STRING_EQUAL(piece[0], "a b");
    CU_ASSERT_STRING_EQUAL(piece[1], "c");
    CU_ASSERT_STRING_EQUAL(piece[2], "d");
    CU_ASSERT_EQUAL(hm_text_split("x", ',', buffer, 2, piece, 1, &count, NULL), HM_OK);
    CU_ASSERT_EQUAL(count, 1);
    CU_ASSERT_STRING_EQUAL(piece[0], "x");
}

static void split_refuses_and_leaves_alone(void) {
    static const struct {
        const char *text;
        size_t size;
        int most;
    } bad[] = {{"", 64, 3},    {" ", 64, 3},    {",", 64, 3},     {"a,", 64, 3},
               {",a", 64, 3},  {"a,,b", 64, 3}, {"a, ,b", 64, 3}, {"a,b,c,d", 64, 3},
               {"a,b", 64, 1}, {"abcd", 4, 3},  {"a", 0, 3}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        char buffer[64] = "before";
        char *piece[3] = {buffer, buffer, buffer};
        int count = 99;
        hm_error_t err = HM_ERROR_NONE;
        CU_ASSERT_EQUAL(
            hm_text_split(bad[i].text, ',', buffer, bad[i].size, piece, bad[i].most, &count, &err),
            HM_EUSAGE);
        CU_ASSERT(err.text[0] != '\0');
        CU_ASSERT_STRING_EQUAL(buffer, "before");
        CU_ASSERT_EQUAL(count, 99);
        CU_ASSERT(piece[0] == buffer && piece[2] == buffer);
    }
}

static void brief_shortens_and_stays_whole(void) {
    char brief[HM_TEXT_BRIEF];
    CU_ASSERT_STRING_EQUAL(hm_text_brief("", brief), "");
    CU_ASSERT_STRING_EQUAL(hm_text_brief("short", brief), "short");
    char text[HM_TEXT_BRIEF + 8];
    memset(text, 'x', sizeof text);
    text[HM_TEXT_BRIEF - 1] = '\0';
    CU_ASSERT_STRING_EQUAL(hm_text_brief(text, brief), text);
    text[HM_TEXT_BRIEF - 1] = 'x';
    text[HM_TEXT_BRIEF] = '\0';
    hm_text_brief(text, brief);
    CU_ASSERT_EQUAL(strlen(brief), HM_TEXT_BRIEF - 1);
    CU_ASSERT_STRING_EQUAL(brief + HM_TEXT_BRIEF - 5, "x...");
    /* A character of three bytes across the cut goes whole. */
    memcpy(text + HM_TEXT_BRIEF - 6, "\xE2\x82\xAC", 3);
    hm_text_brief(text, brief);
    CU_ASSERT_STRING_EQUAL(brief + HM_TEXT_BRIEF - 7, "x...");
}

static void nearest_finds_what_was_meant(void) {
    static const char *const names[] = {"center", "span",   "region", "size",    "max-iter",
                                        "output", "resume", "isa",    "io",      "time-limit",
                                        "coords", "quiet",  "stats",  "strategy"};
    enum { COUNT = sizeof names / sizeof *names };
    static const struct {
        const char *word;
        const char *expected;
    } rows[] = {{"max-iters", "max-iter"},
                {"maxiter", "max-iter"},
                {"max_iter", "max-iter"},
                {"max", "max-iter"},
                {"centre", "center"},
                {"outptu", "output"},
                {"timelimit", "time-limit"},
                {"spam", "span"},
                {"sise", "size"},
                {"strategie", "strategy"},
                {"size", "size"},
                {"ioo", "io"},
                {"frobnicate", NULL},
                {"", NULL},
                {"zz", NULL},
                {"x", NULL},
                {"verylongwordthatnobodymeant", NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        const char *found = hm_text_nearest(rows[i].word, names, COUNT);
        if (rows[i].expected) {
            CU_ASSERT_PTR_NOT_NULL_FATAL(found);
            CU_ASSERT_STRING_EQUAL(found, rows[i].expected);
        } else {
            CU_ASSERT_PTR_NULL(found);
        }
    }
    /* A swap of neighbours is one slip, not two: the nearer of two names is found. */
    const char *const two_or_swap[] = {"spxx", "psan"};
    CU_ASSERT_PTR_EQUAL(hm_text_nearest("span", two_or_swap, 2), two_or_swap[1]);
    CU_ASSERT_PTR_NULL(hm_text_nearest("size", names, 0));
    /* One letter instead of one other is no slip; names too long to compare are passed over. */
    char endless[100];
    memset(endless, 's', sizeof endless);
    endless[sizeof endless - 1] = '\0';
    const char *const odd[] = {endless, "n", "sss"};
    CU_ASSERT_PTR_NULL(hm_text_nearest("x", odd, 3));
    CU_ASSERT_PTR_EQUAL(hm_text_nearest("ss", odd, 3), odd[2]);
    char word[200];
    memset(word, 's', sizeof word);
    for (size_t length = 1; length < sizeof word; ++length) {
        word[length] = '\0';
        const char *found = hm_text_nearest(word, names, COUNT);
        CU_ASSERT(found == NULL || length < 3);
        word[length] = 's';
    }
}

int main(void) {
    static const hm_case_t cases[] = {
        {"int takes whole numbers", int_takes_whole_numbers},
        {"int refuses everything else", int_refuses_everything_else},
        {"int keeps to its range", int_keeps_to_its_range},
        {"int gives back what was printed", int_gives_back_what_was_printed},
        {"real takes decimal numbers, correctly rounded", real_takes_decimal_numbers},
        {"real refuses everything else", real_refuses_everything_else},
        {"real takes any number of digits", real_takes_any_number_of_digits},
        {"real gives back what was printed", real_gives_back_what_was_printed},
        {"size takes two counts", size_takes_two_counts},
        {"seconds take units and clocks", seconds_take_units_and_clocks},
        {"split cuts and drops blanks", split_cuts_and_drops_blanks},
        {"split refuses and leaves alone", split_refuses_and_leaves_alone},
        {"brief shortens and stays whole", brief_shortens_and_stays_whole},
        {"nearest finds what was meant", nearest_finds_what_was_meant},
        {NULL, NULL}};
    return hm_run_cases("text", cases);
}
