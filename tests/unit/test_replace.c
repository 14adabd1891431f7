/* Files that take their names when they are whole. */
#include "hm_replace.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner.h"

static char folder[] = "/tmp/hm_test_replace_XXXXXX";
static char path[64];

static void put(const char *text) {
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(text, file);
    CU_ASSERT_EQUAL(fclose(file), 0);
}

static void expect(const char *text) {
    char found[32] = "";
    FILE *file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fread(found, 1, sizeof found - 1, file), strlen(text));
    fclose(file);
    CU_ASSERT_STRING_EQUAL(found, text);
}

static void the_old_file_stays_until_the_new_one_is_whole(void) {
    hm_error_t err = HM_ERROR_NONE;
    hm_replace_t file = {.path = NULL};
    put("old");
    CU_ASSERT_EQUAL_FATAL(hm_replace_open(path, &file, &err), HM_OK);
    fputs("new", file.out);
    fflush(file.out);
    expect("old");
    CU_ASSERT_EQUAL(hm_replace_close(&file, true, &err), HM_OK);
    expect("new");
    CU_ASSERT_PTR_NULL(file.out);
    CU_ASSERT_EQUAL(hm_replace_close(&file, true, &err), HM_OK);
}

static void what_is_not_kept_leaves_nothing(void) {
    hm_error_t err = HM_ERROR_NONE;
    hm_replace_t file = {.path = NULL};
    put("old");
    CU_ASSERT_EQUAL_FATAL(hm_replace_open(path, &file, &err), HM_OK);
    char part[128];
    snprintf(part, sizeof part, "%s", file.part);
    CU_ASSERT_EQUAL(access(part, F_OK), 0);
    CU_ASSERT_EQUAL(hm_replace_close(&file, false, &err), HM_OK);
    CU_ASSERT_NOT_EQUAL(access(part, F_OK), 0);
    expect("old");
}

static void a_link_stays_a_link(void) {
    hm_error_t err = HM_ERROR_NONE;
    hm_replace_t file = {.path = NULL};
    struct stat found;
    char link_path[80];
    snprintf(link_path, sizeof link_path, "%s/link", folder);
    put("old");
    CU_ASSERT_EQUAL_FATAL(symlink("file", link_path), 0);
    CU_ASSERT_EQUAL_FATAL(hm_replace_open(link_path, &file, &err), HM_OK);
    fputs("new", file.out);
    CU_ASSERT_EQUAL(hm_replace_close(&file, true, &err), HM_OK);
    expect("new");
    CU_ASSERT_EQUAL(lstat(link_path, &found), 0);
    CU_ASSERT(S_ISLNK(found.st_mode));
    unlink(link_path);
}

static void a_pipe_stays_a_pipe(void) {
    hm_error_t err = HM_ERROR_NONE;
    hm_replace_t file = {.path = NULL};
    struct stat found;
    char pipe_path[80];
    snprintf(pipe_path, sizeof pipe_path, "%s/pipe", folder);
    CU_ASSERT_EQUAL_FATAL(mkfifo(pipe_path, 0600), 0);
    FILE *other = fopen(pipe_path, "r+");
    CU_ASSERT_PTR_NOT_NULL_FATAL(other);
    CU_ASSERT_EQUAL_FATAL(hm_replace_open(pipe_path, &file, &err), HM_OK);
    fputs("x", file.out);
    CU_ASSERT_EQUAL(hm_replace_close(&file, true, &err), HM_OK);
    CU_ASSERT_EQUAL(getc(other), 'x');
    fclose(other);
    CU_ASSERT_EQUAL(stat(pipe_path, &found), 0);
    CU_ASSERT(S_ISFIFO(found.st_mode));
    unlink(pipe_path);
}

static void refuses_what_is_no_file(void) {
    hm_error_t err = HM_ERROR_NONE;
    hm_replace_t file = {.path = NULL};
    char missing[80];
    snprintf(missing, sizeof missing, "%s/no/such", folder);
    const char *const bad[] = {"", folder, missing};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        CU_ASSERT_EQUAL(hm_replace_open(bad[i], &file, &err), HM_ECREATE);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, bad[i]));
        CU_ASSERT_PTR_NULL(file.out);
    }
}

static void a_full_disk_is_said(void) {
    hm_error_t err = HM_ERROR_NONE;
    hm_replace_t file = {.path = NULL};
    CU_ASSERT_EQUAL_FATAL(hm_replace_open("/dev/full", &file, &err), HM_OK);
    fputs("x", file.out);
    CU_ASSERT_EQUAL(hm_replace_close(&file, true, &err), HM_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/dev/full"));
}

int main(void) {
    static const hm_case_t cases[] = {
        {"the old file stays until the new one is whole",
         the_old_file_stays_until_the_new_one_is_whole},
        {"what is not kept leaves nothing", what_is_not_kept_leaves_nothing},
        {"a link stays a link", a_link_stays_a_link},
        {"a pipe stays a pipe", a_pipe_stays_a_pipe},
        {"refuses what is no file", refuses_what_is_no_file},
        {"a full disk is said", a_full_disk_is_said},
        {NULL, NULL}};
    if (!mkdtemp(folder)) {
        return 1;
    }
    snprintf(path, sizeof path, "%s/file", folder);
    const int status = hm_run_cases("replace", cases);
    unlink(path);
    rmdir(folder);
    return status;
}
