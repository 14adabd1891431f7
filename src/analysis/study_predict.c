/* What a study's points should have taken, by simulation over the costs of rows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hm_simulate.h"
#include "hm_study.h"

/* What is not measured by a study: a message between nodes, within one, an answer; and how often
 * a rank that computes looks at its messages. Seconds, as usual for MPI today. */
static const double latency = 5e-6;
static const double node_latency = 1e-6;
static const double answer = 2e-6;
static const double poll = 1e-3;

/* What one core needs. */
typedef struct pace_t {
    double update; /* seconds for an update of the costs' */
    double band;   /* seconds to take and write one */
} pace_t;

/* Updates up to each row: sum[rows + 1]. */
static double *cumulate(const hm_row_costs_t *costs) {
    double *sum = malloc(((size_t)costs->rows + 1) * sizeof *sum);
    if (sum) {
        sum[0] = 0;
        for (int64_t row = 0; row < costs->rows; ++row) {
            sum[row + 1] = sum[row] + (double)costs->work[row];
        }
    }
    return sum;
}

/* Updates of the rows above the part `share` of those computed, on the costs' grid. */
static double updates_above(const hm_row_costs_t *costs, const double *sum, double share) {
    double at = share * (double)costs->rows;
    int64_t row = (int64_t)at;
    if (row >= costs->rows) {
        return sum[costs->rows];
    }
    return sum[row] + (at - (double)row) * (sum[row + 1] - sum[row]);
}

/* How many of a point's updates one of the costs' stands for. */
static double scale_of(const hm_row_costs_t *costs, const hm_point_t *p) {
    return (double)p->width / (double)costs->width * ((double)p->height / (double)costs->height);
}

static bool is_known(const hm_study_t *study, const hm_row_costs_t *costs) {
    for (int i = 0; i < study->points; ++i) {
        const hm_point_t *p = &study->point[i];
        if (p->runs > 0 && p->width == costs->width && p->height == costs->height &&
            p->crc32 == costs->crc32) {
            return true;
        }
    }
    return false;
}

/* The point's rows that are computed: the same part of all as on the costs' grid. */
static int64_t rows_of(const hm_row_costs_t *costs, const hm_point_t *p) {
    return (int64_t)ceil((double)p->height * ((double)costs->rows / (double)costs->height));
}

static int64_t bands_of(const hm_row_costs_t *costs, const hm_point_t *p) {
    return (rows_of(costs, p) + p->band - 1) / p->band;
}

/* The pace by the points on one core, where all strategies do the same; room[2 * points]. */
static bool find_pace(const hm_study_t *study, const hm_row_costs_t *costs, const double *sum,
                      double *room, pace_t *pace) {
    int n = 0;
    for (int i = 0; i < study->points; ++i) {
        const hm_point_t *p = &study->point[i];
        if (p->runs == 0 || p->workers != 1 || p->band == 0 || isnan(p->figure[HM_FIGURE_BUSY])) {
            continue;
        }
        double writing = isnan(p->figure[HM_FIGURE_WRITING]) ? 0 : p->figure[HM_FIGURE_WRITING];
        room[n] =
            p->seconds.median * p->figure[HM_FIGURE_BUSY] / (sum[costs->rows] * scale_of(costs, p));
        room[study->points + n] = p->seconds.median * writing / (double)bands_of(costs, p);
        ++n;
    }
    if (n > 0) {
        pace->update = hm_spread(room, n).median;
        pace->band = hm_spread(room + study->points, n).median;
    }
    return n > 0 && pace->update > 0;
}

/* Writing takes as long as the bytes: a band of another size costs in proportion. */
static double band_seconds(const hm_study_t *study, const pace_t *pace, const hm_point_t *p) {
    for (int i = 0; i < study->points; ++i) {
        const hm_point_t *one = &study->point[i];
        if (one->workers == 1 && one->band > 0) {
            return pace->band * ((double)p->band * (double)p->width) /
                   ((double)one->band * (double)one->width);
        }
    }
    return pace->band;
}

/* What each band of a point costs: updates, and seconds of a rank's threads. row[p->band] is room.
 */
static void cost_bands(const hm_row_costs_t *costs, const double *sum, const pace_t *pace,
                       const hm_point_t *p, double *row, double *work, double *seconds) {
    const double scale = scale_of(costs, p);
    const int threads = p->threads < HM_SIMULATE_THREADS ? p->threads : HM_SIMULATE_THREADS;
    const int64_t all = rows_of(costs, p);
    for (int64_t b = 0; b < bands_of(costs, p); ++b) {
        const int64_t first = b * p->band;
        const int64_t rows = first + p->band < all ? p->band : all - first;
        double above = updates_above(costs, sum, (double)first / (double)all);
        work[b] = 0;
        for (int64_t i = 0; i < rows; ++i) {
            const double below = updates_above(costs, sum, (double)(first + i + 1) / (double)all);
            const double updates = fmax(0, below - above) * scale;
            work[b] += updates;
            row[i] = updates * pace->update;
            above = below;
        }
        seconds[b] = hm_simulate_threads(row, rows, threads);
    }
}

static hm_status_t predict(const hm_study_t *study, const hm_row_costs_t *costs, const double *sum,
                           const pace_t *pace, hm_point_t *p, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const int64_t bands = bands_of(costs, p);
    const int64_t most_rows = p->band < p->height ? p->band : p->height;
    double *seconds = malloc((2 * (size_t)bands + (size_t)most_rows) * sizeof *seconds);
    if (!seconds) {
        return hm_error_set(err, HM_EMISSING, "out of memory for %lld bands", (long long)bands);
    }
    double *work = seconds + bands;
    cost_bands(costs, sum, pace, p, work + bands, work, seconds);
    hm_simulation_t simulation = {.bands = bands,
                                  .seconds = seconds,
                                  .work = work,
                                  .ranks = (int)p->ranks,
                                  .nodes = p->nodes < p->ranks ? p->nodes : (int)p->ranks,
                                  .machine = {.band = band_seconds(study, pace, p),
                                              .latency = latency,
                                              .node_latency = node_latency,
                                              .answer = answer,
                                              .poll = poll}};
    hm_simulated_t result;
    status = hm_simulate(p->strategy, &simulation, &result, err);
    if (status == HM_EUSAGE) {
        status = HM_OK; /* a strategy that this program does not know stays without a prediction */
    } else if (status == HM_OK) {
        p->predicted_seconds = p->shared ? NAN : result.seconds;
        p->predicted_imbalance = result.imbalance;
    }
    free(seconds);
    return status;
}

hm_status_t hm_study_predict(hm_study_t *study, const hm_row_costs_t *costs, bool *known,
                             hm_error_t *err) {
    hm_status_t status = HM_OK;
    pace_t pace = {0};
    double *sum = cumulate(costs);
    double *room = malloc(2 * (size_t)study->points * sizeof *room);
    if (!sum || !room) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for %lld rows",
                            (long long)costs->height));
    }
    *known = is_known(study, costs) && find_pace(study, costs, sum, room, &pace);
    for (int i = 0; *known && i < study->points; ++i) {
        hm_point_t *p = &study->point[i];
        if (p->band > 0 && p->ranks <= 1 << 20) {
            HM_TRY(predict(study, costs, sum, &pace, p, err));
        }
    }
cleanup:
    free(room);
    free(sum);
    return status;
}
