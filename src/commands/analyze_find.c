#include "analyze_find.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "hm_find.h"
#include "output.h"

/* One line a hit: row, column, coordinates, and a column a channel of the file. */
static void print_table(const hm_hits_t *hits, const char *gap, FILE *out) {
    const uint32_t channels = hits->info.channels;
    fprintf(out, "row%scolumn%sre%sim", gap, gap, gap);
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        if ((channels >> channel) & 1u) {
            fprintf(out, "%s%s", gap, hm_channel_name((hm_channel_t)channel));
        }
    }
    fprintf(out, "\n");
    for (int64_t i = 0; i < hits->count; ++i) {
        const hm_hit_t *hit = &hits->hit[i];
        fprintf(out, "%" PRId64 "%s%" PRId64 "%s%.17g%s%.17g%s%" PRIu32, hit->row, gap, hit->column,
                gap, hit->re, gap, hit->im, gap, hit->iterations);
        if ((channels >> HM_CHANNEL_SMOOTH) & 1u) {
            fprintf(out, "%s%.9g", gap, (double)hit->smooth);
        }
        if ((channels >> HM_CHANNEL_DISTANCE) & 1u) {
            fprintf(out, "%s%.9g", gap, (double)hit->distance);
        }
        if ((channels >> HM_CHANNEL_PERIOD) & 1u) {
            fprintf(out, "%s%" PRIu32, gap, hit->period);
        }
        fprintf(out, "\n");
    }
}

static void print_text(const char *path, const char *expression, const hm_hits_t *hits) {
    printf("file %s\nfind %s\n", path, expression);
    if (hits->info.rows_done < hits->info.grid.height) {
        printf("INCOMPLETE: %" PRId64 " of %" PRId64 " rows are missing and were not searched\n",
               hits->info.grid.height - hits->info.rows_done, hits->info.grid.height);
    }
    printf("hits %" PRId64 "%s\n", hits->count,
           hits->all ? "" : ": the first ones; there may be more");
    if (hits->count > 0) {
        print_table(hits, " ", stdout);
    }
}

/* JSON has no infinities: null. */
static json_t *real(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *hit_json(const hm_hit_t *hit, uint32_t channels) {
    json_t *made = json_pack("{s:I, s:I, s:f, s:f, s:I}", "row", (json_int_t)hit->row, "column",
                             (json_int_t)hit->column, "re", hit->re, "im", hit->im, "iterations",
                             (json_int_t)hit->iterations);
    if ((channels >> HM_CHANNEL_SMOOTH) & 1u) {
        json_object_set_new(made, "smooth", real((double)hit->smooth));
    }
    if ((channels >> HM_CHANNEL_DISTANCE) & 1u) {
        json_object_set_new(made, "distance", real((double)hit->distance));
    }
    if ((channels >> HM_CHANNEL_PERIOD) & 1u) {
        json_object_set_new(made, "period", json_integer((json_int_t)hit->period));
    }
    return made;
}

static hm_status_t write_json(const char *to, const char *expression, const hm_hits_t *hits,
                              hm_error_t *err) {
    json_t *list = json_array();
    for (int64_t i = 0; i < hits->count; ++i) {
        json_array_append_new(list, hit_json(&hits->hit[i], hits->info.channels));
    }
    json_t *root = json_pack(
        "{s:I, s:b, s:I, s:o}", "hits", (json_int_t)hits->count, "all", hits->all, "missing",
        (json_int_t)(hits->info.grid.height - hits->info.rows_done), "hit", list);
    json_object_set_new(root, "find", output_json_text(expression));
    return output_json(to, root, err);
}

/* Rank 0 alone. */
static hm_status_t deliver(const char *path, const char *expression, const hm_hits_t *hits,
                           const char *json, const char *csv, hm_error_t *err) {
    hm_status_t status = HM_OK;
    output_t output = {0};
    if (json) {
        HM_TRY(write_json(json, expression, hits, err));
    }
    if (csv) {
        HM_TRY(output_open(csv, &output, err));
        print_table(hits, ",", output.out);
        HM_TRY(output_close(&output, true, err));
    }
    if (!output_is_stdout(json) && !output_is_stdout(csv)) {
        print_text(path, expression, hits);
    }
cleanup:
    return status;
}

hm_status_t analyze_find(const hm_context_t *context, const char *path, const char *text,
                         int64_t limit, const char *json, const char *csv) {
    hm_error_t err = HM_ERROR_NONE;
    hm_expression_t *expression = NULL;
    hm_hits_t hits = {.count = 0};
    hm_status_t status = hm_expression_compile(text, &expression, &err);
    if (status == HM_EUSAGE) {
        (void)hm_error_context(&err, "--find");
    }
    HM_TRY(hm_meet(context, status, &err));
    status = hm_find(context->cluster, path, expression, limit, &hits, &err);
    HM_TRY(hm_meet(context, status, &err));
    status = context->cluster->rank == 0 ? deliver(path, text, &hits, json, csv, &err) : HM_OK;
    HM_TRY(hm_meet(context, status, &err));
cleanup:
    free(hits.hit);
    hm_expression_free(expression);
    return status;
}
