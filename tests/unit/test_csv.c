/* CSV files: what is taken, and that all else is refused with its line. */
#include "hm_csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "random.h"
#include "runner.h"

static char path[] = "/tmp/hm_test_csv_XXXXXX";

static void put(const char *text, size_t size) {
    FILE *file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(text, 1, size, file), size);
    CU_ASSERT_EQUAL(fclose(file), 0);
}

static hm_status_t read_text(const char *text, hm_csv_t *csv, hm_error_t *err) {
    put(text, strlen(text));
    return hm_csv_read(path, csv, err);
}

static void takes_what_rfc_4180_says(void) {
    static const char *const same[] = {"a,b\n1,2\n3,4\n",
                                       "a,b\r\n1,2\r\n3,4\r\n",
                                       "a,b\n1,2\n3,4",
                                       "\357\273\277a,b\n1,2\n3,4",
                                       "\"a\",\"b\"\n\"1\",2\n3,\"4\"",
                                       "\n\na,b\n\n1,2\r\n\r\n3,4\n\n"};
    for (size_t i = 0; i < sizeof same / sizeof *same; ++i) {
        hm_csv_t csv = {0};
        hm_error_t err = HM_ERROR_NONE;
        CU_ASSERT_EQUAL_FATAL(read_text(same[i], &csv, &err), HM_OK);
        CU_ASSERT_EQUAL(csv.columns, 2);
        CU_ASSERT_EQUAL_FATAL(csv.rows, 2);
        CU_ASSERT_EQUAL(hm_csv_column(&csv, "a"), 0);
        CU_ASSERT_EQUAL(hm_csv_column(&csv, "b"), 1);
        CU_ASSERT_EQUAL(hm_csv_column(&csv, "c"), -1);
        CU_ASSERT_STRING_EQUAL(hm_csv_text(&csv, 0, 0), "1");
        CU_ASSERT_STRING_EQUAL(hm_csv_text(&csv, 0, 1), "2");
        CU_ASSERT_STRING_EQUAL(hm_csv_text(&csv, 1, 0), "3");
        CU_ASSERT_STRING_EQUAL(hm_csv_text(&csv, 1, 1), "4");
        hm_csv_free(&csv);
    }
}

static void quotes_keep_what_they_hold(void) {
    hm_csv_t csv = {0};
    hm_error_t err = HM_ERROR_NONE;
    CU_ASSERT_EQUAL_FATAL(
        read_text("a,b,c\n\"x,y\",\"say \"\"so\"\"\",\"two\nlines\"\n,\"\",last\n", &csv, &err),
        HM_OK);
    CU_ASSERT_STRING_EQUAL(hm_csv_text(&csv, 0, 0), "x,y");
    CU_ASSERT_STRING_EQUAL(hm_csv_text(&csv, 0, 1), "say \"so\"");
    CU_ASSERT_STRING_EQUAL(hm_csv_text(&csv, 0, 2), "two\nlines");
    CU_ASSERT_STRING_EQUAL(hm_csv_text(&csv, 1, 0), "");
    CU_ASSERT_STRING_EQUAL(hm_csv_text(&csv, 1, 1), "");
    CU_ASSERT_STRING_EQUAL(hm_csv_text(&csv, 1, 2), "last");
    CU_ASSERT_EQUAL(csv.line[1], 2);
    CU_ASSERT_EQUAL(csv.line[2], 4);
    hm_csv_free(&csv);
}

static void refuses_the_rest_with_its_line(void) {
    static const struct {
        const char *text;
        const char *line;
    } bad[] = {{"", "line 1"},
               {"\n\n", "line 1"},
               {"a,b\n1\n", "line 2"},
               {"a,b\n1,2\n1,2,3\n", "line 3"},
               {"a,b\n\"1,2\n", "line 2"},
               {"a,b\n1,\"2\n3\n4\n", "line 2"},
               {"a,b\n\"two\nlines\",2\n1,2,3\n", "line 4"},
               {"a,b\n1,x\"y\"\n", "line 2"},
               {"a,b\n\"1\"x,2\n", "line 2"},
               {"a,b\n\"1\"\r,2\n", "line 2"},
               {"a,b\n1,2\a\n", "line 2"},
               {"a,b\n1,\"\x01\"\n", "line 2"},
               {"a,\n1,2\n", "line 1"},
               {"a,a\n1,2\n", "line 1"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        hm_csv_t csv = {.rows = 77};
        hm_error_t err = HM_ERROR_NONE;
        CU_ASSERT_EQUAL(read_text(bad[i].text, &csv, &err), HM_EDATA);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, bad[i].line));
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, path));
        CU_ASSERT_EQUAL(csv.rows, 77);
        CU_ASSERT_PTR_NULL(csv.field);
    }
}

static void refuses_nul_and_too_many_fields(void) {
    hm_csv_t csv = {0};
    hm_error_t err = HM_ERROR_NONE;
    put("a,b\n1\0,2\n", 9);
    CU_ASSERT_EQUAL(hm_csv_read(path, &csv, &err), HM_EDATA);
    char many[2 * HM_CSV_COLUMNS + 4];
    memset(many, ',', sizeof many);
    put(many, sizeof many);
    CU_ASSERT_EQUAL(hm_csv_read(path, &csv, &err), HM_EDATA);
    CU_ASSERT_EQUAL(hm_csv_read("/nonexistent/x.csv", &csv, &err), HM_EIO);
}

/* Whatever bytes come: an answer, and memory that is in order (sanitizers look). */
static void survives_rubbish(void) {
    static const char letters[] = "a1,,\"\"\n\r\n x\x01\xFF\"";
    char text[256];
    uint64_t random = 7;
    for (int i = 0; i < 3000; ++i) {
        size_t size = (size_t)(next_random(&random) % sizeof text);
        for (size_t k = 0; k < size; ++k) {
            text[k] = letters[next_random(&random) % (sizeof letters - 1)];
        }
        hm_csv_t csv = {0};
        put(text, size);
        hm_status_t status = hm_csv_read(path, &csv, NULL);
        CU_ASSERT(status == HM_OK || status == HM_EDATA);
        for (int64_t f = 0; status == HM_OK && f < (csv.rows + 1) * csv.columns; ++f) {
            CU_ASSERT(strlen(csv.field[f]) <= size);
        }
        hm_csv_free(&csv);
    }
}

int main(void) {
    static const hm_case_t cases[] = {
        {"takes what RFC 4180 says", takes_what_rfc_4180_says},
        {"quotes keep what they hold", quotes_keep_what_they_hold},
        {"refuses the rest with its line", refuses_the_rest_with_its_line},
        {"refuses NUL and too many fields", refuses_nul_and_too_many_fields},
        {"survives rubbish", survives_rubbish},
        {NULL, NULL}};
    int descriptor = mkstemp(path);
    if (descriptor < 0) {
        return 1;
    }
    close(descriptor);
    int status = hm_run_cases("csv", cases);
    unlink(path);
    return status;
}
