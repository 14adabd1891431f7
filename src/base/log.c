#include "hm_log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Lines up to PIPE_BUF (4096 on Linux) arrive whole where many ranks share one pipe. */
enum { LINE_BYTES = 4096 };

/* Ends the line that is in `line` (`length` as snprintf counted, which may be more than there is
 * room for) and writes it at once. */
static void put(char *line, size_t length) {
    if (length > LINE_BYTES - 2) {
        length = LINE_BYTES - 2;
        memcpy(line + length - 3, "...", 3);
    }
    for (size_t i = 0; i < length; ++i) {
        if ((unsigned char)line[i] < 0x20) {
            line[i] = ' ';
        }
    }
    line[length++] = '\n';
    /* More than one write happens only where the first was cut short, e.g. by a signal. */
    size_t done = 0;
    while (done < length) {
        ssize_t wrote = write(STDERR_FILENO, line + done, length - done);
        if (wrote < 0 && errno != EINTR) {
            break; /* nobody left to tell */
        }
        done += wrote > 0 ? (size_t)wrote : 0;
    }
}

void hm_log(const hm_log_t *log, hm_level_t level, const char *format, ...) {
    if (!log || level == HM_QUIET || level > log->level) {
        return;
    }
    int errno_before = errno;
    char line[LINE_BYTES];
    int head = log->rank >= 0 && log->level == HM_DEBUG
                   ? snprintf(line, sizeof line, "hpcmandel: rank %d: ", log->rank)
                   : snprintf(line, sizeof line, "hpcmandel: ");
    va_list arguments;
    va_start(arguments, format);
    int body = vsnprintf(line + head, sizeof line - (size_t)head, format, arguments);
    va_end(arguments);
    put(line, (size_t)head + (body > 0 ? (size_t)body : 0));
    errno = errno_before;
}

void hm_log_error(const hm_error_t *err) {
    if (!err) {
        return;
    }
    int errno_before = errno;
    char line[LINE_BYTES];
    int length = snprintf(line, sizeof line, "hpcmandel: error: %s",
                          err->text[0] ? err->text : hm_status_name(err->status));
    put(line, length > 0 ? (size_t)length : 0);
    errno = errno_before;
}
