/* potential: the electrostatic potential outside the set, by PETSc. */
#include <stddef.h>
#include <stdio.h>

#include "commands.h"
#include "hm_picture.h"
#include "output.h"
#include "potential.h"

static const char *const about =
    "The electrostatic potential outside the set of a data set file, which must have the channels\n"
    "iterations,smooth,distance: the Laplace equation with 0 on the set and the charge 1, solved\n"
    "by PETSc in parallel, compared with the escape-time potential, and added to the file as\n"
    "/potential. With all of the set in view and room around it (--span 5), the capacity of the\n"
    "set, which is 1, is measured.\n\n"
    "Everything behind -- goes to PETSc: -- -ksp_type gmres -pc_type gamg -ksp_monitor -log_view;\n"
    "-- -help lists what there is. By default: conjugate gradients and multigrid.";

typedef struct potential_settings_t {
    int64_t coarsen;
    int rim;
    bool no_store;
    const char *json;
    const char *png;
    potential_look_t look;
} potential_settings_t;

static hm_status_t check_palette(const char *text, hm_error_t *err) {
    const hm_palette_t *palette = NULL;
    return hm_palette_find(text, &palette, err);
}

static const char *const rims[] = {"auto", "far", "escape", NULL};

static const hm_option_t options[] = {
    {.key = "coarsen",
     .type = HM_OPTION_INT,
     .offset = offsetof(potential_settings_t, coarsen),
     .low = 1,
     .high = 1000000,
     .fallback = "1",
     .value = "N",
     .group = "Problem",
     .help = "solve on every N-th point of every N-th row"},
    {.key = "rim",
     .type = HM_OPTION_CHOICE,
     .offset = offsetof(potential_settings_t, rim),
     .choices = rims,
     .fallback = "auto",
     .value = "WHAT",
     .group = "Problem",
     .help =
         "what is known at the rim of the view. far: what a charge of 1 looks like from outside "
         "(nothing of the escape times); escape: the escape-time potential, for any view; "
         "auto: far where the whole set is well inside the view"},
    {.key = "no-store",
     .type = HM_OPTION_FLAG,
     .offset = offsetof(potential_settings_t, no_store),
     .group = "Output",
     .help = "leave the file as it is. Otherwise it is replaced by one that has /potential too, at "
             "once and only when that is whole; until then the disk holds both"},
    {.key = "png",
     .type = HM_OPTION_TEXT,
     .offset = offsetof(potential_settings_t, png),
     .value = "FILE",
     .group = "Output",
     .help = "picture of the potential to write"},
    {.key = "palette",
     .type = HM_OPTION_TEXT,
     .offset = offsetof(potential_settings_t, look) + offsetof(potential_look_t, palette),
     .value = "NAME",
     .group = "Output",
     .check = check_palette,
     .help = "its colours: " HM_PALETTE_NAMES},
    {.key = "lines",
     .type = HM_OPTION_INT,
     .offset = offsetof(potential_settings_t, look) + offsetof(potential_look_t, lines),
     .low = 0,
     .high = 64,
     .fallback = "2",
     .value = "N",
     .group = "Output",
     .help = "its equipotential lines: N for each halving of the potential"},
    {.key = "json",
     .type = HM_OPTION_TEXT,
     .offset = offsetof(potential_settings_t, json),
     .value = "[FILE]",
     .alone = "-",
     .group = "Output",
     .help = "write the figures as JSON; -, or no FILE: to standard output, instead of the text"},
    {.key = NULL}};

#ifdef HM_WITH_PETSC

/* PETSc skips what is no option; here it is a mistake. */
static hm_status_t check_arguments(const hm_values_t *values, hm_error_t *err) {
    if (values->positional_count != 1) {
        return hm_error_set(err, HM_EUSAGE, "potential needs the data set FILE");
    }
    if (values->rest_count > 0 && values->rest[0][0] != '-') {
        return hm_error_set(err, HM_EUSAGE,
                            "'%s' behind -- is no option of PETSc's: they begin with '-'",
                            values->rest[0]);
    }
    return HM_OK;
}

/* Everything that is made of the solution. */
static hm_status_t deliver(const hm_cluster_t *cluster, const char *path,
                           const potential_settings_t *settings, const hm_potential_t *potential,
                           bool *speaker, hm_error_t *err) {
    hm_status_t status = HM_OK;
    if (settings->png) {
        HM_TRY(potential_picture_write(cluster, potential, &settings->look, settings->png, speaker,
                                       err));
    }
    if (!settings->no_store) {
        HM_TRY(potential_store(cluster, path, settings->coarsen, potential, speaker, err));
    }
    if (settings->json && cluster->rank == 0) {
        status =
            potential_report_json(settings->json, path, settings->coarsen, &potential->report, err);
    }
    HM_TRY(hm_agree(cluster, status, err, speaker));
cleanup:
    return status;
}

static hm_status_t solve(const hm_context_t *context, const potential_settings_t *settings,
                         const hm_values_t *values) {
    hm_status_t status = HM_OK;
    hm_error_t err = HM_ERROR_NONE;
    bool speaker = false;
    hm_potential_t potential = {.rows = 0};
    const char *path = values->positional[0];
    const hm_potential_plan_t plan = {.path = path,
                                      .coarsen = settings->coarsen,
                                      .rim = (hm_rim_t)settings->rim,
                                      .options = values->rest,
                                      .option_count = values->rest_count};
    HM_TRY(hm_potential_solve(context->cluster, &plan, &potential, &speaker, &err));
    if (context->cluster->rank == 0 && !output_is_stdout(settings->json)) {
        potential_report_print(path, &potential.report);
    }
    HM_TRY(deliver(context->cluster, path, settings, &potential, &speaker, &err));
cleanup:
    if (status != HM_OK && speaker) {
        hm_log_error(&err);
    }
    hm_potential_free(&potential);
    return status;
}

#else

static hm_status_t check_arguments(const hm_values_t *values, hm_error_t *err) {
    (void)values;
    return hm_error_set(err, HM_EMISSING,
                        "potential needs PETSc, and this program was built without it "
                        "(WITH_PETSC=0): build it with make deps and make");
}

static hm_status_t solve(const hm_context_t *context, const potential_settings_t *settings,
                         const hm_values_t *values) {
    (void)context;
    (void)settings;
    (void)values;
    return HM_EMISSING;
}

#endif

static hm_status_t check(const hm_context_t *context, const potential_settings_t *settings,
                         const hm_values_t *values, hm_error_t *err) {
    hm_status_t status = check_arguments(values, err);
    if (status == HM_OK && context->cluster->rank == 0) {
        HM_TRY(output_check(settings->json, err));
        HM_TRY(output_check(settings->png, err));
    }
cleanup:
    return status;
}

static hm_status_t run_potential(hm_context_t *context, int argc, char **argv) {
    potential_settings_t settings = {0};
    hm_values_t values = {0};
    hm_error_t err = HM_ERROR_NONE;
    bool helped = false;
    hm_status_t status = hm_command_options(context, &hm_command_potential, about, options, false,
                                            1, argc, argv, &settings, &values, &helped);
    if (status != HM_OK) {
        return status;
    }
    if (!helped) {
        status = hm_meet(context, check(context, &settings, &values, &err), &err);
        if (status == HM_OK) {
            status = solve(context, &settings, &values);
        }
    }
    hm_options_free(&values);
    return status;
}

const hm_command_t hm_command_potential = {
    .name = "potential",
    .arguments = "FILE",
    .what = "the potential outside the set by PETSc, against the escape times",
    .takes_rest = true,
    .run = run_potential,
};
