/*
 * bench kernel: every kernel on every scene, as a fraction of what a bare update loop reaches on
 * this core at the same moment.
 *
 * The machine's speed drifts, so each repetition measures ceiling, scalar kernel and kernel one
 * after the other and the ratios are taken repetition by repetition. A scene is sampled by rows
 * spread evenly over it, as many as fit the time wanted; the scalar kernel takes a subset of them.
 * Where all channels are computed, the kernel also runs without them, for what they cost.
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "hm_clock.h"
#include "hm_kernel.h"
#include "hm_sample.h"
#include "hm_scene.h"

enum { MOST_REPETITIONS = 1000 };

/* Points of a scene: all columns, some rows. */
typedef struct points_t {
    hm_grid_t grid;
    double *re, *im; /* [grid.width], [grid.height]: im is filled by sample() */
    /* [grid.height][grid.width] each */
    uint32_t *counts, *period;
    float *smooth, *distance;
} points_t;

static void points_free(points_t *p) {
    free(p->re);
    free(p->im);
    free(p->counts);
    free(p->period);
    free(p->smooth);
    free(p->distance);
}

static hm_status_t points_make(const hm_scene_t *scene, points_t *made, hm_error_t *err) {
    points_t p = {.re = NULL};
    hm_status_t status = hm_grid_make(&scene->view, &p.grid, err);
    if (status != HM_OK) {
        return status;
    }
    p.re = malloc((size_t)p.grid.width * sizeof *p.re);
    p.im = malloc((size_t)p.grid.height * sizeof *p.im);
    const size_t points = (size_t)(p.grid.width * p.grid.height);
    p.counts = malloc(points * sizeof *p.counts);
    p.period = malloc(points * sizeof *p.period);
    p.smooth = malloc(points * sizeof *p.smooth);
    p.distance = malloc(points * sizeof *p.distance);
    if (!p.re || !p.im || !p.counts || !p.period || !p.smooth || !p.distance) {
        points_free(&p);
        return hm_error_set(err, HM_EMISSING, "out of memory for the scene");
    }
    hm_grid_re(&p.grid, 0, p.grid.width, p.re);
    *made = p;
    return HM_OK;
}

/* `rows` rows spread evenly over the scene, from the middle of each slice. */
static void sample(points_t *p, int64_t rows) {
    for (int64_t k = 0; k < rows; ++k) {
        hm_grid_im(&p->grid, (2 * k + 1) * p->grid.height / (2 * rows), 1, p->im + k);
    }
}

/* Updates that the counts stand for: n + 1 where a point escaped, max_iter where not. */
static uint64_t updates(const points_t *p, int64_t rows, uint32_t max_iter) {
    uint64_t sum = 0;
    for (int64_t i = 0; i < rows * p->grid.width; ++i) {
        sum += p->counts[i] == max_iter ? max_iter : p->counts[i] + UINT64_C(1);
    }
    return sum;
}

/* Seconds that the first `rows` sampled rows take, with `all` channels or counts alone; `total`
 * receives their updates. */
static hm_status_t run_once(const hm_kernel_t *kernel, const hm_formula_t *formula, points_t *p,
                            int64_t rows, bool all, double *seconds, uint64_t *total,
                            hm_error_t *err) {
    hm_tile_t tile = {p->re, p->grid.width, p->im, rows};
    hm_channels_t channels = {.iterations = p->counts};
    hm_poll_t poll = {0};
    if (all) {
        channels.smooth = p->smooth;
        channels.distance = p->distance;
        channels.period = p->period;
        channels.pixel_step = p->grid.re_step;
    }
    double begin = hm_clock_now();
    hm_status_t status = hm_kernel_compute(kernel, formula, &tile, &channels, NULL, &poll, err);
    *seconds = hm_clock_now() - begin;
    *total = updates(p, rows, formula->max_iter);
    return status;
}

/* As many rows as the kernel computes in about `seconds`. */
static hm_status_t fit_rows(const hm_kernel_t *kernel, const hm_formula_t *formula, points_t *p,
                            bool all, double seconds, int64_t *rows, hm_error_t *err) {
    int64_t fit = p->grid.height < 8 ? p->grid.height : 8;
    for (;;) {
        double took = 0;
        uint64_t total = 0;
        sample(p, fit);
        hm_status_t status = run_once(kernel, formula, p, fit, all, &took, &total, err);
        if (status != HM_OK) {
            return status;
        }
        if (fit == p->grid.height || took >= seconds / 2) {
            *rows = fit;
            return HM_OK;
        }
        double grow = took > 0 ? seconds / took : 8;
        grow = grow > 8 ? 8 : grow;
        fit = (int64_t)((double)fit * grow) + 1;
        fit = fit > p->grid.height ? p->grid.height : fit;
    }
}

/* One line of the table. */
typedef struct figures_t {
    hm_spread_t speed;    /* updates a second */
    hm_spread_t fraction; /* of the ceiling */
    hm_spread_t scalar;   /* times the scalar kernel */
    hm_spread_t counts;   /* times the same without channels */
} figures_t;

typedef struct setting_t {
    const hm_kernel_t *kernel, *scalar;
    hm_formula_t formula;
    bool all; /* channels */
    int repetitions;
    double seconds;
} setting_t;

static hm_status_t measure(const setting_t *s, points_t *p, figures_t *figures, hm_error_t *err) {
    double speed[MOST_REPETITIONS];
    double fraction[MOST_REPETITIONS];
    double scalar[MOST_REPETITIONS];
    double counts[MOST_REPETITIONS];
    int64_t rows = 0;
    int64_t scalar_rows = 0;
    hm_status_t status = fit_rows(s->kernel, &s->formula, p, s->all, s->seconds, &rows, err);
    /* The scalar kernel really does every update: it is the yardstick, short cuts or not. */
    hm_formula_t plain = s->formula;
    plain.interior = HM_INTERIOR_NONE;
    if (status == HM_OK) {
        status = fit_rows(s->scalar, &plain, p, false, s->seconds, &scalar_rows, err);
    }
    for (int r = 0; status == HM_OK && r < s->repetitions; ++r) {
        double took = 0;
        double scalar_took = 0;
        double counts_took = 0;
        uint64_t total = 0;
        uint64_t scalar_total = 0;
        double ceiling = hm_kernel_ceiling(s->kernel, s->formula.arith, s->seconds / 4);
        sample(p, rows);
        status = run_once(s->kernel, &s->formula, p, rows, s->all, &took, &total, err);
        counts_took = took;
        if (status == HM_OK && s->all) {
            status = run_once(s->kernel, &s->formula, p, rows, false, &counts_took, &total, err);
        }
        sample(p, scalar_rows);
        if (status == HM_OK) {
            status = run_once(s->scalar, &plain, p, scalar_rows, false, &scalar_took, &scalar_total,
                              err);
        }
        speed[r] = (double)total / took;
        fraction[r] = speed[r] / ceiling;
        scalar[r] = speed[r] / ((double)scalar_total / scalar_took);
        counts[r] = counts_took / took;
    }
    if (status == HM_OK) {
        figures->speed = hm_spread(speed, s->repetitions);
        figures->fraction = hm_spread(fraction, s->repetitions);
        figures->scalar = hm_spread(scalar, s->repetitions);
        figures->counts = hm_spread(counts, s->repetitions);
    }
    return status;
}

/* The counts of the kernel against the scalar one's, over rows that both can do in the time. */
static hm_status_t verify(const setting_t *s, points_t *p, const char *scene, hm_error_t *err) {
    int64_t rows = 0;
    hm_formula_t plain = s->formula;
    plain.interior = HM_INTERIOR_NONE;
    hm_status_t status = fit_rows(s->scalar, &plain, p, false, s->seconds, &rows, err);
    size_t bytes = (size_t)(rows * p->grid.width) * sizeof *p->counts;
    uint32_t *expected = malloc(bytes);
    if (status == HM_OK && !expected) {
        status = hm_error_set(err, HM_EMISSING, "out of memory for the scene");
    }
    double took = 0;
    uint64_t total = 0;
    if (status == HM_OK) {
        memcpy(expected, p->counts, bytes);
        sample(p, rows);
        status = run_once(s->kernel, &s->formula, p, rows, s->all, &took, &total, err);
    }
    if (status == HM_OK && memcmp(expected, p->counts, bytes) != 0) {
        status = hm_error_set(err, HM_EBUG, "kernel %s gives wrong counts on scene %s",
                              hm_isa_name(hm_kernel_isa(s->kernel)), scene);
    }
    free(expected);
    return status;
}

static const char *const arith_names[] = {"ieee", "fma"};
static const char *const interior_names[] = {"exact", "none"};
static const char *const channel_names[] = {"counts", "all"};

static void print_line(const hm_scene_t *scene, const setting_t *s, const figures_t *f, FILE *csv) {
    const char *isa = hm_isa_name(hm_kernel_isa(s->kernel));
    const char *arith = arith_names[s->formula.arith];
    const char *interior = interior_names[s->formula.interior];
    const char *channels = channel_names[s->all];
    printf("%-10s %-7s %-5s %-8s %-8s %9.3f %8.3f..%-8.3f %9.3f %9.2f %9.2f\n", scene->name, isa,
           arith, interior, channels, f->speed.median * 1e-9, f->speed.least * 1e-9,
           f->speed.most * 1e-9, f->fraction.median, f->scalar.median, f->counts.median);
    fflush(stdout);
    if (csv) {
        fprintf(csv, "%s,%s,%s,%s,%s,%d,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g\n", scene->name,
                isa, arith, interior, channels, s->repetitions, f->speed.median, f->speed.least,
                f->speed.most, f->fraction.median, f->fraction.least, f->fraction.most,
                f->scalar.median, f->counts.median);
    }
}

static hm_status_t bench_scene(const hm_scene_t *scene, const bench_settings_t *settings, FILE *csv,
                               hm_error_t *err) {
    points_t points;
    hm_status_t status = points_make(scene, &points, err);
    if (status != HM_OK) {
        return status;
    }
    setting_t s = {.repetitions = (int)settings->repetitions, .seconds = settings->seconds};
    HM_TRY(hm_kernel_find(HM_ISA_SCALAR, &s.scalar, err));
    for (int isa = 0; isa < HM_ISA_COUNT; ++isa) {
        if (hm_kernel_find((hm_isa_t)isa, &s.kernel, NULL) != HM_OK) {
            continue;
        }
        for (int way = 0; way < 8; ++way) {
            s.all = way & 1;
            s.formula = (hm_formula_t){.max_iter = scene->max_iter,
                                       .bailout = 2,
                                       .arith = way & 4 ? HM_ARITH_FMA : HM_ARITH_IEEE,
                                       .interior = way & 2 ? HM_INTERIOR_EXACT : HM_INTERIOR_NONE};
            figures_t figures;
            if (s.all && s.kernel == s.scalar) {
                continue;
            }
            HM_TRY(verify(&s, &points, scene->name, err));
            HM_TRY(measure(&s, &points, &figures, err));
            print_line(scene, &s, &figures, csv);
        }
    }
cleanup:
    points_free(&points);
    return status;
}

static hm_status_t bench_all(const bench_settings_t *settings, FILE *csv, hm_error_t *err) {
    printf("%-10s %-7s %-5s %-8s %-8s %9s %18s %9s %9s %9s\n", "scene", "isa", "arith", "interior",
           "channels", "Giter/s", "least..most", "of ceil.", "x scalar", "x counts");
    if (csv) {
        fprintf(csv, "scene,isa,arith,interior,channels,repetitions,updates_per_s,least,most,"
                     "fraction,fraction_least,fraction_most,times_scalar,times_counts\n");
    }
    bool found = false;
    for (const hm_scene_t *scene = hm_scenes; scene->name; ++scene) {
        if (settings->scene && strcmp(settings->scene, scene->name) != 0) {
            continue;
        }
        found = true;
        hm_status_t status = bench_scene(scene, settings, csv, err);
        if (status != HM_OK) {
            return status;
        }
    }
    return found ? HM_OK : hm_error_set(err, HM_EUSAGE, "unknown scene '%s'", settings->scene);
}

static hm_status_t run(hm_context_t *context, const bench_settings_t *settings, FILE *csv) {
    hm_error_t err = HM_ERROR_NONE;
    /* One core is measured: one rank. */
    hm_status_t mine = context->cluster->rank == 0 ? bench_all(settings, csv, &err) : HM_OK;
    return hm_meet(context, mine, &err);
}

const bench_t bench_kernel = {
    .name = "kernel",
    .what = "every kernel on named scenes, against the ceiling of this core",
    .run = run,
};
