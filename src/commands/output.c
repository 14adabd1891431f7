#include "output.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool output_is_stdout(const char *path) {
    return path && (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0);
}

hm_status_t output_open(const char *path, output_t *output, hm_error_t *err) {
    hm_status_t status = HM_OK;
    output_t opened = {.out = stdout};
    if (!output_is_stdout(path)) {
        HM_TRY(hm_replace_open(path, &opened.file, err));
        opened.out = opened.file.out;
    }
    *output = opened;
cleanup:
    return status;
}

hm_status_t output_check(const char *path, hm_error_t *err) {
    hm_status_t status = HM_OK;
    output_t output = {0};
    struct stat found;
    const bool special =
        path && stat(path, &found) == 0 && !S_ISREG(found.st_mode) && !S_ISDIR(found.st_mode);
    if (path && !special && !output_is_stdout(path)) {
        HM_TRY(output_open(path, &output, err));
        HM_TRY(output_close(&output, false, err));
    }
cleanup:
    return status;
}

hm_status_t output_close(output_t *output, bool keep, hm_error_t *err) {
    hm_status_t status = hm_replace_close(&output->file, keep, err);
    output->out = NULL;
    return status;
}

hm_status_t output_json(const char *path, json_t *root, hm_error_t *err) {
    hm_status_t status = HM_OK;
    output_t output = {0};
    /* jobs/lib/study.sh takes what stands two spaces in for the top level. */
    char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    if (!text) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for the figures as JSON"));
    }
    HM_TRY(output_open(path, &output, err));
    fprintf(output.out, "%s\n", text);
    HM_TRY(output_close(&output, true, err));
cleanup:
    free(text);
    json_decref(root);
    return status;
}

json_t *output_json_text(const char *text) {
    json_t *made = json_string(text);
    return made ? made : json_null();
}
