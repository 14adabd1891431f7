#include "output.h"

#include <errno.h>
#include <string.h>

bool output_is_stdout(const char *path) {
    return path && strcmp(path, "-") == 0;
}

hm_status_t output_open(const char *path, FILE **out, hm_error_t *err) {
    if (output_is_stdout(path)) {
        *out = stdout;
        return HM_OK;
    }
    FILE *opened = fopen(path, "w");
    if (!opened) {
        return hm_error_errno(err, HM_ECREATE, errno, "cannot create '%s'", path);
    }
    *out = opened;
    return HM_OK;
}

hm_status_t output_close(const char *path, FILE *out, hm_error_t *err) {
    if (output_is_stdout(path)) {
        return HM_OK;
    }
    const bool written = fflush(out) == 0 && !ferror(out);
    const int failed = errno;
    if (fclose(out) != 0 || !written) {
        return hm_error_errno(err, HM_EIO, written ? errno : failed, "cannot write '%s'", path);
    }
    return HM_OK;
}
