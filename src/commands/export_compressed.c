/* export --compress: a copy of a data set file that takes less room. */
#include <stdio.h>

#include "export.h"
#include "hm_dataset.h"

static void print_report(const hm_cluster_t *cluster, const char *target,
                         const hm_compact_t *report) {
    const double stored = report->stored > 0 ? (double)report->stored : 1;
    printf("compressed %s\n", target);
    printf("bytes %lld of %lld, ratio %.2f\n", (long long)report->stored, (long long)report->plain,
           (double)report->plain / stored);
    printf("seconds %.3f, %.0f MB/s by %d rank%s, verified\n", report->seconds,
           (double)report->plain / report->seconds / 1e6, cluster->size,
           cluster->size == 1 ? "" : "s");
}

hm_status_t export_compressed(const hm_context_t *context, const export_settings_t *settings,
                              const export_inputs_t *inputs, const char *target) {
    hm_error_t err = HM_ERROR_NONE;
    hm_compact_t report;
    const hm_status_t mine =
        hm_dataset_compact(inputs->path[0], target, context->cluster->comm, (int)settings->level,
                           settings->overwrite, &report, &err);
    const hm_status_t status = hm_meet(context, mine, &err);
    if (status == HM_OK && context->cluster->rank == 0 && !settings->quiet) {
        print_report(context->cluster, target, &report);
    }
    return status;
}
