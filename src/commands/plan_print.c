/* What plan says: as text, and as JSON. */
#include <string.h>

#include "hm_version.h"
#include "output.h"
#include "plan.h"

static double core_seconds(const plan_t *plan) {
    double sum = 0;
    for (int64_t row = 0; row < plan->work.view.grid.height; ++row) {
        sum += plan_row_seconds(plan, row);
    }
    return sum;
}

static const char *origin(bool measured) {
    return measured ? "measured" : "given";
}

/* A count of bytes with its unit. */
static const char *bytes(double value, char text[24]) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    int unit = 0;
    while (value >= 1000 && unit < 5) {
        value /= 1000;
        ++unit;
    }
    snprintf(text, 24, "%.*f %s", unit > 0 && value < 100 ? 1 : 0, value, units[unit]);
    return text;
}

static void print_machine(const plan_t *plan) {
    const plan_machine_t *m = &plan->machine;
    const hm_values_t *values = &plan->values;
    const char *taken = "taken for granted";
    printf("speed %.3f G updates/s a core (%s), %.2f ns a point beside them\n", 1e-9 / m->update,
           origin(m->speed_measured), m->point * 1e9);
    printf("band %.1f us to hand out and write, %.3f ns a byte (%s)\n", m->costs.band * 1e6,
           m->costs.byte * 1e9, origin(m->band_measured));
    printf("disk %.3f ns for each byte that a node forces to it (%s), %.1f us to close the file\n",
           m->flush * 1e9,
           m->flush_measured                        ? "measured"
           : hm_options_given(values, "flush-cost") ? "given"
                                                    : taken,
           m->finish * 1e6);
    if (plan_delivery(plan) == HM_DELIVERY_ROUNDS) {
        printf("round %.1f us to write together (%s)\n", m->costs.round * 1e6,
               m->round_measured                        ? "measured"
               : hm_options_given(values, "round-cost") ? "given"
                                                        : taken);
    }
    if (m->measuring > 0) {
        printf("measured %lld bands on %d rank%s at a time, %d processor%s of a node busy\n",
               (long long)m->measured, m->measuring, m->measuring == 1 ? "" : "s", m->processors,
               m->processors == 1 ? "" : "s");
    }
    printf("message %.2f us between nodes (%s), %.2f us within (%s)\n", m->costs.latency * 1e6,
           m->latency_measured                   ? "measured"
           : hm_options_given(values, "latency") ? "given"
                                                 : taken,
           m->costs.node_latency * 1e6,
           m->node_latency_measured                   ? "measured"
           : hm_options_given(values, "node-latency") ? "given"
                                                      : taken);
    printf("byte of a message %.3f ns (%s), answer %.2f us (%s)\n", m->costs.transfer * 1e9,
           m->transfer_measured                        ? "measured"
           : hm_options_given(values, "transfer-cost") ? "given"
                                                       : taken,
           m->costs.answer * 1e6,
           m->answer_measured                        ? "measured"
           : hm_options_given(values, "answer-cost") ? "given"
                                                     : taken);
    if (m->costs.bandwidth > 0) {
        printf("file system %.3f GB/s for all together (given)\n", m->costs.bandwidth * 1e-9);
    } else {
        printf(
            "file system taken to be as fast as all nodes together; --bandwidth says how fast\n");
    }
}

static void print_targets(const plan_t *plan) {
    char text[16];
    if (plan->settings.within > 0) {
        plan_time(plan->settings.within, text, sizeof text);
        printf("target within %s\n", text);
    }
    if (plan->settings.efficiency > 0) {
        printf("target efficiency %g\n", plan->settings.efficiency);
    }
}

void plan_print(const plan_t *plan, const plan_table_t *table, const plan_commands_t *commands) {
    const plan_work_t *work = &plan->work;
    char text[24];
    printf("grid %lld x %lld, at most %lu updates a point\n", (long long)work->view.grid.width,
           (long long)work->view.grid.height, (unsigned long)work->view.formula.max_iter);
    if (work->file) {
        printf("work %.6g updates, known from %s\n", work->all_updates, work->file);
    } else {
        printf("work %.6g updates, from a sample of %lld x %lld points\n", work->all_updates,
               (long long)work->sampled_columns, (long long)work->sampled_rows);
    }
    printf("file %s\n", bytes((double)work->file_bytes, text));
    print_machine(plan);
    printf("core %.6g s: all the computing on one core\n", core_seconds(plan));
    print_targets(plan);
    const plan_request_t *r = &table->request;
    printf("request %d node%s, %d rank%s x %d thread%s, %lld bands of %lld row%s\n\n", r->nodes,
           r->nodes == 1 ? "" : "s", r->ranks, r->ranks == 1 ? "" : "s", r->threads,
           r->threads == 1 ? "" : "s", (long long)table->bands, (long long)table->band_rows,
           table->band_rows == 1 ? "" : "s");
    printf("  %-9s %12s %10s %9s %10s %12s\n", "strategy", "seconds", "efficiency", "imbalance",
           "messages", "memory/rank");
    for (int i = 0; hm_strategies[i]->name; ++i) {
        const plan_outcome_t *o = &table->outcome[i];
        printf("%c %-9s %12.4f %10.3f %9.4f %10lld %12s\n", i == table->best ? '*' : ' ',
               hm_strategies[i]->name, o->seconds, o->efficiency, o->run.imbalance,
               (long long)o->run.messages, bytes(o->memory_bytes, text));
    }
    printf("\nsubmit %s\n", commands->submit);
    if (commands->sbatch) {
        printf("slurm %s\n", commands->sbatch);
    }
    if (commands->qsub) {
        printf("pbs %s\n", commands->qsub);
    }
    if (commands->problem[0]) {
        hm_log(&plan->context->log, HM_WARN, "%s", commands->problem);
    }
}

static json_t *strategies_json(const plan_table_t *table) {
    json_t *list = json_array();
    for (int i = 0; hm_strategies[i]->name; ++i) {
        const plan_outcome_t *o = &table->outcome[i];
        json_array_append_new(
            list, json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:f}", "name",
                            hm_strategies[i]->name, "seconds", o->seconds, "efficiency",
                            o->efficiency, "imbalance", o->run.imbalance, "busy", o->run.busy,
                            "busy_most", o->run.busy_most, "writing", o->run.writing, "messages",
                            (json_int_t)o->run.messages, "memory_bytes", o->memory_bytes));
    }
    return list;
}

static json_t *machine_json(const plan_machine_t *m) {
    return json_pack(
        "{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:i, s:i, s:I, "
        "s:b, "
        "s:b, s:b, "
        "s:b, s:b, s:b, s:b, s:b}",
        "giter_per_second", 1e-9 / m->update, "point_ns", m->point * 1e9, "band_us",
        m->costs.band * 1e6, "byte_ns", m->costs.byte * 1e9, "latency_us", m->costs.latency * 1e6,
        "node_latency_us", m->costs.node_latency * 1e6, "bandwidth_gb_per_second",
        m->costs.bandwidth * 1e-9, "finish_seconds", m->finish, "flush_ns", m->flush * 1e9,
        "round_us", m->costs.round * 1e6, "transfer_ns", m->costs.transfer * 1e9, "answer_us",
        m->costs.answer * 1e6, "poll_us", m->costs.poll * 1e6, "fork_us", m->fork * 1e6,
        "measuring_ranks", m->measuring, "processors", m->processors, "measured_bands",
        (json_int_t)m->measured, "speed_measured", (int)m->speed_measured, "band_measured",
        (int)m->band_measured, "latency_measured", (int)m->latency_measured,
        "node_latency_measured", (int)m->node_latency_measured, "flush_measured",
        (int)m->flush_measured, "round_measured", (int)m->round_measured, "transfer_measured",
        (int)m->transfer_measured, "answer_measured", (int)m->answer_measured);
}

hm_status_t plan_print_json(const plan_t *plan, const plan_table_t *table,
                            const plan_commands_t *commands, hm_error_t *err) {
    const plan_work_t *work = &plan->work;
    const plan_request_t *r = &table->request;
    json_t *root =
        json_pack("{s:s, s:s, s:[I,I], s:I, s:o, s:f, s:f, s:I, s:o, s:f, s:f, "
                  "s:{s:i, s:i, s:i, s:I, s:I}, s:b, s:o, s:s, s:{s:s, s:o, s:o, s:o}}",
                  "version", hm_version(), "revision", hm_revision(), "grid",
                  (json_int_t)work->view.grid.width, (json_int_t)work->view.grid.height, "max_iter",
                  (json_int_t)work->view.formula.max_iter, "file", output_json_text(work->file),
                  "updates", work->all_updates, "core_seconds", core_seconds(plan), "file_bytes",
                  (json_int_t)work->file_bytes, "machine", machine_json(&plan->machine),
                  "target_seconds", plan->settings.within, "target_efficiency",
                  plan->settings.efficiency, "request", "nodes", r->nodes, "ranks", r->ranks,
                  "threads", r->threads, "band_rows", (json_int_t)table->band_rows, "bands",
                  (json_int_t)table->bands, "foreseen", (int)table->foreseen, "strategies",
                  strategies_json(table), "best", hm_strategies[table->best]->name, "commands",
                  "time", commands->time, "submit", output_json_text(commands->submit), "sbatch",
                  output_json_text(commands->sbatch), "qsub", output_json_text(commands->qsub));
    if (!root) {
        return hm_error_set(err, HM_EMISSING, "out of memory for the figures");
    }
    json_dumpf(root, stdout, JSON_INDENT(2));
    printf("\n");
    json_decref(root);
    return HM_OK;
}
