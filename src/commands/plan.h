/* The parts of the plan command: what there is to do, what the machine is like, who would do it how
 * fast, and what to ask the scheduler for. */
#ifndef HM_PLAN_H
#define HM_PLAN_H

#include <jansson.h>

#include "hm_simulate.h"
#include "render.h"

/** What the options fill in; those of render come first, with its offsets. */
typedef struct plan_settings_t {
    render_settings_t render;
    int64_t nodes, ranks_per_node, ranks, cores, most_nodes;
    double efficiency, within;
    double speed, point_cost, band_cost, byte_cost, flush_cost, round_cost;
    double latency, node_latency, transfer_cost, answer_cost, bandwidth;
    double measure;
    int64_t samples;
    bool json;
} plan_settings_t;

/** What there is to do. */
typedef struct plan_work_t {
    render_settings_t settings; /* the view's, and how to run it */
    render_plan_t view;
    const char *file;   /* the data set that the costs are known from; NULL: they were sampled */
    double *updates;    /* [height] of a row, as in /rows/work: 0 where it comes with its twin */
    double all_updates; /* their sum */
    int64_t sampled_rows, sampled_columns;
    int64_t file_bytes; /* of the finished file */
} plan_work_t;

/** What the machine is like. */
typedef struct plan_machine_t {
    hm_machine_t costs;
    double update, point; /* seconds, on one core */
    double fork;          /* seconds that handing a band to threads takes */
    double finish;        /* seconds that closing the file takes, and asking for the disk */
    double flush;         /* seconds of a node for each byte that it forces to the disk */
    double base_bytes;    /* of a rank that has done nothing yet */
    int measuring;        /* ranks that measured at the same time; 0: all was given */
    int processors;       /* that a node's ranks kept busy meanwhile */
    int64_t measured;     /* bands that were measured */
    bool speed_measured, band_measured, flush_measured, round_measured;
    bool latency_measured, node_latency_measured, transfer_measured, answer_measured;
} plan_machine_t;

/** On what it is to be run. */
typedef struct plan_request_t {
    int nodes;
    int ranks; /* in all */
    int threads;
} plan_request_t;

/** One strategy's prediction. */
typedef struct plan_outcome_t {
    double seconds;      /* from the first band to the closed file */
    double efficiency;   /* seconds of computing on one core / (cores x seconds) */
    double memory_bytes; /* of a rank */
    hm_simulated_t run;
} plan_outcome_t;

enum { PLAN_MOST_STRATEGIES = 32 };

typedef struct plan_table_t {
    plan_request_t request;
    int64_t band_rows, bands;
    bool foreseen; /* `predict` was given its own forecast, not the costs themselves */
    int best;      /* the fastest of those to choose from */
    plan_outcome_t outcome[PLAN_MOST_STRATEGIES]; /* as in hm_strategies */
} plan_table_t;

/** What the command holds. */
typedef struct plan_t {
    hm_context_t *context;
    plan_settings_t settings;
    hm_values_t values;      /* of the command line */
    hm_values_t file_values; /* of the data set's configuration */
    plan_work_t work;
    plan_machine_t machine;
    int chosen; /* the strategy that was asked for, in hm_strategies; -1: any */
} plan_t;

/** Fills plan->work from the command line, or from `file`. Collective; the status is common. */
hm_status_t plan_work_make(plan_t *plan, const char *file);
void plan_work_free(plan_work_t *work);

/** Seconds that a row takes one core, by its updates. */
static inline double plan_row_seconds(const plan_t *plan, int64_t row) {
    if (hm_mirror_is_twin(&plan->work.view.mirror, row)) {
        return 0;
    }
    return plan->machine.update * plan->work.updates[row] +
           plan->machine.point * (double)plan->work.view.grid.width;
}

/** The request that the options describe, without looking for another one. HM_EUSAGE. */
hm_status_t plan_request_make(const plan_t *plan, plan_request_t *request, hm_error_t *err);

/** Processors of a node: as given, or of this one. */
int64_t plan_cores(const plan_t *plan);

/** The way of the bands to the file. */
hm_delivery_t plan_delivery(const plan_t *plan);

/** Fills plan->machine: what was not given is measured, on all ranks at once, as a node's ranks
 * would compute and write for `request`. Collective; the status is common. */
hm_status_t plan_measure(plan_t *plan, const plan_request_t *request);

/** The part of it that is messages: of bands of so many bytes, too. Collective; common. */
hm_status_t plan_measure_messages(plan_t *plan, int64_t band_bytes);

/** Seconds from the last band to the closed file, of a run of `seconds`. */
double plan_finish(const plan_t *plan, int nodes, double seconds);

/** Simulates every strategy on a request; the ranks share the strategies. With a forecast the view
 * is probed as `predict` does, where that takes no more than seconds. Collective; the status is
 * common. */
hm_status_t plan_simulate(const plan_t *plan, const plan_request_t *request, bool with_forecast,
                          plan_table_t *table);

/** The cheapest request that reaches the targets; nodes as `request` describes them. HM_EUSAGE:
 * there is none; says what is possible. Collective; the status is common. */
hm_status_t plan_search(const plan_t *plan, plan_request_t *request);

/** What to type. */
typedef struct plan_commands_t {
    char *submit;      /* jobs/submit ... -- ...; owned */
    char *sbatch;      /* owned; NULL: jobs/submit is not here, or refuses */
    char *qsub;        /* owned; NULL likewise */
    char time[16];     /* the time limit that they ask for */
    char problem[256]; /* why lines are missing; "" */
} plan_commands_t;

/** The lines for the table's best strategy; rank 0. HM_EMISSING: out of memory. */
hm_status_t plan_commands_make(const plan_t *plan, const plan_table_t *table,
                               plan_commands_t *commands, hm_error_t *err);
void plan_commands_free(plan_commands_t *commands);

/** Seconds as schedulers write them: [D-]HH:MM:SS. */
void plan_time(double seconds, char *text, size_t size);

/** Prints what was found, as text or as JSON; rank 0. HM_EMISSING: out of memory. */
void plan_print(const plan_t *plan, const plan_table_t *table, const plan_commands_t *commands);
hm_status_t plan_print_json(const plan_t *plan, const plan_table_t *table,
                            const plan_commands_t *commands, hm_error_t *err);

#endif
