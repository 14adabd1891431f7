/** @file figures.c See figures.h. */
#include "figures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "estimate.h"

const hm_section_t hm_sections[] = {
    {"total", "totals", "name", NULL, NULL, "count", NULL, NULL},
    {"mean", "mean counts", "of", NULL, NULL, NULL, "value", NULL},
    {"quantile", "quantiles of the counts outside: in [from, to)", "quantile", "from", "to", NULL,
     NULL, NULL},
    {"linear", "histogram of the counts outside, in equal steps: [from, to)", NULL, "from", "to",
     "points", NULL, NULL},
    {"octave", "histogram of the counts outside, by octaves: [from, to)", NULL, "from", "to",
     "points", NULL, NULL},
    {"area", "area", "of", NULL, NULL, "points", "area", "error"},
    {"k-area", "area of the points not escaped after k updates", NULL, "k", NULL, "points", "area",
     NULL},
    {"centroid", "centroid of the points inside", "part", NULL, NULL, NULL, "value", NULL},
    {"box", "boxes of side x side points that the boundary goes through", NULL, "side", NULL,
     "boxes", "slope", NULL},
    {"dimension", "box-counting dimension of the boundary at these sizes", "by", NULL, NULL, NULL,
     "dimension", "error"},
    {"period", "points inside by period (0: 1024 and longer)", NULL, "period", NULL, "points",
     "area", NULL},
    {"component", "connected regions by period; centres: how many such components there are", NULL,
     "period", "centres", "components", "largest", NULL},
    {"symmetry", "both sides of the view compared", "name", NULL, NULL, "count", NULL, NULL},
    {"row", "costliest rows", NULL, "row", "rank", "work", "seconds", NULL},
    {"node", "by node of the last session", "node", "rows", NULL, "work", "seconds", NULL},
    {"rank", "by rank", "node", "rank", "rows", "work", "seconds", NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};

/** What all figures come from. */
typedef struct maker_t {
    const hm_dataset_info_t *info;
    const hm_findings_t *found;
    hm_report_t *report;
    hm_histogram_t outside;
    double pixel; /**< area of a pixel */
} maker_t;

static hm_finding_t figure(const char *section, const char *key) {
    hm_finding_t made = {.from = 0};
    snprintf(made.section, sizeof made.section, "%s", section);
    snprintf(made.key, sizeof made.key, "%s", key);
    return made;
}

static void add(maker_t *m, const char *section, const char *key, double from, double to,
                uint64_t count, double value, double error) {
    hm_finding_t made = figure(section, key);
    made.from = from;
    made.to = to;
    made.count = count;
    made.value = value;
    made.error = error;
    hm_report_add(m->report, &made);
}

static void add_count(maker_t *m, const char *section, const char *key, uint64_t count) {
    add(m, section, key, 0, 0, count, 0, 0);
}

static void add_totals(maker_t *m) {
    const hm_scan_t *scan = &m->found->scan;
    const uint64_t height = (uint64_t)m->info->grid.height;
    const uint64_t points = scan->rows * (uint64_t)m->info->grid.width;
    const uint64_t outside = points - scan->inside;
    /* As double: a sum of counts is far below 2^64, and rank 0 alone divides. */
    const double sum_outside = (double)(scan->sum - scan->inside * m->info->formula.max_iter);
    add_count(m, "total", "width", (uint64_t)m->info->grid.width);
    add_count(m, "total", "height", height);
    add_count(m, "total", "rows", scan->rows);
    add_count(m, "total", "missing", height - scan->rows);
    add_count(m, "total", "max-iter", m->info->formula.max_iter);
    add_count(m, "total", "sum", scan->sum);
    add_count(m, "total", "inside", scan->inside);
    add_count(m, "total", "outside", outside);
    if (scan->rows == height) {
        add_count(m, "total", "crc32", scan->stretch.crc);
    }
    if (outside > 0) {
        add_count(m, "total", "least", (uint64_t)scan->least);
        add_count(m, "total", "most", (uint64_t)scan->most);
    }
    if (points > 0) {
        add(m, "mean", "all", 0, 0, 0, (double)scan->sum / (double)points, 0);
    }
    if (outside > 0) {
        add(m, "mean", "outside", 0, 0, 0, sum_outside / (double)outside, 0);
    }
}

static void add_quantiles(maker_t *m) {
    static const int permilles[] = {1, 10, 50, 250, 500, 750, 900, 950, 990, 999};
    for (size_t i = 0; i < sizeof permilles / sizeof *permilles; ++i) {
        uint64_t from = 0;
        uint64_t to = 0;
        char key[16];
        snprintf(key, sizeof key, "0.%03d", permilles[i]);
        if (hm_histogram_quantile(&m->outside, permilles[i], &from, &to)) {
            add(m, "quantile", key, (double)from, (double)to, 0, 0, 0);
        }
    }
}

/** Steps are powers of two, 32 to 64 of them: edges of bins too. */
static void add_histograms(maker_t *m) {
    const uint64_t end = m->outside.end;
    uint64_t step = 1;
    while (step * 64 < end) {
        step *= 2;
    }
    for (uint64_t from = 0; from < end; from += step) {
        const uint64_t to = from + step < end ? from + step : end;
        add(m, "linear", "", (double)from, (double)to,
            hm_histogram_between(&m->outside, from, from + step), 0, 0);
    }
    for (uint64_t from = 0; from<end; from = from> 0 ? 2 * from : 1) {
        const uint64_t next = from > 0 ? 2 * from : 1;
        add(m, "octave", "", (double)from, (double)(next < end ? next : end),
            hm_histogram_between(&m->outside, from, next), 0, 0);
    }
}

/** Points not escaped after k updates; k is an edge of bins. */
static uint64_t not_escaped(const maker_t *m, uint64_t k) {
    return hm_histogram_between(&m->outside, k, UINT64_MAX) + m->found->scan.inside;
}

static void add_areas(maker_t *m) {
    const hm_scan_t *scan = &m->found->scan;
    const uint64_t most = m->info->formula.max_iter;
    const double grid = hm_estimate_grid_error(m->pixel, scan->crossings);
    const double inside = (double)scan->inside * m->pixel;
    /* A row on the real axis meets the set's antenna, which has no area, all along: it counts as
     * its neighbours do. */
    const double antenna =
        scan->beside_done == 3 && !m->info->formula.julia
            ? (double)scan->beside[1] - (double)(scan->beside[0] + scan->beside[2]) / 2
            : 0;
    const double axis = antenna > 0 ? antenna * m->pixel : 0;
    add(m, "area", "not escaped", 0, 0, scan->inside, inside, grid);
    add(m, "area", "antenna (no area)", 0, 0, (uint64_t)(antenna > 0 ? antenna : 0), axis, 0);
    if (most >= 64) {
        /* A half and a quarter of max-iter, or the edges of bins just below. */
        const uint64_t half = hm_bin_first(hm_bin_of((uint32_t)(most / 2)));
        const uint64_t quarter = hm_bin_first(hm_bin_of((uint32_t)(most / 4)));
        const hm_estimate_t rest =
            hm_estimate_rest((double)not_escaped(m, quarter) * m->pixel,
                             (double)not_escaped(m, half) * m->pixel, inside);
        add(m, "area", "to escape later", 0, 0, 0, rest.value, rest.error);
        add(m, "area", "set", 0, 0, 0, inside - axis - rest.value, grid + rest.error);
    }
    for (uint64_t k = 1; k <= most; k = k < most && 2 * k > most ? most : 2 * k) {
        const uint64_t points = k == most ? scan->inside : not_escaped(m, k);
        add(m, "k-area", "", (double)k, 0, points, (double)points * m->pixel, 0);
    }
    if (scan->inside > 0) {
        const hm_grid_t *grid_of = &m->info->grid;
        const double count = (double)scan->inside;
        add(m, "centroid", "re", 0, 0, 0,
            grid_of->re0 + hm_wide_real(scan->column) / count * grid_of->re_step, 0);
        add(m, "centroid", "im", 0, 0, 0,
            grid_of->im0 + hm_wide_real(scan->row) / count * grid_of->im_step, 0);
    }
}

static void add_boxes(maker_t *m) {
    const hm_scan_t *scan = &m->found->scan;
    hm_estimate_t dimension;
    for (int level = 0; level < scan->box_levels; ++level) {
        const double here = (double)scan->box[level];
        const double larger = level + 1 < scan->box_levels ? (double)scan->box[level + 1] : 0;
        add(m, "box", "", (double)((uint64_t)1 << level), 0, scan->box[level],
            here > 0 && larger > 0 ? log2(here / larger) : 0, 0);
    }
    if (hm_estimate_dimension(scan->box, scan->box_levels, &dimension)) {
        add(m, "dimension", "least squares", 0, 0, 0, dimension.value, dimension.error);
    }
}

static void add_periods(maker_t *m) {
    const hm_period_sums_t *sums = m->found->periods;
    for (int period = 0; sums && period < HM_PERIODS; ++period) {
        if (sums->pixels[period] > 0) {
            add(m, "period", "", period, 0, sums->pixels[period],
                (double)sums->pixels[period] * m->pixel, 0);
        }
    }
    for (int period = 0; sums && period < HM_PERIODS; ++period) {
        if (sums->components[period] > 0) {
            add(m, "component", "", period,
                m->info->formula.julia ? 0 : hm_estimate_centres(period), sums->components[period],
                (double)sums->largest[period] * m->pixel, 0);
        }
    }
}

static void add_symmetry(maker_t *m) {
    const hm_symmetry_t *s = &m->found->symmetry;
    if (s->pairs > 0) {
        add_count(m, "symmetry", "pairs of rows", s->pairs);
        add_count(m, "symmetry", "exact pairs", s->exact);
        add_count(m, "symmetry", "exact pairs that differ", s->exact_differ);
        add_count(m, "symmetry", "pairs compared by points", s->compared);
        add_count(m, "symmetry", "points compared", s->points);
        add_count(m, "symmetry", "points that differ", s->differ);
    }
}

/** The node that a rank was on in the last session, -1: not known. */
static int node_of(const hm_findings_t *found, int rank) {
    enum { MOST = 1 << 20 };
    const int node = rank < found->rank_count ? found->ranks[rank].node : -1;
    return node >= 0 && node < MOST ? node : -1;
}

static void node_name(const hm_findings_t *found, int rank, char *name, size_t size) {
    const int node = node_of(found, rank);
    if (node < 0) {
        snprintf(name, size, "not known");
    } else {
        snprintf(name, size, "%d %.24s", node, found->ranks[rank].host);
    }
    /* Whatever stands in the file, it can be printed, and be JSON. */
    for (char *c = name; *c != '\0'; ++c) {
        *c = *c < ' ' || *c > '~' ? '?' : *c;
    }
}

/** A node's part, with a rank that was there; the last one is for ranks of no known node. */
typedef struct node_t {
    uint64_t rows, work;
    hm_wide_t time;
    int rank;
} node_t;

static hm_status_t add_doers(maker_t *m, hm_error_t *err) {
    const hm_accounts_t *a = &m->found->accounts;
    char name[40];
    int nodes = 0;
    for (int rank = 0; rank < a->doers; ++rank) {
        const int node = node_of(m->found, rank);
        nodes = node >= nodes ? node + 1 : nodes;
    }
    node_t *node = calloc((size_t)nodes + 1, sizeof *node);
    if (!node) {
        return hm_error_set(err, HM_EMISSING, "out of memory for %d nodes", nodes);
    }
    for (int rank = 0; rank < a->doers; ++rank) {
        const int index = node_of(m->found, rank);
        node_t *of = &node[index < 0 ? nodes : index];
        of->rows += a->rows[rank];
        of->work += a->work[rank];
        hm_wide_add(&of->time, a->time[rank]);
        of->rank = rank;
    }
    for (int i = 0; i < a->top && a->costly[i].row >= 0; ++i) {
        add(m, "row", "", (double)a->costly[i].row, (double)a->costly[i].rank, a->costly[i].work,
            a->costly[i].seconds, 0);
    }
    for (int i = 0; i <= nodes; ++i) {
        if (node[i].rows > 0) {
            node_name(m->found, node[i].rank, name, sizeof name);
            add(m, "node", name, (double)node[i].rows, 0, node[i].work,
                hm_wide_seconds(node[i].time), 0);
        }
    }
    for (int rank = 0; rank < a->doers; ++rank) {
        if (a->rows[rank] > 0) {
            node_name(m->found, rank, name, sizeof name);
            add(m, "rank", name, rank, (double)a->rows[rank], a->work[rank],
                hm_wide_seconds(a->time[rank]), 0);
        }
    }
    free(node);
    return HM_OK;
}

hm_status_t hm_figures_make(const hm_dataset_info_t *info, const hm_findings_t *found,
                            hm_report_t *report, hm_error_t *err) {
    hm_status_t status = HM_OK;
    maker_t m = {.info = info,
                 .found = found,
                 .report = report,
                 .outside = {found->scan.bin, found->scan.bins, info->formula.max_iter},
                 .pixel = fabs(info->grid.re_step * info->grid.im_step)};
    report->rows = (int64_t)found->scan.rows;
    add_totals(&m);
    add_quantiles(&m);
    add_histograms(&m);
    add_areas(&m);
    add_boxes(&m);
    add_periods(&m);
    add_symmetry(&m);
    HM_TRY(add_doers(&m, err));
    if (report->failed) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for the figures"));
    }
cleanup:
    return status;
}
