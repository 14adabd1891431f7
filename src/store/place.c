/** @file place.c See place.h. */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

static hm_status_t exists(const char *path, bool resumable, hm_error_t *err) {
    return hm_error_set(err, HM_ECREATE, "'%s' exists: give another name, %s", path,
                        resumable ? "--overwrite to replace it, or --resume to go on with it"
                                  : "or --overwrite to replace it");
}

/** Parts of a path: the folder ("." when there is none) and the name. */
static hm_status_t split(const char *path, hm_place_t *place, const char **name, hm_error_t *err) {
    const char *slash = strrchr(path, '/');
    *name = slash ? slash + 1 : path;
    if (**name == '\0') {
        return hm_error_set(err, HM_ECREATE, "cannot create '%s': it is no name of a file", path);
    }
    const size_t length = slash ? (size_t)(slash - path) : 1;
    if (!slash) {
        strcpy(place->folder, ".");
    } else {
        memcpy(place->folder, path, length ? length : 1);
        place->folder[length ? length : 1] = '\0';
    }
    return HM_OK;
}

hm_status_t hm_place_find(const char *path, bool overwrite, bool resumable, hm_place_t *place,
                          hm_error_t *err) {
    struct stat found;
    struct timespec now;
    const char *name;
    hm_place_t made = {.overwrite = overwrite, .resumable = resumable};
    if (strlen(path) >= sizeof made.final - 64) {
        return hm_error_set(err, HM_ECREATE, "cannot create a file: its name is too long");
    }
    strcpy(made.final, path);
    if (lstat(path, &found) == 0) {
        if (!overwrite) {
            return exists(path, resumable, err);
        }
        /* A link is followed, so that what it points to is replaced; a device or a folder never is.
         */
        if (stat(path, &found) != 0 || !S_ISREG(found.st_mode)) {
            return hm_error_set(err, HM_ECREATE,
                                "'%s' is not a regular file: it will not be overwritten", path);
        }
        char *real = realpath(path, NULL);
        if (!real || strlen(real) >= sizeof made.final - 64) {
            free(real);
            return hm_error_set(err, HM_ECREATE, "cannot find out where '%s' is", path);
        }
        strcpy(made.final, real);
        free(real);
    } else if (errno != ENOENT) {
        return hm_error_errno(err, HM_ECREATE, errno, "cannot create '%s'", path);
    }
    hm_status_t status = split(made.final, &made, &name, err);
    if (status != HM_OK) {
        return status;
    }
    if (stat(made.folder, &found) != 0) {
        return hm_error_errno(err, HM_ECREATE, errno, "cannot create '%s': its folder '%s'", path,
                              made.folder);
    }
    if (!S_ISDIR(found.st_mode)) {
        return hm_error_set(err, HM_ECREATE, "cannot create '%s': '%s' is not a folder", path,
                            made.folder);
    }
    /* Process ids repeat between the machines of a cluster; the time makes the name its own. */
    clock_gettime(CLOCK_REALTIME, &now);
    const int length = snprintf(made.temporary, sizeof made.temporary, "%s/.%.200s.%ld-%09ld.part",
                                made.folder, name, (long)getpid(), now.tv_nsec);
    if (length < 0 || (size_t)length >= sizeof made.temporary) {
        return hm_error_set(err, HM_ECREATE, "cannot create '%s': its name is too long", path);
    }
    *place = made;
    return HM_OK;
}

hm_status_t hm_place_check(const hm_place_t *place, int64_t bytes, bool room, hm_error_t *err) {
    struct rlimit limit;
    struct statvfs disk;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        limit.rlim_cur < (rlim_t)bytes) {
        return hm_error_set(err, HM_ECREATE,
                            "'%s' would have %lld bytes, more than files may have here (%llu): "
                            "raise the limit (ulimit -f)",
                            place->final, (long long)bytes, (unsigned long long)limit.rlim_cur);
    }
    if (room && statvfs(place->folder, &disk) == 0 && disk.f_frsize > 0 && disk.f_blocks > 0) {
        const double free_bytes = (double)disk.f_bavail * (double)disk.f_frsize;
        if (free_bytes < (double)bytes) {
            return hm_error_set(err, HM_ECREATE,
                                "no room for '%s': it will have %.1f MB, and the disk has %.1f MB "
                                "left; free some, or choose another folder",
                                place->final, (double)bytes / 1e6, free_bytes / 1e6);
        }
    }
    return HM_OK;
}

/** Opens, forces to the disk, closes. */
static hm_status_t force(const char *path, int flags, hm_error_t *err) {
    const int file = open(path, flags | O_CLOEXEC);
    int failed = file < 0 ? errno : 0;
    /* Some file systems cannot force a folder (EINVAL) and do not need to. */
    if (file >= 0 && fsync(file) != 0 && errno != EINVAL) {
        failed = errno;
    }
    if (file >= 0) {
        close(file);
    }
    return failed ? hm_error_errno(err, HM_EIO, failed, "cannot force '%s' to the disk", path)
                  : HM_OK;
}

/** Gives the file its name unless something has it: 0, or an errno. */
static int rename_new(const char *from, const char *to) {
    struct stat found;
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) {
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS) {
        return errno;
    }
    /* Network file systems lack it; a hard link does not replace anything either. */
    if (link(from, to) == 0) {
        return unlink(from) == 0 ? 0 : errno;
    }
    if (errno == EEXIST) {
        return errno;
    }
    /* Neither: look, then rename. */
    if (lstat(to, &found) == 0) {
        return EEXIST;
    }
    return rename(from, to) == 0 ? 0 : errno;
}

hm_status_t hm_place_publish(const hm_place_t *place, hm_error_t *err) {
    hm_status_t status = HM_OK;
    HM_TRY(force(place->temporary, O_RDWR, err));
    const int failed = place->overwrite ? (rename(place->temporary, place->final) == 0 ? 0 : errno)
                                        : rename_new(place->temporary, place->final);
    if (failed == EEXIST) {
        HM_TRY(exists(place->final, place->resumable, err));
    } else if (failed) {
        HM_TRY(hm_error_errno(err, HM_ECREATE, failed, "cannot create '%s'", place->final));
    }
    HM_TRY(force(place->folder, O_RDONLY | O_DIRECTORY, err));
cleanup:
    return status;
}

void hm_place_discard(const hm_place_t *place) {
    (void)unlink(place->temporary);
}
