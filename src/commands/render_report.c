/* What a run says of itself: the summary block and the JSON figures. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "hm_version.h"
#include "output.h"
#include "render.h"

/* Shares over all ranks, and who was slowest. */
typedef struct shares_t {
    double mean[4], least[4], most[4]; /* busy, waiting, writing, talking */
    int most_rank[4];
    double total;      /* seconds of all ranks in all states */
    double iterations; /* most over mean of the ranks' */
} shares_t;

static const char *const share_names[4] = {"busy", "waiting", "writing", "talking"};

static double share_of(const hm_rank_account_t *rank, int share) {
    const double seconds[4] = {rank->busy, rank->waiting, rank->writing, rank->talking};
    return seconds[share];
}

static double ratio(double part, double whole) {
    return whole > 0 ? part / whole : 0;
}

static shares_t shares_make(const hm_rank_account_t *ranks, int size) {
    shares_t s = {.total = 0};
    for (int share = 0; share < 4; ++share) {
        s.least[share] = s.most[share] = share_of(&ranks[0], share);
        double sum = 0;
        for (int r = 0; r < size; ++r) {
            double seconds = share_of(&ranks[r], share);
            sum += seconds;
            if (seconds < s.least[share]) {
                s.least[share] = seconds;
            }
            if (seconds > s.most[share]) {
                s.most[share] = seconds;
                s.most_rank[share] = r;
            }
        }
        s.mean[share] = sum / size;
        s.total += sum;
    }
    int64_t most = 0;
    double sum = 0;
    for (int r = 0; r < size; ++r) {
        most = ranks[r].iterations > most ? ranks[r].iterations : most;
        sum += (double)ranks[r].iterations;
    }
    s.iterations = ratio((double)most * size, sum);
    return s;
}

void render_report_print(const hm_cluster_t *cluster, const render_plan_t *plan,
                         const render_report_t *report) {
    shares_t s = shares_make(report->ranks, cluster->size);
    printf("output %s\n", report->output);
    printf("grid %lld x %lld\n", (long long)plan->grid.width, (long long)plan->grid.height);
    printf("strategy %s, bands of %lld row%s\n", report->strategy, (long long)plan->band_rows,
           plan->band_rows == 1 ? "" : "s");
    printf("ranks %d x %d threads on %d node%s, kernel %s\n", cluster->size, plan->threads,
           cluster->nodes, cluster->nodes == 1 ? "" : "s", report->ranks[0].isa);
    printf("rows %lld of %lld done, %lld in this run\n", (long long)report->rows_done,
           (long long)plan->grid.height, (long long)report->rows_computed);
    printf("seconds %.3f computing and writing, %.3f before\n", report->seconds, report->startup);
    printf("speed %.3f Giter/s (textbook updates)\n",
           ratio((double)report->updates, report->seconds) * 1e-9);
    printf("imbalance %.3f (max/mean busy; slowest rank %d on %s)\n", ratio(s.most[0], s.mean[0]),
           s.most_rank[0], report->ranks[s.most_rank[0]].host);
    if (report->predicted > 0) {
        printf("predicted imbalance %.3f\n", report->predicted);
    }
    printf("efficiency %.3f (busy / (ranks x wall))\n", ratio(s.mean[0], report->seconds));
    printf("messages %llu, %llu bytes (of the strategy)\n", (unsigned long long)report->messages,
           (unsigned long long)report->bytes);
    for (int share = 0; share < 4; ++share) {
        printf("%s mean %.3f s, min %.3f, max %.3f (rank %d on %s), share %.1f %%\n",
               share_names[share], s.mean[share], s.least[share], s.most[share], s.most_rank[share],
               report->ranks[s.most_rank[share]].host,
               100 * ratio(s.mean[share] * cluster->size, s.total));
    }
    if (report->result.complete) {
        printf("sum %llu\ninside %llu\ncrc32 %08lx\n", (unsigned long long)report->result.sum,
               (unsigned long long)report->result.inside, (unsigned long)report->result.crc32);
    } else {
        printf("incomplete: go on with --resume\n");
    }
}

static json_t *ranks_json(const hm_rank_account_t *ranks, int size) {
    json_t *list = json_array();
    for (int r = 0; r < size; ++r) {
        const hm_rank_account_t *a = &ranks[r];
        json_array_append_new(
            list, json_pack("{s:i, s:o, s:i, s:s, s:i, s:I, s:I, s:f, s:f, s:f, s:f}", "rank", r,
                            "host", output_json_text(a->host), "node", (int)a->node, "isa", a->isa,
                            "threads", (int)a->threads, "rows", (json_int_t)a->rows, "iterations",
                            (json_int_t)a->iterations, "busy", a->busy, "waiting", a->waiting,
                            "writing", a->writing, "talking", a->talking));
    }
    return list;
}

static json_t *settings_json(const hm_values_t *values) {
    json_t *object = json_object();
    for (int i = 0; i < values->count; ++i) {
        if (values->text[i]) {
            json_object_set_new(object, values->table[i].key, output_json_text(values->text[i]));
        }
    }
    return object;
}

hm_status_t render_report_stats(const char *path, const hm_cluster_t *cluster,
                                const render_plan_t *plan, const hm_values_t *values,
                                const render_report_t *report, hm_error_t *err) {
    shares_t s = shares_make(report->ranks, cluster->size);
    char crc[16];
    snprintf(crc, sizeof crc, "%08lx", (unsigned long)report->result.crc32);
    json_t *root = json_pack(
        "{s:s, s:s, s:o, s:o, s:[I,I], s:s, s:I, s:i, s:i, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f, "
        "s:f, s:f, s:b, s:I, s:I, s:s, s:f, s:I, s:I, s:o}",
        "version", hm_version(), "revision", hm_revision(), "settings", settings_json(values),
        "output", output_json_text(report->output), "grid", (json_int_t)plan->grid.width,
        (json_int_t)plan->grid.height, "strategy", report->strategy, "band",
        (json_int_t)plan->band_rows, "ranks", cluster->size, "threads", plan->threads, "nodes",
        cluster->nodes, "seconds", report->seconds, "startup", report->startup, "giter_per_second",
        ratio((double)report->updates, report->seconds) * 1e-9, "imbalance",
        ratio(s.most[0], s.mean[0]), "efficiency", ratio(s.mean[0], report->seconds), "io_share",
        ratio(s.mean[2] * cluster->size, s.total), "imbalance_iterations", s.iterations,
        "waiting_share", ratio(s.mean[1] * cluster->size, s.total), "talking_share",
        ratio(s.mean[3] * cluster->size, s.total), "complete", (int)report->result.complete, "sum",
        (json_int_t)report->result.sum, "inside", (json_int_t)report->result.inside, "crc32", crc,
        "predicted_imbalance", report->predicted, "messages", (json_int_t)report->messages,
        "message_bytes", (json_int_t)report->bytes, "per_rank",
        ranks_json(report->ranks, cluster->size));
    hm_status_t status = output_json(path, root, err);
    if (status != HM_OK) {
        hm_error_context(err, "stats");
    }
    return status;
}
