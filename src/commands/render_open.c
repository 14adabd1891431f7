/* The file opened for writing as the options say: hints for MPI-IO. */
#include <stdlib.h>
#include <string.h>

#include "hm_text.h"
#include "render.h"

enum { MOST_HINTS = 32, LONGEST_HINTS = 16384 };

typedef struct hints_t {
    hm_attribute_t hint[MOST_HINTS];
    int count;
    char text[LONGEST_HINTS]; /* that the hints point into */
} hints_t;

/* "key=value,key=value". Neither part may be empty or longer than MPI takes. */
static hm_status_t parse(const char *text, hints_t *hints, hm_error_t *err) {
    hm_status_t status = HM_OK;
    char *piece[MOST_HINTS];
    HM_TRY(hm_text_split(text, ',', hints->text, sizeof hints->text, piece, MOST_HINTS,
                         &hints->count, err));
    for (int i = 0; i < hints->count; ++i) {
        char *equals = strchr(piece[i], '=');
        if (!equals || equals == piece[i] || equals[1] == '\0' ||
            equals - piece[i] >= MPI_MAX_INFO_KEY || strlen(equals + 1) >= MPI_MAX_INFO_VAL) {
            char brief[HM_TEXT_BRIEF];
            HM_TRY(hm_error_set(err, HM_EUSAGE, "expected KEY=VALUE, not '%s'",
                                hm_text_brief(piece[i], brief)));
        }
        *equals = '\0';
        hints->hint[i] = (hm_attribute_t){.key = piece[i], .value = equals + 1};
    }
cleanup:
    return status;
}

hm_status_t render_check_hints(const char *text, hm_error_t *err) {
    hints_t *hints = calloc(1, sizeof *hints);
    const hm_status_t status =
        hints ? parse(text, hints, err) : hm_error_set(err, HM_EMISSING, "out of memory for hints");
    free(hints);
    return status;
}

hm_status_t render_open(const render_settings_t *settings, MPI_Comm comm, hm_dataset_t **dataset,
                        hm_error_t *err) {
    hints_t *hints = calloc(1, sizeof *hints);
    hm_status_t status = HM_OK;
    if (!hints) {
        status = hm_error_set(err, HM_EMISSING, "out of memory for hints");
    } else if (settings->hint) {
        status = parse(settings->hint, hints, err);
    }
    /* Opening is collective: who has no hints joins without. */
    const bool hinted = status == HM_OK && hints->count > 0;
    const hm_status_t opened =
        hm_dataset_open_hinted(settings->output, comm, hinted ? hints->hint : NULL,
                               hinted ? hints->count : 0, dataset, status == HM_OK ? err : NULL);
    free(hints);
    return status == HM_OK ? opened : status;
}
