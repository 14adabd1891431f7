#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hm_replace.h"

bool output_is_stdout(const char *path) {
    return path && strcmp(path, "-") == 0;
}

hm_status_t output_open(const char *path, FILE **out, hm_error_t *err) {
    if (output_is_stdout(path)) {
        *out = stdout;
        return HM_OK;
    }
    hm_status_t status = hm_replace_check(path, err);
    FILE *opened = status == HM_OK ? fopen(path, "w") : NULL;
    if (status == HM_OK && !opened) {
        status = hm_error_errno(err, HM_ECREATE, errno, "cannot create '%s'", path);
    }
    if (opened) {
        *out = opened;
    }
    return status;
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

hm_status_t output_json(const char *path, json_t *root, hm_error_t *err) {
    hm_status_t status = HM_OK;
    FILE *out = NULL;
    /* jobs/lib/study.sh takes what stands two spaces in for the top level. */
    char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    if (!text) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for the figures as JSON"));
    }
    HM_TRY(output_open(path, &out, err));
    fprintf(out, "%s\n", text);
    HM_TRY(output_close(path, out, err));
cleanup:
    free(text);
    json_decref(root);
    return status;
}

json_t *output_json_text(const char *text) {
    json_t *made = json_string(text);
    return made ? made : json_null();
}
