/** @file replace.c See hm_replace.h. */
#include "hm_replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hm_text.h"

bool hm_replace_is_hdf5(const char *path) {
    static const char sign[8] = {'\x89', 'H', 'D', 'F', '\r', '\n', '\x1a', '\n'};
    char head[sizeof sign];
    struct stat found;
    if (stat(path, &found) != 0 || !S_ISREG(found.st_mode)) {
        return false;
    }
    FILE *file = fopen(path, "rb");
    const bool is = file && fread(head, 1, sizeof head, file) == sizeof head &&
                    memcmp(head, sign, sizeof sign) == 0;
    if (file) {
        fclose(file);
    }
    return is;
}

hm_status_t hm_replace_check(const char *path, hm_error_t *err) {
    return hm_replace_is_hdf5(path)
               ? hm_error_set(err, HM_ECREATE,
                              "cannot create '%s': a data set file is there; give another name",
                              path)
               : HM_OK;
}

/** What this process has open already and `path` names, such as its standard output: its number,
 * or -1. Nothing can be made beside that, and it must not be begun anew. */
static int stream_of(const char *path) {
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    int64_t number = -1;
    if (strcmp(path, "/dev/stdout") == 0) {
        return STDOUT_FILENO;
    }
    if (strcmp(path, "/dev/stderr") == 0) {
        return STDERR_FILENO;
    }
    for (size_t i = 0; i < sizeof folders / sizeof *folders && number < 0; ++i) {
        const size_t length = strlen(folders[i]);
        if (strncmp(path, folders[i], length) == 0 &&
            hm_text_int(path + length, 0, INT32_MAX, &number, NULL) != HM_OK) {
            number = -1;
        }
    }
    return (int)number;
}

/** A new file under a name of its own beside `path`: its descriptor, or -1 with errno. */
static int open_part(const char *path, char *part, size_t size) {
    enum { TRIES = 100 };
    int descriptor = -1;
    /* A process that was killed may have left such a name behind: take the next. */
    for (int k = 0; k < TRIES; ++k) {
        snprintf(part, size, "%s.%ld-%d.part", path, (long)getpid(), k);
        descriptor = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor >= 0 || errno != EEXIST) {
            break;
        }
    }
    return descriptor;
}

hm_status_t hm_replace_open(const char *path, hm_replace_t *file, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_replace_t made = {.path = NULL};
    struct stat found;
    int descriptor = -1;
    if (*path == '\0') {
        HM_TRY(hm_error_set(err, HM_ECREATE, "cannot create '': it is no name of a file"));
    }
    HM_TRY(hm_replace_check(path, err));
    const bool there = stat(path, &found) == 0;
    const int stream = stream_of(path);
    const bool direct = there && (!S_ISREG(found.st_mode) || stream >= 0);
    if (there && S_ISDIR(found.st_mode)) {
        HM_TRY(hm_error_set(err, HM_ECREATE,
                            "cannot create '%s': it is a folder; name a file in it", path));
    }
    /* A link stays one: the file that it points to is replaced. */
    made.path = there && !direct && lstat(path, &found) == 0 && S_ISLNK(found.st_mode)
                    ? realpath(path, NULL)
                    : strdup(path);
    const size_t size = (made.path ? strlen(made.path) : 0) + 32;
    made.part = direct ? NULL : malloc(size);
    if (!made.path || (!direct && !made.part)) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory"));
    }
    if (direct) {
        descriptor =
            stream >= 0 ? fcntl(stream, F_DUPFD_CLOEXEC, 0) : open(path, O_WRONLY | O_CLOEXEC);
    } else {
        descriptor = open_part(made.path, made.part, size);
    }
    if (descriptor < 0) {
        HM_TRY(hm_error_errno(err, HM_ECREATE, errno, "cannot create '%s'", path));
    }
    made.out = fdopen(descriptor, "w");
    if (!made.out) {
        const int failed = errno;
        if (made.part) {
            unlink(made.part);
        }
        HM_TRY(hm_error_errno(err, HM_ECREATE, failed, "cannot create '%s'", path));
    }
    *file = made;
    return HM_OK;
cleanup:
    if (descriptor >= 0) {
        close(descriptor);
    }
    free(made.path);
    free(made.part);
    return status;
}

hm_status_t hm_replace_close(hm_replace_t *file, bool keep, hm_error_t *err) {
    hm_status_t status = HM_OK;
    if (!file->out) {
        return HM_OK;
    }
    bool good = fflush(file->out) == 0 && !ferror(file->out);
    if (good && keep && file->part) {
        good = fsync(fileno(file->out)) == 0;
    }
    int failed = good ? 0 : errno;
    if (fclose(file->out) != 0 && good) {
        good = false;
        failed = errno;
    }
    if (good && keep && file->part && rename(file->part, file->path) != 0) {
        good = false;
        failed = errno;
    }
    if (file->part && !(good && keep)) {
        unlink(file->part);
    }
    if (keep && !good) {
        status = hm_error_errno(err, HM_EIO, failed, "cannot write '%s'", file->path);
    }
    free(file->path);
    free(file->part);
    *file = (hm_replace_t){.path = NULL};
    return status;
}
