/* Texts and drawings in pages: nothing that comes from outside becomes markup. */
#include "hm_html.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hm_chart.h"
#include "random.h"
#include "runner.h"

static char path[] = "/tmp/hm_test_html_XXXXXX";

/* What the stream got, malloc'ed. */
static char *escaped(const char *text) {
    char *memory = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&memory, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    hm_html_text(out, text);
    fclose(out);
    return memory;
}

static void text_stays_text(void) {
    static const struct {
        const char *text, *html;
    } same[] = {{"", ""},
                {"plain", "plain"},
                {"<script>alert('x')</script>", "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"},
                {"a & b \"c\"", "a &amp; b &quot;c&quot;"},
                {"&amp;", "&amp;amp;"},
                {"tab\tline\nend", "tab\tline\nend"},
                {"bell\a\x1b[31m", "bell\xEF\xBF\xBD\xEF\xBF\xBD[31m"},
                {"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"},
                {"\xFF", "\xEF\xBF\xBD"},
                {"\xC3", "\xEF\xBF\xBD"},                 /* cut short */
                {"\xC3<", "\xEF\xBF\xBD&lt;"},            /* and not swallowed */
                {"\xC0\xBC", "\xEF\xBF\xBD\xEF\xBF\xBD"}, /* '<' in too long a form */
                {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}}; /* a surrogate */
    for (size_t i = 0; i < sizeof same / sizeof *same; ++i) {
        char *html = escaped(same[i].text);
        CU_ASSERT_STRING_EQUAL(html, same[i].html);
        free(html);
    }
}

static void no_markup_from_any_bytes(void) {
    uint64_t random = 3;
    for (int i = 0; i < 5000; ++i) {
        char text[64];
        for (size_t k = 0; k + 1 < sizeof text; ++k) {
            text[k] = (char)(1 + next_random(&random) % 255);
        }
        text[sizeof text - 1] = '\0';
        char *html = escaped(text);
        CU_ASSERT_EQUAL(strcspn(html, "<>\"'\a\x1b\x7F"), strlen(html));
        free(html);
    }
}

static void put(const char *text) {
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(text, file);
    fclose(file);
}

static hm_status_t inlined(const char *svg, char **html, hm_error_t *err) {
    size_t size = 0;
    put(svg);
    FILE *out = open_memstream(html, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    hm_status_t status = hm_html_svg(out, path, "p1", "a \"label\"", err);
    fclose(out);
    return status;
}

static void drawings_keep_apart(void) {
    char *html = NULL;
    hm_error_t err = HM_ERROR_NONE;
    CU_ASSERT_EQUAL_FATAL(
        inlined("<?xml version=\"1.0\"?><!DOCTYPE svg><svg width=\"5\" viewBox=\"0 0 5 5\">\n"
                "<title>T</title><desc>D</desc><g id=\"a\"/><circle id='b'/>"
                "<use xlink:href='#b'/><path style=\"fill:url(#a)\"/></svg>\n",
                &html, &err),
        HM_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(html, "<svg viewBox=\"0 0 5 5\" role=\"img\" "
                                        "aria-label=\"a &quot;label&quot;\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(html, "id=\"p1-a\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(html, "id='p1-b'"));
    CU_ASSERT_PTR_NOT_NULL(strstr(html, "href='#p1-b'"));
    CU_ASSERT_PTR_NOT_NULL(strstr(html, "url(#p1-a)"));
    CU_ASSERT_PTR_NULL(strstr(html, "<title>"));
    CU_ASSERT_PTR_NULL(strstr(html, "<?xml"));
    CU_ASSERT_PTR_NULL(strstr(html, "DOCTYPE"));
    free(html);
}

static void drawings_with_more_in_them_are_refused(void) {
    static const char *const bad[] = {
        "",
        "no drawing",
        "<svg>",
        "<svg viewBox=\"0 0 1 1\"><script>1</script></svg>",
        "<svg viewBox=\"0 0 1 1\"><SCRIPT>1</SCRIPT></svg>",
        "<svg viewBox=\"0 0 1 1\"><image href='#x'/></svg>",
        "<svg viewBox=\"0 0 1 1\"><a xlink:href=\"http://example.org\"/></svg>",
        "<svg viewBox=\"0 0 1 1\"><use href='other.svg#a'/></svg>",
        "<svg viewBox=\"0 0 1 1 onload=x\"></svg>"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        char *html = NULL;
        hm_error_t err = HM_ERROR_NONE;
        CU_ASSERT_EQUAL(inlined(bad[i], &html, &err), HM_EDATA);
        CU_ASSERT_STRING_EQUAL(html, "");
        free(html);
    }
    CU_ASSERT_EQUAL(hm_html_svg(stdout, "/nonexistent/x.svg", "p", "l", NULL), HM_EIO);
}

static void data_addresses(void) {
    static const struct {
        const char *text, *data;
    } same[] = {{"", "data:t;base64,"},
                {"f", "data:t;base64,Zg=="},
                {"fo", "data:t;base64,Zm8="},
                {"foo", "data:t;base64,Zm9v"},
                {"foob", "data:t;base64,Zm9vYg=="},
                {"\xFF\xFE\xFD", "data:t;base64,//79"}};
    for (size_t i = 0; i < sizeof same / sizeof *same; ++i) { /* RFC 4648, section 10 */
        char *html = NULL;
        size_t size = 0;
        put(same[i].text);
        FILE *out = open_memstream(&html, &size);
        CU_ASSERT_PTR_NOT_NULL_FATAL(out);
        CU_ASSERT_EQUAL(hm_html_data(out, path, "t", NULL), HM_OK);
        fclose(out);
        CU_ASSERT_STRING_EQUAL(html, same[i].data);
        free(html);
    }
}

static void pages_ask_nobody(void) {
    char *html = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&html, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    hm_html_begin(out, "<b>", "a & b");
    hm_html_end(out, "\"");
    fclose(out);
    CU_ASSERT_PTR_NOT_NULL(strstr(html, "<title>&lt;b&gt;</title>"));
    CU_ASSERT_PTR_NOT_NULL(strstr(html, "a &amp; b"));
    CU_ASSERT_PTR_NOT_NULL(strstr(html, "default-src 'none'"));
    CU_ASSERT_PTR_NULL(strstr(html, "http:"));
    CU_ASSERT_PTR_NULL(strstr(html, "https:"));
    CU_ASSERT_PTR_NULL(strstr(html, "<script"));
    free(html);
}

/* What names cannot do to a chart: the script holds none of their special characters. */
static void chart_scripts_hold_no_commands(void) {
    char folder[] = "/tmp/hm_test_chart_XXXXXX";
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    const double x[] = {1, 2};
    const double y[] = {1, 2};
    hm_curve_t curve = {.title = "'; system 'touch evil' #`touch evil`\n!touch evil@x",
                        .mark = HM_MARK_POINTS,
                        .count = 2,
                        .x = x,
                        .y = y};
    hm_chart_t chart = {.x_label = "`id`", .y_label = "\"$x\"", .curve = &curve, .curves = 1};
    hm_error_t err = HM_ERROR_NONE;
    hm_status_t status = hm_chart_draw(&chart, folder, "evil", &err);
    CU_ASSERT_EQUAL(status, hm_chart_possible() ? HM_OK : HM_EMISSING);
    char file[64];
    snprintf(file, sizeof file, "%s/evil.gp", folder);
    FILE *script = fopen(file, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(script);
    char line[1024];
    while (fgets(line, sizeof line, script)) {
        if (line[0] != '#') { /* a comment of our own */
            CU_ASSERT_PTR_NULL(strpbrk(line, "`@!\""));
        }
        int quotes = 0;
        for (const char *c = line; *c; ++c) {
            quotes += *c == '\'';
        }
        CU_ASSERT_EQUAL(quotes % 2, 0);
        CU_ASSERT_PTR_NULL(strstr(line, "'; system"));
    }
    fclose(script);
    static const char *const made[] = {"gp", "svg", "png"};
    for (size_t i = 0; i < sizeof made / sizeof *made; ++i) {
        snprintf(file, sizeof file, "%s/evil.%s", folder, made[i]);
        CU_ASSERT(unlink(file) == 0 || status != HM_OK);
    }
    CU_ASSERT_EQUAL(rmdir(folder), 0); /* nothing else was made */
    CU_ASSERT_EQUAL(hm_chart_draw(&chart, "/tmp", "../x", NULL), HM_EBUG);
}

int main(void) {
    static const hm_case_t cases[] = {
        {"text stays text", text_stays_text},
        {"no markup from any bytes", no_markup_from_any_bytes},
        {"drawings keep apart", drawings_keep_apart},
        {"drawings with more in them are refused", drawings_with_more_in_them_are_refused},
        {"data addresses", data_addresses},
        {"pages ask nobody", pages_ask_nobody},
        {"chart scripts hold no commands", chart_scripts_hold_no_commands},
        {NULL, NULL}};
    int descriptor = mkstemp(path);
    if (descriptor < 0) {
        return 1;
    }
    close(descriptor);
    int status = hm_run_cases("html", cases);
    unlink(path);
    return status;
}
