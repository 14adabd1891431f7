/* The figures of `potential` as text and JSON. */
#include <jansson.h>
#include <stdio.h>

#include "hm_version.h"
#include "output.h"
#include "potential.h"

static const char *rim_name(const hm_potential_report_t *r) {
    return r->rim == HM_RIM_FAR ? "far" : "escape";
}

static void print_capacity(const hm_potential_report_t *r) {
    if (!r->charged) {
        printf("capacity unknown: the view does not hold the whole set\n");
        return;
    }
    printf("capacity %.9f, error %.2e (the answer is 1)\n", r->capacity, r->capacity - 1);
    printf("charge %.9f, its centre at %.6f\n", r->charge, r->centre_re);
    printf("rim u - log|c - centre| %.6f to %.6f, mean %.6f\n", r->rim_low, r->rim_high,
           r->rim_mean);
}

void potential_report_print(const char *path, const hm_potential_report_t *r) {
    printf("file %s\n", path);
    printf("grid %lld x %lld, solved as %lld x %lld\n", (long long)r->width, (long long)r->height,
           (long long)r->padded_width, (long long)r->padded_height);
    printf("points %lld free, %lld in the set\n", (long long)r->unknowns, (long long)r->set);
    printf("rim %s\n", rim_name(r));
    printf("solver %s, %s", r->solver, r->preconditioner);
    if (r->levels > 0) {
        printf(" of %d level%s", r->levels, r->levels == 1 ? "" : "s");
    }
    printf(", PETSc %s, %d rank%s\n", r->petsc, r->ranks, r->ranks == 1 ? "" : "s");
    printf("iterations %d\n", r->iterations);
    printf("solves %d, %d iterations together\n", r->solves, r->all_iterations);
    printf("residual %.2e\n", r->residual);
    print_capacity(r);
    printf("error most %.3e at %.6f %+.6fi\n", r->error.most, r->error.most_re, r->error.most_im);
    printf("error rms %.3e of %lld points\n", r->error.rms, (long long)r->error.points);
    printf("error outer %.3e (above half of the highest potential)\n", r->error.outer);
    printf("seconds");
    for (int phase = 0; phase < HM_POTENTIAL_PHASES; ++phase) {
        printf("%s %s %.3f", phase > 0 ? "," : "",
               hm_potential_phase_name((hm_potential_phase_t)phase), r->seconds[phase]);
    }
    printf("\nmemory %.0f MB a rank at most\n", r->memory / 1e6);
}

static json_t *capacity_json(const hm_potential_report_t *r) {
    if (!r->charged) {
        return json_null();
    }
    return json_pack("{s:f, s:f, s:f, s:f, s:[f,f,f]}", "capacity", r->capacity, "error",
                     r->capacity - 1, "charge", r->charge, "centre", r->centre_re,
                     "rim_low_mean_high", r->rim_low, r->rim_mean, r->rim_high);
}

static json_t *seconds_json(const hm_potential_report_t *r) {
    json_t *object = json_object();
    for (int phase = 0; phase < HM_POTENTIAL_PHASES; ++phase) {
        json_object_set_new(object, hm_potential_phase_name((hm_potential_phase_t)phase),
                            json_real(r->seconds[phase]));
    }
    return object;
}

hm_status_t potential_report_json(const char *path, const char *file, int64_t coarsen,
                                  const hm_potential_report_t *r, hm_error_t *err) {
    json_t *root = json_pack(
        "{s:s, s:s, s:o, s:I, s:[I,I], s:[I,I], s:I, s:I, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:i, "
        "s:i, s:f, s:o, s:{s:f, s:[f,f], s:f, s:f, s:I}, s:o, s:f}",
        "version", hm_version(), "revision", hm_revision(), "file", output_json_text(file),
        "coarsen", (json_int_t)coarsen, "grid", (json_int_t)r->width, (json_int_t)r->height,
        "padded", (json_int_t)r->padded_width, (json_int_t)r->padded_height, "unknowns",
        (json_int_t)r->unknowns, "set", (json_int_t)r->set, "rim", rim_name(r), "petsc", r->petsc,
        "solver", r->solver, "preconditioner", r->preconditioner, "levels", r->levels, "ranks",
        r->ranks, "iterations", r->iterations, "all_iterations", r->all_iterations, "solves",
        r->solves, "residual", r->residual, "capacity", capacity_json(r), "error", "most",
        r->error.most, "at", r->error.most_re, r->error.most_im, "rms", r->error.rms, "outer",
        r->error.outer, "points", (json_int_t)r->error.points, "seconds", seconds_json(r),
        "memory_bytes", r->memory);
    hm_status_t status = output_json(path, root, err);
    if (status != HM_OK) {
        hm_error_context(err, "json");
    }
    return status;
}
