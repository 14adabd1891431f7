/* The potential into the file that it was computed from. */
#include <math.h>
#include <stdio.h>

#include "hm_clock.h"
#include "hm_field.h"
#include "hm_version.h"
#include "potential.h"

enum { MOST_NUMBERS = 16 };

/* The figures that go with it. */
static int numbers(const hm_potential_report_t *r, hm_number_t found[MOST_NUMBERS]) {
    int n = 0;
    found[n++] = (hm_number_t){"error_most", r->error.most};
    found[n++] = (hm_number_t){"error_rms", r->error.rms};
    found[n++] = (hm_number_t){"error_outer", r->error.outer};
    found[n++] = (hm_number_t){"iterations", r->iterations};
    found[n++] = (hm_number_t){"residual", r->residual};
    found[n++] = (hm_number_t){"ranks", r->ranks};
    found[n++] = (hm_number_t){"capacity", r->charged ? r->capacity : NAN};
    found[n++] = (hm_number_t){"charge_centre", r->charged ? r->centre_re : NAN};
    return n;
}

hm_status_t potential_store(const hm_cluster_t *cluster, const char *path, int64_t coarsen,
                            const hm_potential_t *potential, bool *speaker, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hm_potential_report_t *r = &potential->report;
    hm_number_t number[MOST_NUMBERS];
    hm_field_t *field = NULL;
    char solver[128];
    char now[32];
    snprintf(solver, sizeof solver, "%s, %s, PETSc %s", r->solver, r->preconditioner, r->petsc);
    hm_clock_iso8601(now, sizeof now);
    const hm_attribute_t texts[] = {{"solver", solver},
                                    {"rim", r->rim == HM_RIM_FAR ? "far" : "escape"},
                                    {"version", hm_version()},
                                    {"revision", hm_revision()},
                                    {"created", now}};
    const hm_field_plan_t plan = {
        .name = "potential",
        .long_name = "electrostatic potential, 0 on the set",
        .units = "1",
        .comment =
            "solution of the Laplace equation by the five-point formula; compare with the "
            "escape-time potential: 2^(1 - smooth) ln 2 for the Mandelbrot set, 2^-smooth ln "
            "2 for Julia sets. error_most, error_rms: the differences; error_outer: where "
            "the potential is above half of its maximum",
        .step = coarsen,
        .numbers = number,
        .number_count = numbers(r, number),
        .texts = texts,
        .text_count = (int)(sizeof texts / sizeof *texts),
    };
    HM_TRY(hm_agree(cluster, hm_field_open(path, cluster->comm, &plan, &field, err), err, speaker));
    if (potential->rows > 0) {
        status = hm_field_write(field, potential->first, potential->rows, potential->u, err);
    }
    HM_TRY(hm_agree(cluster, status, err, speaker));
    hm_field_t *whole = field;
    field = NULL;
    HM_TRY(hm_agree(cluster, hm_field_close(whole, true, err), err, speaker));
cleanup:
    if (field) {
        (void)hm_field_close(field, false, NULL);
    }
    return status;
}
