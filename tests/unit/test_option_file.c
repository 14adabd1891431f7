/* The option table from config files, and settings that go out as one and come back the same. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "option_fixture.h"
#include "random.h"
#include "runner.h"

static char folder[] = "/tmp/hm_test_option_XXXXXX";
static char config[sizeof folder + 16];

/* The config file becomes these bytes. */
static void write_bytes(const char *bytes, size_t size) {
    FILE *file = fopen(config, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(bytes, 1, size, file), size);
    CU_ASSERT_EQUAL(fclose(file), 0);
}

static parsed_t parse_bytes(const char *bytes, size_t size) {
    write_bytes(bytes, size);
    return PARSE("--config", config);
}

static parsed_t parse_text(const char *text) {
    return parse_bytes(text, strlen(text));
}

/* The text behind "FILE:" must be `expected`. */
static void expect_refused(parsed_t p, const char *expected) {
    char text[HM_ERROR_TEXT];
    (void)snprintf(text, sizeof text, "%s:%s", config, expected);
    CU_ASSERT_EQUAL(p.status, HM_EUSAGE);
    CU_ASSERT_STRING_EQUAL(p.err.text, text);
    if (strcmp(p.err.text, text) != 0) {
        printf("\n    is:        %s\n    should be: %s\n", p.err.text, text);
    }
    CU_ASSERT_TRUE(is_untouched(&p.settings));
    CU_ASSERT_PTR_NULL(p.values.table);
    parsed_free(&p);
}

static void keys_comments_and_sections_are_read(void) {
    parsed_t p = parse_text("# a comment = 1\n"
                            "; another = 2\n"
                            "\n"
                            "[view]\n"
                            "max-iter = 250 # behind a value\n"
                            "  center=-0.5,0.25;no comment\n"
                            "\t  # an indented comment\n"
                            "[output] # what\n"
                            "output  =  a b#c;d\t; a comment\n"
                            "quiet = Yes\n"
                            "   \t \n"
                            "coords = exact\n"
                            "time-limit = 1:30");
    CU_ASSERT_EQUAL_FATAL(p.status, HM_OK);
    CU_ASSERT_EQUAL(p.settings.max_iter, 250);
    CU_ASSERT_STRING_EQUAL(p.settings.center, "-0.5,0.25;no comment");
    CU_ASSERT_STRING_EQUAL(p.settings.output, "a b#c;d");
    CU_ASSERT_TRUE(p.settings.quiet);
    CU_ASSERT_EQUAL(p.settings.coords, 0);
    CU_ASSERT_EQUAL(p.settings.time_limit, 90.0);
    CU_ASSERT_EQUAL(p.settings.bailout, 2.0);
    CU_ASSERT_TRUE(hm_options_given(&p.values, "max-iter"));
    CU_ASSERT_FALSE(hm_options_given(&p.values, "bailout"));
    parsed_free(&p);
}

static void files_without_keys_are_fine(void) {
    static const char *const texts[] = {"", "\n", "\n\n\n", "# c", "[s]\n", "\xEF\xBB\xBF", "\r\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
        parsed_t p = parse_text(texts[i]);
        CU_ASSERT_EQUAL_FATAL(p.status, HM_OK);
        CU_ASSERT_EQUAL(p.settings.max_iter, 1000);
        parsed_free(&p);
    }
}

static void other_systems_line_ends_are_read(void) {
    parsed_t p = parse_text("\xEF\xBB\xBFmax-iter = 5\r\noutput = a\r\n[x]\r\nbailout = 3\r");
    CU_ASSERT_EQUAL_FATAL(p.status, HM_OK);
    CU_ASSERT_EQUAL(p.settings.max_iter, 5);
    CU_ASSERT_STRING_EQUAL(p.settings.output, "a");
    CU_ASSERT_EQUAL(p.settings.bailout, 3.0);
    parsed_free(&p);
}

static void flags_have_eight_words(void) {
    static const char *const words[] = {"true", "yes", "on", "1", "false", "no", "off", "0"};
    for (int i = 0; i < 8; ++i) {
        char text[32];
        (void)snprintf(text, sizeof text, "quiet = %s\n", words[i]);
        parsed_t p = parse_text(text);
        CU_ASSERT_EQUAL_FATAL(p.status, HM_OK);
        CU_ASSERT_EQUAL(p.settings.quiet, i < 4);
        CU_ASSERT_STRING_EQUAL(hm_options_text(&p.values, "quiet"), i < 4 ? "true" : "false");
        parsed_free(&p);
    }
}

static void quoted_values_stand_as_they_are(void) {
    static const struct {
        const char *line;
        const char *value;
    } rows[] = {
        {"output = \"a # b ; c\"", "a # b ; c"},
        {"output = \" a \"  # comment", " a "},
        {"output = \"\"", ""},
        {"output =", ""},
        {"output = # only a comment", ""},
        {"output = \"\\\\ \\\" \\t\\n\\r\\x41\\xe2\\x82\\xAC\"", "\\ \" \t\n\rA\xE2\x82\xAC"},
        {"output = a\"b\"", "a\"b\""},
        {"output = C:\\new\\x", "C:\\new\\x"},
        {"output = 'a'", "'a'"},
        {"output = a=b:c", "a=b:c"},
        {"output=#a", ""},
        {"output = \"k\"\t;", "k"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        parsed_t p = parse_text(rows[i].line);
        CU_ASSERT_EQUAL_FATAL(p.status, HM_OK);
        CU_ASSERT_STRING_EQUAL(p.settings.output, rows[i].value);
        parsed_free(&p);
    }
}

static void bad_lines_are_refused(void) {
    static const struct {
        const char *file;
        const char *text;
    } rows[] = {
        {"\n\nmax-iters = 5\n", "3: unknown key 'max-iters'; did you mean 'max-iter'?"},
        {"max = 5\n", "1: unknown key 'max'; did you mean 'max-iter'?"},
        {"frobnicate = 5\n", "1: unknown key 'frobnicate'"},
        {"--max-iter = 5\n", "1: unknown key '--max-iter'; did you mean 'max-iter'?"},
        {"over = 1\n", "1: unknown key 'over'"},
        {"max-iter = 10x\n", "1: max-iter: not a whole number: '10x'"},
        {"[a]\nmax-iter = 1 0\n", "2: max-iter: not a whole number: '1 0'"},
        {"max-iter = 0\n", "1: max-iter: not in the range 1 to 4294967294: '0'"},
        {"max-iter =\n", "1: max-iter: not a whole number: ''"},
        {"bailout = -1\n", "1: bailout: not positive: '-1'"},
        {"bailout = 0x3\n", "1: bailout: not a number: '0x3'"},
        {"coords = exat\n",
         "1: coords: not one of exact, accumulated: 'exat'; did you mean 'exact'?"},
        {"quiet = maybe\n", "1: quiet: neither true nor false (yes, no, on, off, 1, 0): 'maybe'"},
        {"quiet =\n", "1: quiet: neither true nor false (yes, no, on, off, 1, 0): ''"},
        {"quiet\n", "1: not 'key = value': 'quiet'"},
        {"max-iter = 5\nmax-iter 6\n", "2: not 'key = value': 'max-iter 6'"},
        {"max-iter: 6\n", "1: not 'key = value': 'max-iter: 6'"},
        {"region -2:1 = 5\n", "1: not 'key = value': 'region -2:1 = 5'"},
        {" = 5\n", "1: not 'key = value': ' = 5'"},
        {"=\n", "1: not 'key = value': '='"},
        {"[view\nmax-iter = 5\n", "1: not 'key = value': '[view'"},
        {"max-iter = 5\n[b]\nquiet = 1\nmax-iter = 5\n", "4: max-iter: given before, in line 1"},
        {"config = x\n", "1: 'config' can be given on the command line only"},
        {"help = 1\n", "1: 'help' can be given on the command line only"},
        {"overwrite = 1\n", "1: 'overwrite' can be given on the command line only"},
        {"output = \"a\n", "1: output: the closing quote '\"' is missing"},
        {"output = \"\n", "1: output: the closing quote '\"' is missing"},
        {"output = \"a\\\"\n", "1: output: the closing quote '\"' is missing"},
        {"output = \"a\" b\n", "1: output: text behind the closing quote: ' b'"},
        {"output = \"a\"#b\n", "1: output: text behind the closing quote: '#b'"},
        {"output = \"a\\q\"\n",
         "1: output: unknown escape in quotes; there are \\\\ \\\" \\t \\n \\r \\xHH"},
        {"output = \"\\x0g\"\n",
         "1: output: unknown escape in quotes; there are \\\\ \\\" \\t \\n \\r \\xHH"},
        {"output = \"\\x00\"\n",
         "1: output: unknown escape in quotes; there are \\\\ \\\" \\t \\n \\r \\xHH"},
        {"output = \"\\",
         "1: output: unknown escape in quotes; there are \\\\ \\\" \\t \\n \\r \\xHH"},
        {"max-iter = 1\rmax-iter = 2\r",
         "1: byte 0x0d: this is not a text file of 'key = value' lines"},
        {"a = \x1b[0m\n", "1: byte 0x1b: this is not a text file of 'key = value' lines"},
        /* The first thing wrong is what is said. */
        {"max-iter = x\nbailout = y\n", "1: max-iter: not a whole number: 'x'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        expect_refused(parse_text(rows[i].file), rows[i].text);
    }
}

static void binary_files_are_refused(void) {
    static const char elf[] = "\x7f"
                              "ELF\2\1\1";
    expect_refused(parse_bytes(elf, sizeof elf),
                   "1: byte 0x7f: this is not a text file of 'key = value' lines");
    static const char hole[] = "max-iter = 5\nbailout = 3\0 4\n";
    expect_refused(parse_bytes(hole, sizeof hole - 1),
                   "2: byte 0x00: this is not a text file of 'key = value' lines");
}

static void unreadable_files_are_refused(void) {
    char text[HM_ERROR_TEXT];
    unlink(config);
    parsed_t p = PARSE("--config", config);
    CU_ASSERT_EQUAL(p.status, HM_EUSAGE);
    (void)snprintf(text, sizeof text, "cannot open config file '%s': No such file or directory",
                   config);
    CU_ASSERT_STRING_EQUAL(p.err.text, text);
    p = PARSE("--config", folder);
    CU_ASSERT_EQUAL(p.status, HM_EUSAGE);
    (void)snprintf(text, sizeof text, "cannot read config file '%s': Is a directory", folder);
    CU_ASSERT_STRING_EQUAL(p.err.text, text);
    p = PARSE("--config=");
    CU_ASSERT_EQUAL(p.status, HM_EUSAGE);
    if (geteuid() != 0) { /* root may read everything */
        write_bytes("", 0);
        CU_ASSERT_EQUAL(chmod(config, 0), 0);
        p = PARSE("--config", config);
        CU_ASSERT_EQUAL(p.status, HM_EUSAGE);
        (void)snprintf(text, sizeof text, "cannot open config file '%s': Permission denied",
                       config);
        CU_ASSERT_STRING_EQUAL(p.err.text, text);
        unlink(config);
    }
}

static void pipes_can_be_read(void) {
    int ends[2] = {-1, -1};
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    CU_ASSERT_EQUAL(write(ends[1], "max-iter = 77\n", 14), 14);
    close(ends[1]);
    char path[64];
    (void)snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    parsed_t p = PARSE("--config", path);
    close(ends[0]);
    CU_ASSERT_EQUAL_FATAL(p.status, HM_OK);
    CU_ASSERT_EQUAL(p.settings.max_iter, 77);
    parsed_free(&p);
}

static void command_line_wins_wherever_config_stands(void) {
    write_bytes("max-iter = 5\nbailout = 3\nquiet = no\n", 36);
    const char *const orders[2][8] = {{"--max-iter", "6", "--quiet", "--config", config, NULL},
                                      {"--config", config, "--quiet", "--max-iter", "6", NULL}};
    for (int i = 0; i < 2; ++i) {
        parsed_t p = parse_list(orders[i]);
        CU_ASSERT_EQUAL_FATAL(p.status, HM_OK);
        CU_ASSERT_EQUAL(p.settings.max_iter, 6);
        CU_ASSERT_EQUAL(p.settings.bailout, 3.0);
        CU_ASSERT_TRUE(p.settings.quiet);
        CU_ASSERT_EQUAL(p.values.origin[0], HM_FROM_COMMAND_LINE);
        parsed_free(&p);
    }
    /* What is overruled must be right all the same. */
    write_bytes("max-iter = x\n", 13);
    expect_refused(PARSE("--max-iter=6", "--config", config),
                   "1: max-iter: not a whole number: 'x'");
    write_bytes("max-iter = 5\nmax-iter = 5\n", 26);
    expect_refused(PARSE("--max-iter=6", "--config", config),
                   "2: max-iter: given before, in line 1");
}

static void keys_that_exclude_each_other_are_settled(void) {
    /* The file's view gives way to the command line's, in either direction. */
    write_bytes("center = 1,2\nspan = 5\n", 22);
    parsed_t p = PARSE("--config", config, "--region=0:1,0:1");
    CU_ASSERT_EQUAL_FATAL(p.status, HM_OK);
    CU_ASSERT_STRING_EQUAL(p.settings.region, "0:1,0:1");
    CU_ASSERT_STRING_EQUAL(p.settings.center, "-0.75,0");
    CU_ASSERT_STRING_EQUAL(p.settings.span, "3.0");
    CU_ASSERT_FALSE(hm_options_given(&p.values, "center"));
    parsed_free(&p);
    write_bytes("region = 0:1,0:1\n", 17);
    p = PARSE("--config", config, "--span=5");
    CU_ASSERT_EQUAL_FATAL(p.status, HM_OK);
    CU_ASSERT_PTR_NULL(p.settings.region);
    CU_ASSERT_FALSE(hm_options_given(&p.values, "region"));
    CU_ASSERT_STRING_EQUAL(p.settings.center, "-0.75,0");
    CU_ASSERT_STRING_EQUAL(p.settings.span, "5");
    parsed_free(&p);
    /* In one place there is nothing to choose by. */
    write_bytes("region = 0:1,0:1\nspan = 5\n", 26);
    p = PARSE("--config", config);
    CU_ASSERT_EQUAL(p.status, HM_EUSAGE);
    CU_ASSERT_STRING_EQUAL(p.err.text,
                           "region excludes span: give the one or the other in the config file");
    p = PARSE("--config", config, "--region=1:2,1:2", "--center=5,5");
    CU_ASSERT_EQUAL(p.status, HM_EUSAGE);
    /* Both of the file's go when the command line brings the third. */
    p = PARSE("--config", config, "--region=1:2,1:2");
    CU_ASSERT_EQUAL_FATAL(p.status, HM_OK);
    CU_ASSERT_STRING_EQUAL(p.settings.region, "1:2,1:2");
    CU_ASSERT_STRING_EQUAL(p.settings.span, "3.0");
    parsed_free(&p);
}

static void long_lines_are_whole_or_refused(void) {
    const size_t head = strlen("output = ");
    char *text = malloc(HM_OPTION_LINE + 64);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memcpy(text, "output = ", head);
    static const size_t lengths[] = {100,  190,   197,    198,    199,           200,
                                     5000, 65536, 100003, 500000, HM_OPTION_LINE};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; ++i) {
        size_t length = lengths[i];
        for (size_t j = head; j < length; ++j) {
            text[j] = (char)('0' + (j * 7 + j / 10) % 10);
        }
        strcpy(text + length, "\nmax-iter = 5\n");
        parsed_t p = parse_text(text);
        text[length] = '\0';
        CU_ASSERT_EQUAL_FATAL(p.status, HM_OK);
        CU_ASSERT_STRING_EQUAL(p.settings.output, text + head);
        CU_ASSERT_EQUAL(p.settings.max_iter, 5);
        parsed_free(&p);
    }
    strcpy(text + HM_OPTION_LINE, "0\nmax-iter = 5\n");
    expect_refused(parse_text(text), "1: the line has more than 1048576 bytes");
    text[0] = '#';
    expect_refused(parse_text(text), "1: the line has more than 1048576 bytes");
    free(text);
}

static void long_files_are_refused(void) {
    char *text = malloc(HM_OPTION_FILE + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memset(text, '\n', HM_OPTION_FILE + 1);
    parsed_t p = parse_bytes(text, HM_OPTION_FILE);
    CU_ASSERT_EQUAL(p.status, HM_OK);
    parsed_free(&p);
    p = parse_bytes(text, HM_OPTION_FILE + 1);
    CU_ASSERT_EQUAL(p.status, HM_EUSAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(p.err.text, "has more than 16777216 bytes"));
    p = PARSE("--config", "/dev/zero");
    CU_ASSERT_EQUAL(p.status, HM_EUSAGE);
    free(text);
}

static void echo_is_readable_and_selective(void) {
    parsed_t p =
        PARSE("--region=0:1,0:1", "--quiet", "--overwrite", "--max-iter=+07", "--output", "a b.h5");
    CU_ASSERT_EQUAL_FATAL(p.status, HM_OK);
    char *ini = hm_options_ini(&p.values);
    CU_ASSERT_PTR_NOT_NULL_FATAL(ini);
    CU_ASSERT_STRING_EQUAL(ini, "max-iter = +07\n"
                                "output = a b.h5\n"
                                "region = 0:1,0:1\n"
                                "bailout = 2\n"
                                "coords = accumulated\n");
    free(ini);
    parsed_free(&p);
}

/* Bytes that a file's syntax might stumble over, more often than others. */
static void random_text(uint64_t *state, char *text, size_t most) {
    static const char risky[] = "#;\"\\ \t=:[]\n\r'x0 #  ;\x01\x7f\xC3\xA9";
    size_t length = next_random(state) % most;
    for (size_t i = 0; i < length; ++i) {
        uint64_t draw = next_random(state) >> 8;
        char any = (char)(1 + draw % 255);
        text[i] = draw >> 20 & 1 ? risky[(draw >> 24) % (sizeof risky - 1)] : any;
    }
    text[length] = '\0';
}

/* One random command line, out as INI and back. */
static int survives(uint64_t *state) {
    enum { ROOM = 96 };
    char max_iter[ROOM];
    char shift[ROOM];
    char bailout[ROOM];
    char limit[ROOM];
    char output[ROOM] = "--output=";
    char center[ROOM] = "--center=";
    uint64_t draw = next_random(state);
    (void)snprintf(max_iter, ROOM, "--max-iter=%u",
                   1 + (unsigned)(next_random(state) % 4294967294));
    (void)snprintf(shift, ROOM, "--shift=%lld", (long long)next_random(state));
    (void)snprintf(
        bailout, ROOM, "--bailout=%.17g",
        ldexp(1.0 + (double)(next_random(state) >> 12) * 0x1p-52, (int)(draw % 600) - 300));
    (void)snprintf(limit, ROOM, draw & 1 ? "--time-limit=%u:59" : "--time-limit=%u.5h",
                   (unsigned)(draw >> 40) % 1000);
    random_text(state, output + strlen(output), ROOM - 16);
    random_text(state, center + strlen(center), ROOM - 16);
    parsed_t out = PARSE(max_iter, shift, bailout, limit, output, center,
                         draw & 2 ? "--coords=exact" : "--coords=accumulated",
                         draw & 4 ? "--quiet" : "--overwrite");
    CU_ASSERT_EQUAL_FATAL(out.status, HM_OK);
    char *ini = hm_options_ini(&out.values);
    CU_ASSERT_PTR_NOT_NULL_FATAL(ini);
    parsed_t back = parse_text(ini);
    if (back.status != HM_OK) {
        printf("\n    %s\n", back.err.text);
        parsed_free(&out);
        free(ini);
        return 0;
    }
    const settings_t *a = &out.settings;
    const settings_t *b = &back.settings;
    char *again = hm_options_ini(&back.values);
    CU_ASSERT_PTR_NOT_NULL_FATAL(again);
    int same = a->max_iter == b->max_iter && a->shift == b->shift && a->bailout == b->bailout &&
               a->time_limit == b->time_limit && a->coords == b->coords &&
               strcmp(a->output, b->output) == 0 && strcmp(a->center, b->center) == 0 &&
               strcmp(a->span, b->span) == 0 && !b->region && strcmp(ini, again) == 0;
    /* Not in the echo, so back at their defaults. */
    same = same && !b->quiet && !b->overwrite;
    if (!same) {
        printf("\n    did not come back:\n%s", ini);
    }
    free(ini);
    free(again);
    parsed_free(&out);
    parsed_free(&back);
    return same;
}

static void settings_survive_the_way_through_a_file(void) {
    uint64_t state = 3;
    for (int i = 0; i < 400; ++i) {
        CU_ASSERT_TRUE_FATAL(survives(&state));
    }
}

/* Whatever bytes a file has: parsed or refused with a message, never more (sanitizers watch). */
static void random_files_do_no_harm(void) {
    static const char *const words[] = {"max-iter", "=",     " ",    "\n",   "5",      "output",
                                        "\"",       "#",     ";",    "\\",   "[",      "]",
                                        "x",        "quiet", ":",    "\r\n", "region", "-",
                                        "\t",       "true",  "span", "\\x4", "\xFF"};
    enum { WORDS = sizeof words / sizeof *words };
    uint64_t state = 4;
    int taken = 0;
    int refused = 0;
    for (int i = 0; i < 1500; ++i) {
        char text[256] = "";
        uint64_t count = next_random(&state) % 20;
        for (uint64_t j = 0; j < count; ++j) {
            strcat(text, words[(next_random(&state) >> 16) % WORDS]);
        }
        parsed_t p = parse_text(text);
        CU_ASSERT(p.status == HM_OK || (p.status == HM_EUSAGE && p.err.text[0] != '\0'));
        taken += p.status == HM_OK;
        refused += p.status == HM_EUSAGE;
        parsed_free(&p);
    }
    CU_ASSERT(taken > 10);
    CU_ASSERT(refused > 10);
}

int main(void) {
    static const hm_case_t cases[] = {
        {"keys, comments and sections are read", keys_comments_and_sections_are_read},
        {"files without keys are fine", files_without_keys_are_fine},
        {"other systems' line ends are read", other_systems_line_ends_are_read},
        {"flags have eight words", flags_have_eight_words},
        {"quoted values stand as they are", quoted_values_stand_as_they_are},
        {"bad lines are refused", bad_lines_are_refused},
        {"binary files are refused", binary_files_are_refused},
        {"unreadable files are refused", unreadable_files_are_refused},
        {"pipes can be read", pipes_can_be_read},
        {"the command line wins wherever --config stands",
         command_line_wins_wherever_config_stands},
        {"keys that exclude each other are settled", keys_that_exclude_each_other_are_settled},
        {"long lines are whole or refused", long_lines_are_whole_or_refused},
        {"long files are refused", long_files_are_refused},
        {"the echo is readable and selective", echo_is_readable_and_selective},
        {"settings survive the way through a file", settings_survive_the_way_through_a_file},
        {"random files do no harm", random_files_do_no_harm},
        {NULL, NULL}};
    if (!mkdtemp(folder)) {
        perror(folder);
        return 1;
    }
    (void)snprintf(config, sizeof config, "%s/config.ini", folder);
    int failed = hm_run_cases("option_file", cases);
    unlink(config);
    rmdir(folder);
    return failed;
}
