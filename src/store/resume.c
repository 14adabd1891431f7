/** @file resume.c Going on with a file: is it the same work, and a new row of its history. */
#include <ini.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edit.h"
#include "hm_clock.h"
#include "info.h"
#include "table.h"

enum { LONGEST_VALUE = 128 };

/** A value looked for in settings as INI text. */
typedef struct lookup_t {
    const char *key;
    char value[LONGEST_VALUE]; /**< cut where it is longer */
    bool found;
} lookup_t;

static int look(void *context, const char *section, const char *name, const char *value) {
    lookup_t *lookup = context;
    (void)section;
    if (!lookup->found && strcmp(name, lookup->key) == 0) {
        snprintf(lookup->value, sizeof lookup->value, "%s", value);
        lookup->found = true;
    }
    return 1;
}

/** What a key was set to, in the user's own words; "" when it was not set. */
static lookup_t setting(const char *configuration, const char *key) {
    lookup_t lookup = {.key = key};
    if (configuration) {
        (void)ini_parse_string(configuration, look, &lookup);
    }
    return lookup;
}

/** Both sides of a comparison. */
typedef struct sides_t {
    const char *old_ini, *new_ini;
} sides_t;

static hm_status_t refuse(const char *key, const char *old, const char *new, hm_error_t *err) {
    return hm_error_set(err, HM_EDATA,
                        "it was made with other settings: %s is %s there and %s here; give the "
                        "same settings, or another output",
                        key, old[0] ? old : "not given", new[0] ? new : "not given");
}

/** Two numbers that differ, as they were written in the settings or, failing that, in full. */
static hm_status_t refuse_number(const sides_t *sides, const char *key, double old, double new,
                                 hm_error_t *err) {
    lookup_t before = setting(sides->old_ini, key);
    lookup_t now = setting(sides->new_ini, key);
    if (!before.found || !now.found || strcmp(before.value, now.value) == 0) {
        snprintf(before.value, sizeof before.value, "%.17g", old);
        snprintf(now.value, sizeof now.value, "%.17g", new);
    }
    return refuse(key, before.value, now.value, err);
}

/** The same bits: -0 and 0 give different data where they are coordinates. */
static bool same(double a, double b) {
    return memcmp(&a, &b, sizeof a) == 0;
}

static hm_status_t compare_grids(const sides_t *sides, const hm_grid_t *old, const hm_grid_t *new,
                                 hm_error_t *err) {
    static const char *const keys[] = {"center", "span", "region"};
    char before[LONGEST_VALUE];
    char now[LONGEST_VALUE];
    if (old->width != new->width || old->height != new->height) {
        snprintf(before, sizeof before, "%lldx%lld", (long long)old->width, (long long)old->height);
        snprintf(now, sizeof now, "%lldx%lld", (long long)new->width, (long long)new->height);
        return refuse("size", before, now, err);
    }
    if (old->coords != new->coords) {
        return refuse("coords", old->coords == HM_COORDS_ACCUMULATED ? "accumulated" : "exact",
                      new->coords == HM_COORDS_ACCUMULATED ? "accumulated" : "exact", err);
    }
    if (same(old->re0, new->re0) && same(old->im0, new->im0) && same(old->re_step, new->re_step) &&
        same(old->im_step, new->im_step)) {
        return HM_OK;
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; ++i) {
        const lookup_t a = setting(sides->old_ini, keys[i]);
        const lookup_t b = setting(sides->new_ini, keys[i]);
        if (strcmp(a.value, b.value) != 0) {
            return refuse(keys[i], a.value, b.value, err);
        }
    }
    snprintf(before, sizeof before, "(%.17g, %.17g) + (%.17g, %.17g) a point", old->re0, old->im0,
             old->re_step, old->im_step);
    snprintf(now, sizeof now, "(%.17g, %.17g) + (%.17g, %.17g) a point", new->re0, new->im0,
             new->re_step, new->im_step);
    return refuse("view", before, now, err);
}

static void julia_text(const hm_formula_t *formula, char *text, size_t size) {
    if (formula->julia) {
        snprintf(text, size, "%.17g,%.17g", formula->julia_re, formula->julia_im);
    } else {
        text[0] = '\0';
    }
}

static hm_status_t compare_formulas(const sides_t *sides, const hm_formula_t *old,
                                    const hm_formula_t *new, hm_error_t *err) {
    char before[LONGEST_VALUE];
    char now[LONGEST_VALUE];
    if (old->max_iter != new->max_iter) {
        return refuse_number(sides, "max-iter", old->max_iter, new->max_iter, err);
    }
    if (!same(old->bailout, new->bailout)) {
        return refuse_number(sides, "bailout", old->bailout, new->bailout, err);
    }
    if (old->julia != new->julia || (old->julia && (!same(old->julia_re, new->julia_re) ||
                                                    !same(old->julia_im, new->julia_im)))) {
        julia_text(old, before, sizeof before);
        julia_text(new, now, sizeof now);
        return refuse("julia", before, now, err);
    }
    if (old->arith != new->arith) {
        return refuse("arith", old->arith == HM_ARITH_FMA ? "fma" : "ieee",
                      new->arith == HM_ARITH_FMA ? "fma" : "ieee", err);
    }
    return HM_OK;
}

static void channels_text(uint32_t mask, char *text, size_t size) {
    text[0] = '\0';
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        if ((mask >> channel) & 1u) {
            const size_t length = strlen(text);
            snprintf(text + length, size - length, "%s%s", length ? "," : "",
                     hm_channel_name((hm_channel_t)channel));
        }
    }
}

static hm_status_t compare(const sides_t *sides, const hm_dataset_info_t *info,
                           const hm_dataset_plan_t *plan, hm_error_t *err) {
    hm_status_t status = HM_OK;
    char before[LONGEST_VALUE];
    char now[LONGEST_VALUE];
    HM_TRY(compare_grids(sides, &info->grid, &plan->grid, err));
    HM_TRY(compare_formulas(sides, &info->formula, &plan->formula, err));
    if (info->channels != plan->channels) {
        channels_text(info->channels, before, sizeof before);
        channels_text(plan->channels, now, sizeof now);
        HM_TRY(refuse("channels", before, now, err));
    }
cleanup:
    return status;
}

/** Adds a row to the history; where it is full the last row is the one that goes. */
static hm_status_t begin_session(hid_t file, const hm_session_t *given, int64_t rows_before,
                                 hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_session_t session = {.ranks = 1, .threads = 1};
    int64_t length = 0;
    if (given) {
        session = *given;
    } else {
        hm_clock_iso8601(session.start, sizeof session.start);
    }
    session.rows_before = rows_before;
    HM_TRY(hm_table_length(file, hm_layout_history(), &length, NULL, err));
    ++length;
    HM_TRY(hm_table_resize(file, hm_layout_history(), &length, err));
    HM_TRY(hm_table_write(file, hm_layout_history(), length - 1, 1, &session, err));
cleanup:
    return status;
}

hm_status_t hm_dataset_resume(const char *path, const hm_dataset_plan_t *plan,
                              hm_dataset_info_t *info, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_edit_t edit = HM_EDIT_NONE;
    char *configuration = NULL;
    hm_dataset_info_t found;
    hid_t run = H5I_INVALID_HID;
    bool named = true; /* the message says which file */
    HM_TRY(hm_edit_open(path, &edit, err));
    named = false;
    HM_TRY(hm_info_read(edit.file, &found, err));
    run = H5Gopen2(edit.file, HM_PATH_RUN, H5P_DEFAULT);
    if (run < 0) {
        HM_TRY(hm_h5_fail(err, HM_EDATA, "%s is missing", HM_PATH_RUN));
    }
    HM_TRY(hm_h5_get_text(run, "configuration", &configuration, err));
    const sides_t sides = {configuration, plan->configuration};
    HM_TRY(compare(&sides, &found, plan, err));
    if (!found.result.complete) {
        HM_TRY(hm_edit_begin(&edit, err));
        HM_TRY(begin_session(edit.file, plan->session, found.rows_done, err));
    }
    hm_h5_close(&run);
    HM_TRY(hm_edit_close(&edit, err));
    *info = found;
cleanup:
    if (status != HM_OK && !named) {
        (void)hm_error_context(err, "'%s'", path);
    }
    free(configuration);
    hm_h5_close(&run);
    hm_edit_abandon(&edit);
    return status;
}
