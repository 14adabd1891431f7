/* Statuses, the chain of messages, and the log lines that carry them. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hm_error.h"
#include "hm_log.h"
#include "runner.h"

static void set_gives_status_and_text(void) {
    hm_error_t err = HM_ERROR_NONE;
    CU_ASSERT_EQUAL(err.status, HM_OK);
    CU_ASSERT_STRING_EQUAL(err.text, "");
    CU_ASSERT_EQUAL(hm_error_set(&err, HM_EDATA, "row %d of %s", 7, "x.h5"), HM_EDATA);
    CU_ASSERT_EQUAL(err.status, HM_EDATA);
    CU_ASSERT_STRING_EQUAL(err.text, "row 7 of x.h5");
    CU_ASSERT_EQUAL(hm_error_set(&err, HM_EIO, "again"), HM_EIO);
    CU_ASSERT_STRING_EQUAL(err.text, "again");
}

static void context_goes_in_front(void) {
    hm_error_t err = HM_ERROR_NONE;
    hm_error_set(&err, HM_EUSAGE, "not a number");
    CU_ASSERT_EQUAL(hm_error_context(&err, "--%s", "span"), HM_EUSAGE);
    CU_ASSERT_EQUAL(hm_error_context(&err, "render"), HM_EUSAGE);
    CU_ASSERT_STRING_EQUAL(err.text, "render: --span: not a number");
    /* Its own text as an argument. */
    hm_error_set(&err, HM_EUSAGE, "[%s]", err.text);
    CU_ASSERT_STRING_EQUAL(err.text, "[render: --span: not a number]");
}

static void errno_text_goes_behind(void) {
    hm_error_t err = HM_ERROR_NONE;
    CU_ASSERT_EQUAL(hm_error_errno(&err, HM_ECREATE, ENOENT, "cannot create '%s'", "a/b"),
                    HM_ECREATE);
    CU_ASSERT_EQUAL(err.status, HM_ECREATE);
    CU_ASSERT_STRING_EQUAL(err.text, "cannot create 'a/b': No such file or directory");
}

static void no_error_is_allowed(void) {
    CU_ASSERT_EQUAL(hm_error_set(NULL, HM_EBUG, "%d", 1), HM_EBUG);
    CU_ASSERT_EQUAL(hm_error_errno(NULL, HM_EIO, EIO, "x"), HM_EIO);
    CU_ASSERT_EQUAL(hm_error_context(NULL, "x"), HM_OK);
    hm_log_error(NULL);
}

static void long_text_is_cut_at_the_end(void) {
    char text[3 * HM_ERROR_TEXT];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    hm_error_t err = HM_ERROR_NONE;
    hm_error_set(&err, HM_EDATA, "begin %s", text);
    CU_ASSERT_EQUAL(strlen(err.text), HM_ERROR_TEXT - 1);
    CU_ASSERT_EQUAL(strncmp(err.text, "begin aaa", 9), 0);
    hm_error_context(&err, "context");
    CU_ASSERT_EQUAL(strlen(err.text), HM_ERROR_TEXT - 1);
    CU_ASSERT_EQUAL(strncmp(err.text, "context: begin aaa", 18), 0);
    hm_error_errno(&err, HM_EIO, EIO, "%s", text);
    CU_ASSERT_EQUAL(strlen(err.text), HM_ERROR_TEXT - 1);
    hm_error_context(&err, "%s", text);
    CU_ASSERT_EQUAL(strlen(err.text), HM_ERROR_TEXT - 1);
}

static void cut_never_splits_a_character(void) {
    static const char *const characters[] = {"\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x8C\x80"};
    for (size_t i = 0; i < sizeof characters / sizeof *characters; ++i) {
        size_t width = strlen(characters[i]);
        for (size_t shift = 0; shift < 4; ++shift) {
            char text[HM_ERROR_TEXT + 64] = "";
            memset(text, '.', shift);
            size_t length = shift;
            while (length + width < sizeof text) {
                memcpy(text + length, characters[i], width + 1);
                length += width;
            }
            hm_error_t err = HM_ERROR_NONE;
            hm_error_set(&err, HM_EDATA, "%s", text);
            size_t kept = strlen(err.text);
            CU_ASSERT_EQUAL((kept - shift) % width, 0);
            CU_ASSERT(kept > HM_ERROR_TEXT - 1 - width);
            CU_ASSERT_EQUAL(strncmp(err.text, text, kept), 0);
        }
    }
}

static void message_is_one_line(void) {
    hm_error_t err = HM_ERROR_NONE;
    hm_error_set(&err, HM_EDATA, "a\nb\r\tc%sd", "\033[31m");
    CU_ASSERT_STRING_EQUAL(err.text, "a b  c [31md");
    hm_error_context(&err, "x\ny");
    CU_ASSERT_STRING_EQUAL(err.text, "x y: a b  c [31md");
}

static void statuses_have_names(void) {
    static const hm_status_t all[] = {HM_OK,   HM_DIFFERENT, HM_EUSAGE, HM_EDATA,  HM_EMISSING,
                                      HM_EBUG, HM_ECREATE,   HM_EIO,    HM_STOPPED};
    enum { COUNT = sizeof all / sizeof *all };
    for (int i = 0; i < COUNT; ++i) {
        CU_ASSERT_STRING_NOT_EQUAL(hm_status_name(all[i]), "unknown");
        for (int j = 0; j < i; ++j) {
            CU_ASSERT_STRING_NOT_EQUAL(hm_status_name(all[i]), hm_status_name(all[j]));
        }
    }
    CU_ASSERT_STRING_EQUAL(hm_status_name(HM_EUSAGE), "usage");
    CU_ASSERT_STRING_EQUAL(hm_status_name((hm_status_t)3), "unknown");
}

static hm_status_t try_two(hm_status_t first, hm_status_t second, int *reached) {
    hm_status_t status = HM_OK;
    *reached = 0;
    HM_TRY(first);
    *reached = 1;
    HM_TRY(second);
    *reached = 2;
cleanup:
    return status;
}

static void try_leaves_at_the_first_failure(void) {
    int reached = 0;
    CU_ASSERT_EQUAL(try_two(HM_OK, HM_OK, &reached), HM_OK);
    CU_ASSERT_EQUAL(reached, 2);
    CU_ASSERT_EQUAL(try_two(HM_OK, HM_EIO, &reached), HM_EIO);
    CU_ASSERT_EQUAL(reached, 1);
    CU_ASSERT_EQUAL(try_two(HM_STOPPED, HM_EIO, &reached), HM_STOPPED);
    CU_ASSERT_EQUAL(reached, 0);
}

/* Standard error as a socket that keeps each write apart: one recv gives one write. */
typedef struct capture_t {
    int kept; /* the real standard error */
    int read_end;
} capture_t;

static capture_t capture_begin(void) {
    int ends[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0) {
        abort();
    }
    capture_t capture = {.kept = dup(STDERR_FILENO), .read_end = ends[0]};
    if (capture.kept < 0 || dup2(ends[1], STDERR_FILENO) < 0) {
        abort();
    }
    close(ends[1]);
    return capture;
}

static void capture_end(const capture_t *capture) {
    dup2(capture->kept, STDERR_FILENO);
    close(capture->kept);
    close(capture->read_end);
}

/* The next write, or "" when there was none. */
static const char *captured(const capture_t *capture, char text[8192]) {
    ssize_t got = recv(capture->read_end, text, 8191, MSG_DONTWAIT);
    text[got > 0 ? got : 0] = '\0';
    return text;
}

static void log_levels_drop_lines(void) {
    char text[8192];
    capture_t capture = capture_begin();
    for (int level = HM_QUIET; level <= HM_DEBUG; ++level) {
        hm_log_t log = {.level = (hm_level_t)level, .rank = -1};
        for (int line = HM_WARN; line <= HM_DEBUG; ++line) {
            hm_log(&log, (hm_level_t)line, "line %d", line);
            captured(&capture, text);
            char expected[64] = "";
            if (line <= level) {
                (void)snprintf(expected, sizeof expected, "hpcmandel: line %d\n", line);
            }
            CU_ASSERT_STRING_EQUAL(text, expected);
        }
    }
    hm_log(NULL, HM_WARN, "nobody logs");
    CU_ASSERT_STRING_EQUAL(captured(&capture, text), "");
    capture_end(&capture);
}

static void log_names_the_rank_when_debugging(void) {
    char text[8192];
    capture_t capture = capture_begin();
    hm_log(&(hm_log_t){.level = HM_DEBUG, .rank = 12}, HM_INFO, "a%%");
    CU_ASSERT_STRING_EQUAL(captured(&capture, text), "hpcmandel: rank 12: a%\n");
    hm_log(&(hm_log_t){.level = HM_INFO, .rank = 12}, HM_INFO, "a");
    CU_ASSERT_STRING_EQUAL(captured(&capture, text), "hpcmandel: a\n");
    capture_end(&capture);
}

static void log_error_always_writes(void) {
    char text[8192];
    hm_error_t err = HM_ERROR_NONE;
    capture_t capture = capture_begin();
    hm_error_set(&err, HM_EUSAGE, "bad");
    hm_log_error(&err);
    CU_ASSERT_STRING_EQUAL(captured(&capture, text), "hpcmandel: error: bad\n");
    hm_error_set(&err, HM_EIO, "%s", "");
    hm_log_error(&err);
    CU_ASSERT_STRING_EQUAL(captured(&capture, text), "hpcmandel: error: io\n");
    capture_end(&capture);
}

static void log_lines_are_one_write_and_one_line(void) {
    char text[8192];
    char body[6000];
    memset(body, 'b', sizeof body);
    body[sizeof body - 1] = '\0';
    capture_t capture = capture_begin();
    hm_log_t log = {.level = HM_INFO, .rank = -1};
    hm_log(&log, HM_INFO, "x\ny");
    CU_ASSERT_STRING_EQUAL(captured(&capture, text), "hpcmandel: x y\n");
    errno = EDOM;
    hm_log(&log, HM_INFO, "%s", body);
    CU_ASSERT_EQUAL(errno, EDOM);
    size_t length = strlen(captured(&capture, text));
    CU_ASSERT_EQUAL_FATAL(length, 4095);
    CU_ASSERT_STRING_EQUAL(text + length - 5, "b...\n");
    CU_ASSERT_STRING_EQUAL(captured(&capture, text), "");
    capture_end(&capture);
}

/* Several processes on one pipe: every line arrives whole. */
static void log_lines_do_not_interleave(void) {
    enum { WRITERS = 4, LINES = 50, WIDTH = 3000 };
    int ends[2] = {-1, -1};
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    fflush(NULL);
    pid_t child[WRITERS];
    for (int w = 0; w < WRITERS; ++w) {
        child[w] = fork();
        if (child[w] == 0) {
            char body[WIDTH + 1];
            memset(body, 'a' + w, WIDTH);
            body[WIDTH] = '\0';
            dup2(ends[1], STDERR_FILENO);
            close(ends[0]);
            close(ends[1]);
            for (int i = 0; i < LINES; ++i) {
                hm_log(&(hm_log_t){.level = HM_INFO, .rank = -1}, HM_INFO, "%s", body);
            }
            _exit(0);
        }
    }
    close(ends[1]);
    FILE *lines = fdopen(ends[0], "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(lines);
    char *line = NULL;
    size_t room = 0;
    int count = 0;
    int broken = 0;
    const size_t head = strlen("hpcmandel: ");
    for (ssize_t length; (length = getline(&line, &room, lines)) > 0; ++count) {
        bool whole = (size_t)length == head + WIDTH + 1;
        broken += !whole || strspn(line + head, (char[]){line[head], '\0'}) != WIDTH;
    }
    CU_ASSERT_EQUAL(count, WRITERS * LINES);
    CU_ASSERT_EQUAL(broken, 0);
    free(line);
    fclose(lines);
    for (int w = 0; w < WRITERS; ++w) {
        int how = -1;
        CU_ASSERT_EQUAL(waitpid(child[w], &how, 0), child[w]);
        CU_ASSERT_EQUAL(how, 0);
    }
}

int main(void) {
    static const hm_case_t cases[] = {
        {"set gives status and text", set_gives_status_and_text},
        {"context goes in front", context_goes_in_front},
        {"errno text goes behind", errno_text_goes_behind},
        {"no error is allowed", no_error_is_allowed},
        {"long text is cut at the end", long_text_is_cut_at_the_end},
        {"a cut never splits a character", cut_never_splits_a_character},
        {"a message is one line", message_is_one_line},
        {"statuses have names", statuses_have_names},
        {"HM_TRY leaves at the first failure", try_leaves_at_the_first_failure},
        {"log: levels drop lines", log_levels_drop_lines},
        {"log: the rank when debugging", log_names_the_rank_when_debugging},
        {"log: errors are always written", log_error_always_writes},
        {"log: one write, one line", log_lines_are_one_write_and_one_line},
        {"log: lines do not interleave", log_lines_do_not_interleave},
        {NULL, NULL}};
    return hm_run_cases("error", cases);
}
