/* Runs to points, points to series, series to fits. */
#include "study.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The runs of a point among those of its study: [first, end). */
typedef struct span_t {
    int64_t first, end;
} span_t;

static bool counts(const hm_run_t *run) {
    return run->repetition > 0 && !run->wrong;
}

/* Medians of what else was measured; `room` holds as many values as the point has runs. */
static void read_figures(const hm_run_t *run, span_t span, double *room, hm_point_t *point) {
    for (int f = 0; f < HM_FIGURE_COUNT; ++f) {
        int n = 0;
        for (int64_t i = span.first; i < span.end; ++i) {
            if (counts(&run[i]) && !isnan(run[i].figure[f])) {
                room[n++] = run[i].figure[f];
            }
        }
        point->figure[f] = n > 0 ? hm_spread(room, n).median : NAN;
    }
}

static hm_point_t make_point(const hm_run_t *run, span_t span, double *room) {
    const hm_run_t *r = &run[span.first];
    hm_point_t p = {.nodes = r->nodes,
                    .ranks_per_node = r->ranks_per_node,
                    .threads = r->threads,
                    .ranks = r->ranks,
                    .workers = r->ranks * r->threads,
                    .width = r->width,
                    .height = r->height,
                    .band = r->band,
                    .iterations = r->iterations,
                    .karp_flatt = NAN,
                    .predicted_seconds = NAN,
                    .predicted_imbalance = NAN};
    snprintf(p.strategy, sizeof p.strategy, "%s", r->strategy);
    int64_t there = (int64_t)r->processors * r->nodes;
    p.cores = r->processors > 0 && there < p.workers ? there : p.workers;
    p.shared = p.cores < p.workers;
    for (int64_t i = span.first; i < span.end; ++i) {
        p.wrong += run[i].wrong;
        if (counts(&run[i])) {
            room[p.runs++] = run[i].seconds;
            p.crc32 = run[i].crc32;
        }
    }
    if (p.runs > 0) {
        p.seconds = hm_interval(room, p.runs);
    }
    read_figures(run, span, room, &p);
    return p;
}

/* Speed-ups of each repetition that both have. */
static void compare_with(const hm_run_t *run, span_t span, span_t reference, double *room,
                         const hm_study_t *study, const hm_point_t *base, hm_point_t *point) {
    int n = 0;
    int64_t j = reference.first;
    for (int64_t i = span.first; i < span.end; ++i) {
        if (!counts(&run[i])) {
            continue;
        }
        while (j < reference.end && (run[j].repetition < run[i].repetition || !counts(&run[j]))) {
            ++j;
        }
        if (j < reference.end && run[j].repetition == run[i].repetition) {
            double rate = run[i].iterations / run[i].seconds;
            double rate_before = run[j].iterations / run[j].seconds;
            room[n++] = (double)base->cores * rate / rate_before;
        }
    }
    if (n == 0) {
        return;
    }
    point->speedup = hm_interval(room, n);
    point->efficiency = point->speedup;
    point->efficiency.median /= (double)point->cores;
    point->efficiency.low /= (double)point->cores;
    point->efficiency.high /= (double)point->cores;
    if (!study->weak && !point->shared && point->cores > 1 && base->cores == 1) {
        point->karp_flatt = hm_karp_flatt((double)point->cores, point->speedup.median);
    }
}

/* The reference of the strategy whose points are [first, end): fewest cores, then fewest threads.
 */
static int find_reference(const hm_study_t *study, int first, int end) {
    int best = -1;
    for (int i = first; i < end; ++i) {
        const hm_point_t *p = &study->point[i];
        if (p->runs > 0 && !p->shared && (best < 0 || p->cores < study->point[best].cores)) {
            best = i;
        }
    }
    return best;
}

static void add_fits(const hm_study_t *study, hm_series_t *series, double *cores, double *speedup) {
    int n = 0;
    for (int i = 0; i < series->count; ++i) {
        const hm_point_t *p = &study->point[series->point[i]];
        if (p->speedup.count > 0 && !p->shared) {
            cores[n] = (double)p->cores;
            speedup[n++] = p->speedup.median;
        }
    }
    for (int law = 0; law < HM_LAW_COUNT; ++law) {
        if ((law == HM_LAW_GUSTAFSON) == study->weak) {
            series->fitted[law] =
                hm_fit((hm_law_t)law, cores, speedup, n, &series->fit[law], NULL) == HM_OK;
        }
    }
}

/* Points [first, end) have one strategy and one number of threads. */
static hm_status_t add_series(hm_study_t *study, int first, int end, int reference,
                              hm_error_t *err) {
    hm_series_t *s = &study->series[study->series_count];
    *s = (hm_series_t){.threads = study->point[first].threads};
    snprintf(s->strategy, sizeof s->strategy, "%s", study->point[first].strategy);
    s->point = malloc((size_t)(end - first + 1) * sizeof *s->point);
    double *room = malloc(2 * (size_t)(end - first + 1) * sizeof *room);
    if (!s->point || !room) {
        free(room);
        free(s->point);
        return hm_error_set(err, HM_EMISSING, "out of memory for a study");
    }
    ++study->series_count;
    if (reference >= 0) {
        s->point[s->count++] = reference;
    }
    for (int i = first; i < end; ++i) {
        if (i != reference) {
            s->point[s->count++] = i;
        }
    }
    add_fits(study, s, room, room + end - first + 1);
    free(room);
    return HM_OK;
}

/* Speed-ups and series of all strategies; span[points] says which runs are whose. */
static hm_status_t join_points(hm_study_t *study, const hm_run_t *run, const span_t *span,
                               double *room, hm_error_t *err) {
    hm_status_t status = HM_OK;
    for (int first = 0; first < study->points;) {
        int end = first;
        while (end < study->points &&
               strcmp(study->point[end].strategy, study->point[first].strategy) == 0) {
            ++end;
        }
        int reference = find_reference(study, first, end);
        for (int i = first; i < end && reference >= 0; ++i) {
            compare_with(run, span[i], span[reference], room, study, &study->point[reference],
                         &study->point[i]);
        }
        for (int from = first; from < end;) {
            int to = from;
            while (to < end && study->point[to].threads == study->point[from].threads) {
                ++to;
            }
            HM_TRY(add_series(study, from, to, reference, err));
            from = to;
        }
        first = end;
    }
cleanup:
    return status;
}

static void note_origins(hm_study_t *study, const hm_run_t *run) {
    for (int o = 0; o < HM_ORIGIN_COUNT; ++o) {
        hm_origins_t *origins = &study->origin[o];
        bool known = run->origin[o][0] == '\0';
        for (int i = 0; i < origins->count && !known; ++i) {
            known = strcmp(origins->text[i], run->origin[o]) == 0;
        }
        if (!known && origins->count < HM_ORIGIN_MOST) {
            origins->text[origins->count++] = run->origin[o];
        } else if (!known) {
            origins->more = true;
        }
    }
}

/* One study of run[count], which are in order. */
static hm_status_t make_study(const hm_run_t *run, int64_t count, const char *file,
                              hm_study_t *made, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_study_t study = {.file = file, .arguments = run->arguments, .weak = run->weak};
    int points = 0;
    for (int64_t i = 0; i < count; ++i) {
        points += i == 0 || !hm_run_same_point(&run[i - 1], &run[i]);
        study.runs += counts(&run[i]);
        study.wrong += run[i].wrong;
        study.warm_ups += run[i].repetition == 0;
        note_origins(&study, &run[i]);
    }
    span_t *span = calloc((size_t)points, sizeof *span);
    double *room = malloc((size_t)count * sizeof *room);
    study.point = calloc((size_t)points, sizeof *study.point);
    study.series = calloc((size_t)points, sizeof *study.series);
    if (!span || !room || !study.point || !study.series) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for a study"));
    }
    for (int64_t i = 0; i < count;) {
        int64_t end = i + 1;
        while (end < count && hm_run_same_point(&run[i], &run[end])) {
            ++end;
        }
        span[study.points] = (span_t){i, end};
        study.point[study.points] = make_point(run, span[study.points], room);
        ++study.points;
        i = end;
    }
    HM_TRY(join_points(&study, run, span, room, err));
    *made = study;
    study = (hm_study_t){.points = 0};
cleanup:
    for (int i = 0; i < study.series_count; ++i) {
        free(study.series[i].point);
    }
    free(study.series);
    free(study.point);
    free(room);
    free(span);
    return status;
}

/* All studies of run[count], in order. */
static hm_status_t make_studies(const hm_run_t *run, int64_t count, const char *const *paths,
                                hm_studies_t *studies, hm_error_t *err) {
    hm_status_t status = HM_OK;
    for (int64_t i = 0; i < count;) {
        int64_t end = i + 1;
        while (end < count && hm_run_same_study(&run[i], &run[end])) {
            ++end;
        }
        hm_study_t *larger = realloc(studies->study, (size_t)(studies->count + 1) * sizeof *larger);
        if (!larger) {
            HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for studies"));
        }
        studies->study = larger;
        HM_TRY(make_study(run + i, end - i, paths[run[i].file], &larger[studies->count], err));
        ++studies->count;
        i = end;
    }
cleanup:
    return status;
}

hm_status_t hm_studies_read(const char *const *paths, int count, hm_studies_t *studies,
                            hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_studies_t s = {.csv = calloc((size_t)count, sizeof *s.csv)};
    hm_run_t *run = NULL;
    int64_t runs = 0;
    if (!s.csv) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for %d files", count));
    }
    for (int i = 0; i < count; ++i) {
        HM_TRY(hm_csv_read(paths[i], &s.csv[i], err));
        ++s.files;
        HM_TRY(hm_runs_read(&s.csv[i], paths[i], i, &run, &runs, err));
    }
    hm_runs_check(run, runs);
    qsort(run, (size_t)runs, sizeof *run, hm_run_order);
    HM_TRY(make_studies(run, runs, paths, &s, err));
    *studies = s;
    s = (hm_studies_t){.count = 0};
cleanup:
    free(run);
    hm_studies_free(&s);
    return status;
}

void hm_studies_free(hm_studies_t *studies) {
    for (int i = 0; i < studies->count; ++i) {
        hm_study_t *study = &studies->study[i];
        for (int k = 0; k < study->series_count; ++k) {
            free(study->series[k].point);
        }
        free(study->series);
        free(study->point);
    }
    for (int i = 0; i < studies->files; ++i) {
        hm_csv_free(&studies->csv[i]);
    }
    free(studies->study);
    free(studies->csv);
    *studies = (hm_studies_t){.count = 0};
}

/* --- what to know before believing -------------------------------------------------------------
 */

static bool caution_wrong(const hm_study_t *study, char *text, size_t size) {
    snprintf(text, size, "%d run%s had a wrong checksum and ha%s no time.", study->wrong,
             study->wrong == 1 ? "" : "s", study->wrong == 1 ? "s" : "ve");
    return study->wrong > 0;
}

static bool caution_mixed(const hm_study_t *study, char *text, size_t size) {
    static const hm_origin_column_t columns[] = {
        HM_ORIGIN_REVISION, HM_ORIGIN_COMPILER, HM_ORIGIN_MPI, HM_ORIGIN_ISA, HM_ORIGIN_PROCESSORS};
    size_t used = 0;
    for (size_t i = 0; i < sizeof columns / sizeof *columns; ++i) {
        if (study->origin[columns[i]].count > 1 && used < size) {
            used +=
                (size_t)snprintf(text + used, size - used, "%s%s",
                                 used ? ", " : "The runs are not all of one kind: they differ in ",
                                 hm_origin_name(columns[i]));
        }
    }
    if (used > 0 && used + 1 < size) {
        snprintf(text + used, size - used, ".");
    }
    return used > 0;
}

static bool caution_few(const hm_study_t *study, char *text, size_t size) {
    int few = 0;
    for (int i = 0; i < study->points; ++i) {
        few += study->point[i].runs < 6;
    }
    snprintf(text, size,
             "%d of %d points have fewer than 6 repetitions: their intervals hold the median with "
             "less than 95 %% probability.",
             few, study->points);
    return few > 0;
}

/* Where workers take turns on processors it is to be expected. */
static bool caution_uneven(const hm_study_t *study, char *text, size_t size) {
    int uneven = 0;
    for (int i = 0; i < study->points; ++i) {
        const hm_point_t *p = &study->point[i];
        uneven += !p->shared && p->speedup.count > 0 && p->speedup.high > 2 * p->speedup.low;
    }
    snprintf(text, size,
             "The speed-up%s of %d of %d points %s uncertain by more than a factor of two: the "
             "machine had other things to do. Remove the file and measure again when it is quiet.",
             uneven == 1 ? "" : "s", uneven, study->points, uneven == 1 ? "is" : "are");
    return uneven > 0;
}

static bool caution_shared(const hm_study_t *study, char *text, size_t size) {
    int shared = 0;
    for (int i = 0; i < study->points; ++i) {
        shared += study->point[i].shared;
    }
    snprintf(text, size,
             "%d point%s more workers than processors: their efficiency is that of the processors, "
             "and no law is fitted to them.",
             shared, shared == 1 ? " has" : "s have");
    return shared > 0;
}

static bool caution_reference(const hm_study_t *study, char *text, size_t size) {
    int64_t cores = 1;
    for (int i = 0; i < study->series_count; ++i) {
        const hm_point_t *p = &study->point[study->series[i].point[0]];
        cores = p->cores > cores ? p->cores : cores;
    }
    snprintf(
        text, size,
        "Nothing was measured on one core: speed-ups suppose that the reference, on up to %lld "
        "cores, is perfect.",
        (long long)cores);
    return cores > 1;
}

bool hm_study_caution(const hm_study_t *study, int index, char *text, size_t size) {
    static bool (*const cautions[])(const hm_study_t *, char *,
                                    size_t) = {caution_wrong,  caution_mixed,  caution_few,
                                               caution_uneven, caution_shared, caution_reference};
    for (size_t i = 0; i < sizeof cautions / sizeof *cautions; ++i) {
        if (cautions[i](study, text, size) && index-- == 0) {
            return true;
        }
    }
    return false;
}
