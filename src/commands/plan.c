/* plan: what a run would take, on machines that need not be here, and what to ask a scheduler for.
 */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "hm_text.h"

static const char *const about =
    "Predicts time, efficiency and memory of a render for every strategy, and prints the job's\n"
    "request. The view is sampled, all ranks sharing the work; or a complete FILE of it says what\n"
    "each row costs. Speed, the costs of writing, and messages are measured now, on the ranks "
    "that\n"
    "mpirun starts and as many processors as a node of the request keeps busy; what is given is "
    "not.\n"
    "Every strategy is then simulated, rank by rank, on nodes that are all ours, with the way to "
    "the\n"
    "file that --io says. At the end what was written in the last 30 s is forced to the disk.\n\n"
    "With --within the fewest nodes are found that are fast enough; with --efficiency alone the\n"
    "most that are still used so well; with both the fewest that are both.\n\n"
    "The options of render below say what is to be computed, and how: a configuration made for\n"
    "render is taken as it is. --threads is what the ranks of the request have.\n"
    "The image may have 67108864 rows.";

#define OPTION(name, kind, member, ...)                                                       \
    {                                                                                         \
        .key = (name), .type = HM_OPTION_##kind, .offset = offsetof(plan_settings_t, member), \
        .not_in_echo = true, __VA_ARGS__                                                      \
    }

static hm_status_t check_share(const char *text, hm_error_t *err);
static hm_status_t check_positive(const char *text, hm_error_t *err);
static hm_status_t check_time(const char *text, hm_error_t *err);
static hm_status_t check_cost(const char *text, hm_error_t *err);

static const hm_option_t own_options[] = {
    OPTION("nodes", INT, nodes, .fallback = "1", .value = "N", .low = 1, .high = 100000,
           .group = "Request", .help = "nodes"),
    OPTION("ranks-per-node", INT, ranks_per_node, .value = "N", .low = 1, .high = 10000,
           .group = "Request", .help = "ranks on each; as many as its cores and the threads allow"),
    OPTION("ranks", INT, ranks, .value = "N", .low = 1, .high = 10000000, .group = "Request",
           .excludes = "ranks-per-node", .help = "ranks in all, instead"),
    OPTION("cores", INT, cores, .value = "N", .low = 1, .high = 10000, .group = "Request",
           .help = "cores of a node; those of this one"),
    OPTION("within", SECONDS, within, .value = "TIME", .check = check_time, .group = "Targets",
           .excludes = "nodes,ranks",
           .help = "find the fewest nodes that take no longer (90, 1.5m, 2h, HH:MM:SS)"),
    OPTION("efficiency", REAL, efficiency, .value = "SHARE", .check = check_share,
           .group = "Targets", .excludes = "nodes,ranks",
           .help = "find the most nodes of which at least this share is put to use: time of one "
                   "core / (cores x time); 0 to 1"),
    OPTION("most-nodes", INT, most_nodes, .fallback = "1024", .value = "N", .low = 1,
           .high = 100000, .group = "Targets", .help = "nodes that there are"),
    OPTION("speed", REAL, speed, .value = "GITER", .check = check_positive, .group = "Machine",
           .help = "10^9 updates a second on a core, instead of measuring it"),
    OPTION("point-cost", REAL, point_cost, .value = "NS", .check = check_cost, .group = "Machine",
           .help = "ns that a point takes beside its updates; with --speed, as long as 20 of them"),
    OPTION("band-cost", REAL, band_cost, .value = "US", .check = check_cost, .group = "Machine",
           .help = "us that handing out and writing a band takes, whatever its size"),
    OPTION("byte-cost", REAL, byte_cost, .value = "NS", .check = check_cost, .group = "Machine",
           .help = "ns that writing a byte takes a rank"),
    OPTION("flush-cost", REAL, flush_cost, .value = "NS", .check = check_cost, .group = "Machine",
           .help = "ns that forcing a byte to the disk takes a node, before the file is complete"),
    OPTION("round-cost", REAL, round_cost, .value = "US", .check = check_cost, .group = "Machine",
           .help = "us that writing together takes all ranks, whatever there is to write; for --io "
                   "collective"),
    OPTION("latency", REAL, latency, .value = "US", .check = check_cost, .group = "Machine",
           .help = "us that a message takes between nodes; measured where there are several, else "
                   "2"),
    OPTION("node-latency", REAL, node_latency, .value = "US", .check = check_cost,
           .group = "Machine",
           .help = "us within a node; measured where there are several ranks, else 1"),
    OPTION("transfer-cost", REAL, transfer_cost, .value = "NS", .check = check_cost,
           .group = "Machine",
           .help =
               "ns that a byte of a message takes; measured where there are several ranks, else "
               "0.1"),
    OPTION("answer-cost", REAL, answer_cost, .value = "US", .check = check_cost, .group = "Machine",
           .help = "us that answering a question takes, beside its way; measured where there are "
                   "several ranks, else 1"),
    OPTION("bandwidth", REAL, bandwidth, .value = "GB/S", .check = check_positive,
           .group = "Machine",
           .help = "10^9 bytes a second that the file system takes from all ranks together; no "
                   "limit"),
    OPTION("measure", SECONDS, measure, .fallback = "1", .value = "SECONDS", .group = "Machine",
           .help = "about how long to measure"),
    OPTION("samples", INT, samples, .fallback = "1048576", .value = "N", .low = 1,
           .high = 1000000000, .group = "Machine", .help = "points that stand for the view"),
    OPTION("json", FLAG, json, .group = "Prediction", .help = "as JSON")};

static hm_status_t check_share(const char *text, hm_error_t *err) {
    double value = 0;
    hm_status_t status = hm_text_real(text, &value, err);
    if (status == HM_OK && !(value > 0 && value <= 1)) {
        status = hm_error_set(err, HM_EUSAGE, "must be above 0 and at most 1, not '%s'", text);
    }
    return status;
}

static hm_status_t check_positive(const char *text, hm_error_t *err) {
    double value = 0;
    hm_status_t status = hm_text_real(text, &value, err);
    if (status == HM_OK && !(value >= 1e-9 && value <= 1e9)) {
        status = hm_error_set(err, HM_EUSAGE, "must lie between 1e-9 and 1e9, not '%s'", text);
    }
    return status;
}

static hm_status_t check_cost(const char *text, hm_error_t *err) {
    double value = 0;
    hm_status_t status = hm_text_real(text, &value, err);
    if (status == HM_OK && !(value >= 0 && value <= 1e9)) {
        status = hm_error_set(err, HM_EUSAGE, "must lie between 0 and 1e9, not '%s'", text);
    }
    return status;
}

static hm_status_t check_time(const char *text, hm_error_t *err) {
    double value = 0;
    hm_status_t status = hm_text_seconds(text, &value, err);
    if (status == HM_OK && !(value > 0)) {
        status = hm_error_set(err, HM_EUSAGE, "must be above 0, not '%s'", text);
    }
    return status;
}

/* plan's options and all of render's, malloc'ed. NULL: out of memory. */
static hm_option_t *make_table(void) {
    const size_t own = sizeof own_options / sizeof *own_options;
    size_t others = 0;
    while (render_options[others].key) {
        ++others;
    }
    hm_option_t *table = calloc(own + others + 1, sizeof *table);
    if (table) {
        memcpy(table, own_options, sizeof own_options);
        memcpy(table + own, render_options, others * sizeof *table);
    }
    return table;
}

/* The number of the strategy that was asked for. */
static hm_status_t choose(plan_t *plan, hm_error_t *err) {
    const char *name = plan->work.settings.strategy;
    plan->chosen = -1;
    for (int i = 0; strcmp(name, "auto") != 0 && hm_strategies[i]->name; ++i) {
        plan->chosen = strcmp(hm_strategies[i]->name, name) == 0 ? i : plan->chosen;
    }
    if (plan->chosen < 0 && strcmp(name, "auto") != 0) {
        return hm_error_set(err, HM_EBUG, "no model of strategy %s", name);
    }
    return HM_OK;
}

static hm_status_t print(const plan_t *plan, const plan_table_t *table, hm_error_t *err) {
    plan_commands_t commands = {.submit = NULL};
    hm_status_t status = HM_OK;
    HM_TRY(plan_commands_make(plan, table, &commands, err));
    if (plan->settings.json) {
        HM_TRY(plan_print_json(plan, table, &commands, err));
    } else {
        plan_print(plan, table, &commands);
    }
cleanup:
    plan_commands_free(&commands);
    return status;
}

static hm_status_t predict(plan_t *plan, const char *file) {
    hm_context_t *context = plan->context;
    hm_error_t err = HM_ERROR_NONE;
    hm_status_t status = HM_OK;
    plan_request_t request;
    plan_table_t *table = NULL;
    HM_TRY(plan_work_make(plan, file));
    HM_TRY(hm_meet(context, choose(plan, &err), &err));
    HM_TRY(hm_meet(context, plan_request_make(plan, &request, &err), &err));
    HM_TRY(plan_measure(plan, &request));
    if (plan->settings.within > 0 || plan->settings.efficiency > 0) {
        HM_TRY(plan_search(plan, &request));
    }
    table = calloc(1, sizeof *table);
    status = table ? HM_OK : hm_error_set(&err, HM_EMISSING, "out of memory");
    HM_TRY(hm_meet(context, status, &err));
    HM_TRY(plan_simulate(plan, &request, true, table));
    status = context->cluster->rank == 0 ? print(plan, table, &err) : HM_OK;
    HM_TRY(hm_meet(context, status, &err));
cleanup:
    free(table);
    return status;
}

static hm_status_t run(hm_context_t *context, int argc, char **argv) {
    hm_error_t err = HM_ERROR_NONE;
    plan_t plan = {.context = context};
    bool helped = false;
    hm_option_t *table = make_table();
    hm_status_t status = table ? HM_OK : hm_error_set(&err, HM_EMISSING, "out of memory");
    HM_TRY(hm_meet(context, status, &err));
    HM_TRY(hm_command_options(context, &hm_command_plan, about, table, true, 1, argc, argv,
                              &plan.settings, &plan.values, &helped));
    if (!helped && plan.settings.render.strategy &&
        strcmp(plan.settings.render.strategy, "help") == 0) {
        if (context->cluster->rank == 0) {
            hm_strategy_help(stdout);
        }
    } else if (!helped) {
        context->log.level = plan.settings.render.quiet ? HM_QUIET : HM_INFO;
        status =
            predict(&plan, plan.values.positional_count > 0 ? plan.values.positional[0] : NULL);
    }
    plan_work_free(&plan.work);
    hm_options_free(&plan.file_values);
    hm_options_free(&plan.values);
cleanup:
    free(table);
    return status;
}

const hm_command_t hm_command_plan = {
    .name = "plan",
    .arguments = "[FILE]",
    .what = "predicts what a run takes, and says what to ask a scheduler for",
    .run = run,
};
