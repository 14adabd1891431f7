/* The option table from the command line: what is taken, what is refused with which words. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "option_fixture.h"
#include "runner.h"

static void defaults_stand_when_nothing_is_given(void) {
    parsed_t p = parse_list(NULL);
    CU_ASSERT_EQUAL_FATAL(p.status, HM_OK);
    CU_ASSERT_EQUAL(p.settings.max_iter, 1000);
    CU_ASSERT_EQUAL(p.settings.bailout, 2.0);
    CU_ASSERT_EQUAL(p.settings.time_limit, 0.0);
    CU_ASSERT_STRING_EQUAL(p.settings.center, "-0.75,0");
    CU_ASSERT_PTR_NULL(p.settings.region);
    CU_ASSERT_EQUAL(p.settings.coords, 1);
    CU_ASSERT_FALSE(p.settings.quiet);
    CU_ASSERT_PTR_NULL(hm_options_text(&p.values, "region"));
    CU_ASSERT_STRING_EQUAL(hm_options_text(&p.values, "quiet"), "false");
    CU_ASSERT_STRING_EQUAL(hm_options_text(&p.values, "bailout"), "2");
    CU_ASSERT_FALSE(hm_options_given(&p.values, "max-iter"));
    CU_ASSERT_FALSE(p.values.help);
    parsed_free(&p);
}

static void every_type_is_taken_both_ways(void) {
    parsed_t p =
        PARSE("--max-iter", "4294967294", "--bailout=1e3", "--time-limit", "1-00:00:01", "--center",
              "-0.75,0", "--output=-", "--coords=exact", "--quiet", "--shift", "-5");
    CU_ASSERT_EQUAL_FATAL(p.status, HM_OK);
    CU_ASSERT_EQUAL(p.settings.max_iter, 4294967294);
    CU_ASSERT_EQUAL(p.settings.bailout, 1000.0);
    CU_ASSERT_EQUAL(p.settings.time_limit, 86401.0);
    CU_ASSERT_STRING_EQUAL(p.settings.center, "-0.75,0");
    CU_ASSERT_STRING_EQUAL(p.settings.output, "-");
    CU_ASSERT_EQUAL(p.settings.coords, 0);
    CU_ASSERT_TRUE(p.settings.quiet);
    CU_ASSERT_EQUAL(p.settings.shift, -5);
    CU_ASSERT_TRUE(hm_options_given(&p.values, "max-iter"));
    CU_ASSERT_FALSE(hm_options_given(&p.values, "region"));
    CU_ASSERT_STRING_EQUAL(hm_options_text(&p.values, "quiet"), "true");
    parsed_free(&p);
    p = PARSE("--center=-0.75,0", "--bailout", "1e3", "--max-iter=7", "--output=--odd=name",
              "--shift=-9223372036854775808");
    CU_ASSERT_EQUAL_FATAL(p.status, HM_OK);
    CU_ASSERT_STRING_EQUAL(p.settings.center, "-0.75,0");
    CU_ASSERT_EQUAL(p.settings.max_iter, 7);
    CU_ASSERT_STRING_EQUAL(p.settings.output, "--odd=name");
    CU_ASSERT_EQUAL(p.settings.shift, INT64_MIN);
    parsed_free(&p);
}

static void some_take_a_value_or_none(void) {
    const struct {
        const char *word[3];
        const char *json;
        int64_t max_iter;
        int positional;
    } cases[] = {
        {{"--json"}, "-", 1000, 0},
        {{"--json", "--max-iter=5"}, "-", 5, 0},
        {{"--json", "--", "x"}, "-", 1000, 0},
        {{"--max-iter", "5", "--json"}, "-", 5, 0},
        {{"--json", "a"}, "a", 1000, 0},
        {{"--json=a", "--json"}, "-", 1000, 0},
        {{"--json=", "a"}, "", 1000, 1},
        {{"a", "--json"}, "-", 1000, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        parsed_t p = PARSE(cases[i].word[0], cases[i].word[1], cases[i].word[2]);
        CU_ASSERT_EQUAL_FATAL(p.status, HM_OK);
        CU_ASSERT_STRING_EQUAL(p.settings.json, cases[i].json);
        CU_ASSERT_EQUAL(p.settings.max_iter, cases[i].max_iter);
        CU_ASSERT_EQUAL(p.values.positional_count, cases[i].positional);
        parsed_free(&p);
    }
}

static void the_last_of_a_repeated_key_counts(void) {
    parsed_t p = PARSE("--max-iter=5", "--quiet", "--max-iter", "6", "--quiet", "--max-iter=7");
    CU_ASSERT_EQUAL_FATAL(p.status, HM_OK);
    CU_ASSERT_EQUAL(p.settings.max_iter, 7);
    CU_ASSERT_TRUE(p.settings.quiet);
    parsed_free(&p);
}

static void arguments_mix_with_options(void) {
    parsed_t p = PARSE("a.h5", "--max-iter", "5", "-", "--quiet", "--", "--max-iter", "x", "--");
    CU_ASSERT_EQUAL_FATAL(p.status, HM_OK);
    CU_ASSERT_EQUAL(p.settings.max_iter, 5);
    CU_ASSERT_TRUE(p.settings.quiet);
    CU_ASSERT_EQUAL_FATAL(p.values.positional_count, 2);
    CU_ASSERT_STRING_EQUAL(p.values.positional[0], "a.h5");
    CU_ASSERT_STRING_EQUAL(p.values.positional[1], "-");
    CU_ASSERT_EQUAL_FATAL(p.values.rest_count, 3);
    CU_ASSERT_STRING_EQUAL(p.values.rest[0], "--max-iter");
    CU_ASSERT_STRING_EQUAL(p.values.rest[1], "x");
    CU_ASSERT_STRING_EQUAL(p.values.rest[2], "--");
    parsed_free(&p);
    p = PARSE("--");
    CU_ASSERT_EQUAL_FATAL(p.status, HM_OK);
    CU_ASSERT_EQUAL(p.values.positional_count + p.values.rest_count, 0);
    parsed_free(&p);
}

static void help_wins_over_what_is_wrong(void) {
    parsed_t p = PARSE("--max-iter=x", "a", "b", "c", "--frobnicate", "--help");
    CU_ASSERT_EQUAL_FATAL(p.status, HM_OK);
    CU_ASSERT_TRUE(p.values.help);
    CU_ASSERT_TRUE(is_untouched(&p.settings));
    parsed_free(&p);
    p = PARSE("--config", "/nowhere/at/all", "--help");
    CU_ASSERT_EQUAL(p.status, HM_OK);
    CU_ASSERT_TRUE(p.values.help);
    parsed_free(&p);
    p = PARSE("--", "--help");
    CU_ASSERT_EQUAL_FATAL(p.status, HM_OK);
    CU_ASSERT_FALSE(p.values.help);
    CU_ASSERT_EQUAL(p.values.rest_count, 1);
    parsed_free(&p);
}

static void bad_command_lines_are_refused(void) {
    static const struct {
        const char *argv[4];
        const char *text;
    } rows[] = {
        {{"--max", "5"}, "unknown option '--max'; did you mean '--max-iter'?"},
        {{"--max-ite=5"}, "unknown option '--max-ite'; did you mean '--max-iter'?"},
        {{"--max-iters", "5"}, "unknown option '--max-iters'; did you mean '--max-iter'?"},
        {{"--c", "5"}, "unknown option '--c'; did you mean '--center'?"},
        {{"--q"}, "unknown option '--q'; did you mean '--quiet'?"},
        {{"--hel"}, "unknown option '--hel'; did you mean '--help'?"},
        {{"--conf", "x"}, "unknown option '--conf'; did you mean '--config'?"},
        {{"--Max-iter", "5"}, "unknown option '--Max-iter'; did you mean '--max-iter'?"},
        {{"-max-iter", "5"}, "unknown option '-max-iter'; did you mean '--max-iter'?"},
        {{"-q"}, "unknown option '-q'; did you mean '--quiet'?"},
        {{"-7"}, "unknown option '-7'; --help lists the options"},
        {{"--frobnicate"}, "unknown option '--frobnicate'; --help lists the options"},
        {{"--=5"}, "unknown option '--'; --help lists the options"},
        {{"--max-iter"}, "--max-iter needs a value: --max-iter N"},
        {{"--quiet", "--bailout"}, "--bailout needs a value: --bailout VALUE"},
        {{"--config"}, "--config needs a value: --config FILE"},
        {{"--output", "--quiet"},
         "--output needs a value, not '--quiet' (if that is the value, write --output=--quiet)"},
        {{"--output", "--"},
         "--output needs a value, not '--' (if that is the value, write --output=--)"},
        {{"--config", "--quiet"},
         "--config needs a value, not '--quiet' (if that is the value, write --config=--quiet)"},
        {{"--quiet=true"}, "--quiet takes no value; write it alone"},
        {{"--quiet="}, "--quiet takes no value; write it alone"},
        {{"--help=me"}, "--help takes no value; write it alone"},
        {{"--config=a", "--config=b"}, "--config was given twice; give one file"},
        {{"a", "b", "c"}, "unexpected argument 'c'; options begin with '--'"},
        {{"--max-iter="}, "--max-iter: not a whole number: ''"},
        {{"--max-iter", "10x"}, "--max-iter: not a whole number: '10x'"},
        {{"--max-iter", "0"}, "--max-iter: not in the range 1 to 4294967294: '0'"},
        {{"--max-iter", "4294967295"},
         "--max-iter: not in the range 1 to 4294967294: '4294967295'"},
        {{"--bailout", "two"}, "--bailout: not a number: 'two'"},
        {{"--bailout", "-2"}, "--bailout: not positive: '-2'"},
        {{"--bailout", "inf"}, "--bailout: not a number: 'inf'"},
        {{"--time-limit", "1:99"},
         "--time-limit: not a time: '1:99'; give seconds, or as in 90s, 1.5m, 2h, 10:00 (MM:SS), "
         "2:00:00 (HH:MM:SS), 1-12:00:00 (days)"},
        {{"--coords", "exat"},
         "--coords: not one of exact, accumulated: 'exat'; did you mean 'exact'?"},
        {{"--coords", "grid"}, "--coords: not one of exact, accumulated: 'grid'"},
        {{"--coords", ""}, "--coords: not one of exact, accumulated: ''"},
        {{"--region", "1:2", "--span", "3"}, "region excludes span: give the one or the other"},
        {{"--center=1,2", "--region=1:2"}, "region excludes center: give the one or the other"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        const char *list[5] = {NULL};
        memcpy(list, rows[i].argv, sizeof rows[i].argv);
        parsed_t p = parse_list(list);
        CU_ASSERT_EQUAL(p.status, HM_EUSAGE);
        CU_ASSERT_EQUAL(p.err.status, HM_EUSAGE);
        CU_ASSERT_STRING_EQUAL(p.err.text, rows[i].text);
        if (strcmp(p.err.text, rows[i].text) != 0) {
            printf("\n    is:        %s\n    should be: %s\n", p.err.text, rows[i].text);
        }
        CU_ASSERT_TRUE(is_untouched(&p.settings));
        CU_ASSERT_PTR_NULL(p.values.table);
    }
}

static void config_is_unknown_where_there_is_none(void) {
    char *argv[] = {(char[]){"prog"}, (char[]){"--config=x"}, NULL};
    settings_t settings;
    hm_values_t values;
    hm_error_t err = HM_ERROR_NONE;
    CU_ASSERT_EQUAL(hm_options_parse(fixture_table, false, 0, 2, argv, &settings, &values, &err),
                    HM_EUSAGE);
    CU_ASSERT_STRING_EQUAL(err.text, "unknown option '--config'; --help lists the options");
}

static void values_of_any_length_are_kept(void) {
    enum { DIGITS = 100000 };
    char *argument = malloc(DIGITS + 32);
    CU_ASSERT_PTR_NOT_NULL_FATAL(argument);
    int head = snprintf(argument, 32, "--center=0.");
    memset(argument + head, '7', DIGITS);
    argument[head + DIGITS] = '\0';
    parsed_t p = PARSE(argument);
    CU_ASSERT_EQUAL_FATAL(p.status, HM_OK);
    CU_ASSERT_STRING_EQUAL(p.settings.center, argument + strlen("--center="));
    parsed_free(&p);
    memcpy(argument, "--bailout", 9);
    argument[9] = '=';
    argument[10] = 'x';
    p = PARSE(argument);
    CU_ASSERT_EQUAL(p.status, HM_EUSAGE);
    CU_ASSERT_EQUAL(strncmp(p.err.text, "--bailout: not a number: 'x777", 30), 0);
    CU_ASSERT(strlen(p.err.text) < 120);
    free(argument);
}

/* getopt has state of its own: none may come in, go out, or show on standard error. */
static void getopt_leaves_no_traces(void) {
    char *others[] = {(char[]){"x"}, (char[]){"-abc"}, (char[]){"d"}, NULL};
    optind = 1;
    opterr = 0;
    CU_ASSERT_EQUAL(getopt(3, others, "abc"), 'a'); /* stops in the middle of an element */
    opterr = 1;
    int ends[2] = {-1, -1};
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    int kept = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    parsed_t p = PARSE("--max-iter", "5");
    CU_ASSERT_EQUAL(p.status, HM_OK);
    CU_ASSERT_EQUAL(p.settings.max_iter, 5);
    parsed_free(&p);
    for (int i = 0; i < 3; ++i) {
        p = PARSE("-xyz");
        CU_ASSERT_EQUAL(p.status, HM_EUSAGE);
        p = PARSE("--max-iter");
        CU_ASSERT_EQUAL(p.status, HM_EUSAGE);
        p = PARSE("--bailout", "3", "file");
        CU_ASSERT_EQUAL_FATAL(p.status, HM_OK);
        CU_ASSERT_EQUAL(p.settings.bailout, 3.0);
        CU_ASSERT_EQUAL(p.values.positional_count, 1);
        parsed_free(&p);
    }
    CU_ASSERT_EQUAL(opterr, 1);
    dup2(kept, STDERR_FILENO);
    close(kept);
    char byte = 0;
    CU_ASSERT_EQUAL(read(ends[0], &byte, 1), 0);
    close(ends[0]);
    CU_ASSERT_EQUAL(getopt(3, others, "abc"), 'a'); /* from the start again */
    optind = 0;
}

static void posixly_correct_changes_nothing(void) {
    setenv("POSIXLY_CORRECT", "1", 1);
    parsed_t p = PARSE("a.h5", "--max-iter", "5");
    unsetenv("POSIXLY_CORRECT");
    CU_ASSERT_EQUAL_FATAL(p.status, HM_OK);
    CU_ASSERT_EQUAL(p.settings.max_iter, 5);
    CU_ASSERT_EQUAL(p.values.positional_count, 1);
    parsed_free(&p);
}

static void wrong_default_is_a_bug(void) {
    static const hm_option_t table[] = {
        {.key = "n", .type = HM_OPTION_INT, .low = 1, .high = 5, .fallback = "6"}, {.key = NULL}};
    int64_t n = 99;
    hm_values_t values;
    hm_error_t err = HM_ERROR_NONE;
    char *argv[] = {(char[]){"prog"}, NULL};
    CU_ASSERT_EQUAL(hm_options_parse(table, false, 0, 1, argv, &n, &values, &err), HM_EBUG);
    CU_ASSERT_EQUAL(err.status, HM_EBUG);
    CU_ASSERT_STRING_EQUAL(err.text, "default of option 'n': not in the range 1 to 5: '6'");
    CU_ASSERT_EQUAL(n, 99);
}

static void empty_tables_and_lines_are_fine(void) {
    static const hm_option_t table[] = {{.key = NULL}};
    hm_values_t values;
    char *argv[] = {NULL};
    CU_ASSERT_EQUAL(hm_options_parse(table, false, 0, 0, argv, NULL, &values, NULL), HM_OK);
    char *ini = hm_options_ini(&values);
    CU_ASSERT_PTR_NOT_NULL_FATAL(ini);
    CU_ASSERT_STRING_EQUAL(ini, "");
    free(ini);
    hm_options_free(&values);
    hm_options_free(&values); /* once more does no harm */
}

static char *help_text(const hm_option_t *table) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    hm_options_help(table, out);
    fclose(out);
    return text;
}

static void help_shows_every_row(void) {
    char *text = help_text(fixture_table);
    for (const hm_option_t *o = fixture_table; o->key; ++o) {
        char flag[64];
        (void)snprintf(flag, sizeof flag, "\n  --%s", o->key);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, flag));
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\n  --max-iter N"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "  iteration limit (default 1000)\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "(exact, accumulated; default accumulated)"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\n  --help"));
    CU_ASSERT_PTR_NULL(strstr(text, "default false"));
    /* One heading a group, though its rows stand apart in the table. */
    char *view = strstr(text, "\nView:\n");
    CU_ASSERT_PTR_NOT_NULL_FATAL(view);
    CU_ASSERT_PTR_NULL(strstr(view + 1, "\nView:\n"));
    free(text);
}

static void help_fits_the_page(void) {
    char *text = help_text(fixture_table);
    int column_of_help = -1;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        size_t width = 0;
        for (const char *c = line; *c; ++c) {
            width += ((unsigned char)*c & 0xC0) != 0x80;
        }
        CU_ASSERT(width <= 100);
        CU_ASSERT(line[strlen(line) - 1] != ' ');
        if (line[0] == ' ' && line[2] != '-') { /* a line that goes on */
            int column = (int)strspn(line, " ");
            CU_ASSERT(column_of_help < 0 || column == column_of_help);
            column_of_help = column;
        }
    }
    CU_ASSERT(column_of_help > 0);
    free(text);
}

/* A line may be exactly as wide as the page; one column more goes to the next line. */
static void help_wraps_at_the_page_edge(void) {
    char words[96];
    strcpy(words, "w");
    const hm_option_t table[] = {{.key = "k", .type = HM_OPTION_FLAG, .help = words},
                                 {.key = NULL}};
    char *text = help_text(table);
    const int column = (int)(strstr(text, "print this") - strstr(text, "  --help"));
    free(text);
    for (int too_many = 0; too_many < 2; ++too_many) {
        int length = 100 - column + too_many;
        memset(words, 'w', sizeof words);
        words[10] = ' ';
        words[length] = '\0';
        text = help_text(table);
        char *line = strstr(text, "  --k");
        CU_ASSERT_PTR_NOT_NULL_FATAL(line);
        size_t width = strcspn(line, "\n");
        CU_ASSERT_EQUAL(width, too_many ? (size_t)column + 10 : 100);
        free(text);
    }
}

int main(void) {
    static const hm_case_t cases[] = {
        {"defaults stand when nothing is given", defaults_stand_when_nothing_is_given},
        {"every type is taken both ways", every_type_is_taken_both_ways},
        {"some take a value or none", some_take_a_value_or_none},
        {"the last of a repeated key counts", the_last_of_a_repeated_key_counts},
        {"arguments mix with options, -- ends them", arguments_mix_with_options},
        {"--help wins over what is wrong", help_wins_over_what_is_wrong},
        {"bad command lines are refused", bad_command_lines_are_refused},
        {"--config is unknown where there is none", config_is_unknown_where_there_is_none},
        {"values of any length are kept", values_of_any_length_are_kept},
        {"getopt leaves no traces", getopt_leaves_no_traces},
        {"POSIXLY_CORRECT changes nothing", posixly_correct_changes_nothing},
        {"a wrong default is a bug", wrong_default_is_a_bug},
        {"empty tables and lines are fine", empty_tables_and_lines_are_fine},
        {"help shows every row", help_shows_every_row},
        {"help fits the page", help_fits_the_page},
        {"help wraps at the page's edge", help_wraps_at_the_page_edge},
        {NULL, NULL}};
    return hm_run_cases("option", cases);
}
