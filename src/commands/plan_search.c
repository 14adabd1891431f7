/* Requests: the one that the options describe, what every strategy makes of one, and the cheapest
 * that reaches the targets. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hm_cpu.h"
#include "plan.h"

/* --- a request
 * ----------------------------------------------------------------------------------*/

int64_t plan_cores(const plan_t *plan) {
    const hm_cluster_t *cluster = plan->context->cluster;
    const int64_t usable = hm_cpu_usable();
    /* Ranks that are bound see their own processors only. */
    const int64_t here =
        !cluster->oversubscribed && cluster->node_size > usable ? cluster->node_size : usable;
    return plan->settings.cores > 0 ? plan->settings.cores : here;
}

hm_delivery_t plan_delivery(const plan_t *plan) {
    return render_delivery(&plan->work.settings, false); /* every rank has its own processor */
}

double plan_finish(const plan_t *plan, int nodes, double seconds) {
    /* What is older the kernel has written already (vm.dirty_expire_centisecs), or a checkpoint. */
    static const double KERNEL = 30;
    const double checkpoint = plan->work.settings.checkpoint;
    const double recent = checkpoint > 0 && checkpoint < KERNEL ? checkpoint : KERNEL;
    const double share = seconds > recent ? recent / seconds : 1;
    return plan->machine.finish +
           plan->machine.flush * share * (double)plan->work.file_bytes / nodes;
}

hm_status_t plan_request_make(const plan_t *plan, plan_request_t *request, hm_error_t *err) {
    const plan_settings_t *s = &plan->settings;
    const int64_t threads = plan->work.view.threads;
    const int64_t height = plan->work.view.grid.height;
    int64_t per_node = s->ranks_per_node > 0 ? s->ranks_per_node : plan_cores(plan) / threads;
    per_node = per_node > 0 ? per_node : 1;
    const int64_t ranks = s->ranks > 0 ? s->ranks : s->nodes * per_node;
    const int64_t most = (ranks + s->nodes - 1) / s->nodes;
    if (s->ranks > 0 && s->ranks < s->nodes) {
        return hm_error_set(err, HM_EUSAGE, "ranks: %lld cannot be on %lld nodes",
                            (long long)s->ranks, (long long)s->nodes);
    }
    if (s->cores > 0 && most * threads > s->cores) {
        return hm_error_set(err, HM_EUSAGE,
                            "%lld ranks x %lld threads do not fit on the %lld cores of a node",
                            (long long)most, (long long)threads, (long long)s->cores);
    }
    if (ranks > height) {
        return hm_error_set(err, HM_EUSAGE,
                            "%lld ranks, but the image has %lld rows: more ranks than that have "
                            "nothing to do; ask for fewer, or give them threads",
                            (long long)ranks, (long long)height);
    }
    *request =
        (plan_request_t){.nodes = (int)s->nodes, .ranks = (int)ranks, .threads = (int)threads};
    return HM_OK;
}

/* --- what every strategy makes of it
 * ------------------------------------------------------------*/

/* The bands of a request and what they cost. */
typedef struct costs_t {
    hm_bands_t bands;
    double *seconds;  /* [bands.count] on one rank */
    double *updates;  /* [bands.count] */
    double *forecast; /* [bands.count] or NULL */
    double probe;     /* seconds that foreseeing one takes */
} costs_t;

static void costs_free(costs_t *costs) {
    hm_bands_free(&costs->bands);
    free(costs->seconds);
    free(costs->updates);
    free(costs->forecast);
}

static hm_status_t costs_make(const plan_t *plan, const plan_request_t *request, int64_t band_rows,
                              costs_t *costs, hm_error_t *err) {
    hm_status_t status = HM_OK;
    double *row_seconds = NULL;
    const render_plan_t *view = &plan->work.view;
    const int64_t height = view->grid.height;
    HM_TRY(render_bands(view, NULL, band_rows, &costs->bands, err));
    const size_t count = (size_t)costs->bands.count;
    row_seconds = calloc((size_t)(band_rows < height ? band_rows : height), sizeof *row_seconds);
    costs->seconds = calloc(count, sizeof *costs->seconds);
    costs->updates = calloc(count, sizeof *costs->updates);
    if (!row_seconds || !costs->seconds || !costs->updates) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for %zu bands", count));
    }
    for (size_t b = 0; b < count; ++b) {
        const hm_band_t *band = &costs->bands.band[b];
        for (int64_t i = 0; i < band->rows; ++i) {
            row_seconds[i] = plan_row_seconds(plan, band->first + i);
            costs->updates[b] += plan->work.updates[band->first + i];
        }
        costs->seconds[b] = hm_simulate_threads(row_seconds, band->rows, request->threads) +
                            (request->threads > 1 ? plan->machine.fork : 0);
    }
    /* `predict` computes this many points of a band. */
    const double points = (double)(height - view->mirror.pairs) * (double)view->grid.width;
    costs->probe = (plan->machine.update * plan->work.all_updates / points + plan->machine.point) *
                   (double)render_probe_points(view, band_rows);
cleanup:
    free(row_seconds);
    return status;
}

/* The forecast that `predict` would make, each rank a part of it; none where that takes long. */
static hm_status_t foresee(const plan_t *plan, costs_t *costs, hm_error_t *err) {
    enum { MOST_SECONDS = 5 };
    const hm_cluster_t *cluster = plan->context->cluster;
    hm_status_t status = HM_OK;
    bool speaker = false;
    render_job_t job = {.re = NULL};
    const int64_t count = costs->bands.count;
    if (costs->probe * (double)count / cluster->size > MOST_SECONDS || count > INT32_MAX) {
        return HM_OK;
    }
    costs->forecast = calloc((size_t)count, sizeof *costs->forecast);
    status = costs->forecast ? render_job_make(&plan->work.view, cluster, &costs->bands, &job, err)
                             : hm_error_set(err, HM_EMISSING, "out of memory for the forecast");
    if (status == HM_OK) {
        const int64_t first = hm_part_start(count, cluster->rank, cluster->size);
        const int64_t end = hm_part_start(count, cluster->rank + 1, cluster->size);
        status = render_probe(&job, first, end - first, costs->forecast + first, err);
    }
    HM_TRY(hm_agree(cluster, status, err, &speaker));
    MPI_Request send = MPI_REQUEST_NULL;
    HM_TRY(hm_mpi_check(MPI_Iallreduce(MPI_IN_PLACE, costs->forecast, (int)count, MPI_DOUBLE,
                                       MPI_SUM, cluster->comm, &send),
                        "exchanging the forecast", err));
    HM_TRY(hm_wait(&send, "exchanging the forecast", err));
cleanup:
    render_job_free(&job);
    return status;
}

static hm_status_t simulate_one(const plan_t *plan, const plan_table_t *table, const costs_t *costs,
                                const char *strategy, plan_outcome_t *outcome, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const plan_request_t *request = &table->request;
    hm_simulation_t simulation = {.bands = costs->bands.count,
                                  .seconds = costs->seconds,
                                  .work = costs->updates,
                                  .forecast = costs->forecast,
                                  .probe = costs->probe,
                                  .band_bytes =
                                      (double)render_band_bytes(&plan->work.view, table->band_rows),
                                  .ranks = request->ranks,
                                  .nodes = request->nodes,
                                  .portion = (hm_portion_t)plan->work.settings.portion,
                                  .idle_coordinator = plan->work.settings.idle_coordinator,
                                  .delivery = plan_delivery(plan),
                                  .machine = plan->machine.costs};
    if (plan->work.view.mirror.pairs > 0) {
        simulation.machine.band *= 2; /* the twin is written as another one */
    }
    plan_outcome_t o = {.seconds = 0};
    HM_TRY(hm_simulate(strategy, &simulation, &o.run, err));
    HM_TRY(hm_simulate_memory(strategy, &simulation, &o.memory_bytes, err));
    o.memory_bytes += plan->machine.base_bytes +
                      (double)costs->bands.count * (double)sizeof(hm_band_t) +
                      (double)plan->work.view.grid.width * (double)sizeof(double);
    o.seconds = o.run.seconds + plan_finish(plan, request->nodes, o.run.seconds);
    double one_core = 0;
    for (int64_t row = 0; row < plan->work.view.grid.height; ++row) {
        one_core += plan_row_seconds(plan, row);
    }
    o.efficiency = one_core / ((double)request->ranks * request->threads * o.seconds);
    *outcome = o;
cleanup:
    return status;
}

/* All strategies, each simulated by one rank and told to all. */
static hm_status_t simulate_all(const plan_t *plan, const costs_t *costs, plan_table_t *table,
                                hm_error_t *err) {
    const hm_cluster_t *cluster = plan->context->cluster;
    hm_status_t status = HM_OK;
    bool speaker = false;
    for (int i = 0; hm_strategies[i]->name && status == HM_OK; ++i) {
        if (i % cluster->size == cluster->rank) {
            status =
                simulate_one(plan, table, costs, hm_strategies[i]->name, &table->outcome[i], err);
        }
    }
    HM_TRY(hm_agree(cluster, status, err, &speaker));
    for (int i = 0; hm_strategies[i]->name; ++i) {
        MPI_Request request = MPI_REQUEST_NULL;
        HM_TRY(hm_mpi_check(MPI_Ibcast(&table->outcome[i], (int)sizeof table->outcome[i], MPI_BYTE,
                                       i % cluster->size, cluster->comm, &request),
                            "telling a prediction", err));
        HM_TRY(hm_wait(&request, "telling a prediction", err));
    }
    table->best = plan->chosen >= 0 ? plan->chosen : 0;
    for (int i = 0; plan->chosen < 0 && hm_strategies[i]->name; ++i) {
        if (table->outcome[i].seconds < table->outcome[table->best].seconds) {
            table->best = i;
        }
    }
cleanup:
    return status;
}

hm_status_t plan_simulate(const plan_t *plan, const plan_request_t *request, bool with_forecast,
                          plan_table_t *table) {
    hm_error_t err = HM_ERROR_NONE;
    costs_t costs = {.seconds = NULL};
    plan_table_t t = {.request = *request};
    hm_status_t status = render_band_rows(&plan->work.settings, &plan->work.view, request->ranks,
                                          &t.band_rows, &err);
    if (status == HM_OK) {
        status = costs_make(plan, request, t.band_rows, &costs, &err);
    }
    HM_TRY(hm_meet(plan->context, status, &err));
    if (with_forecast) {
        HM_TRY(hm_meet(plan->context, foresee(plan, &costs, &err), &err));
    }
    t.bands = costs.bands.count;
    t.foreseen = costs.forecast != NULL;
    HM_TRY(hm_meet(plan->context, simulate_all(plan, &costs, &t, &err), &err));
    *table = t;
cleanup:
    costs_free(&costs);
    return status;
}

/* --- the cheapest that reaches the targets
 * ------------------------------------------------------*/

typedef struct search_t {
    const plan_t *plan;
    plan_request_t shape; /* of one node */
    int most;             /* nodes */
    plan_table_t table;   /* of the last request tried */
    int reaches;          /* its fastest strategy that reaches the targets; -1: none */
    double fastest;       /* of all tried, and where, and with what */
    int fastest_nodes, fastest_strategy;
    double efficient;
    int efficient_nodes, efficient_strategy;
} search_t;

static bool allowed(const search_t *search, int strategy) {
    return search->plan->chosen < 0 || search->plan->chosen == strategy;
}

static bool is_enough(const search_t *search, const plan_outcome_t *outcome) {
    const plan_settings_t *s = &search->plan->settings;
    return (!(s->within > 0) || outcome->seconds <= s->within) &&
           (!(s->efficiency > 0) || outcome->efficiency >= s->efficiency);
}

static hm_status_t try_nodes(search_t *search, int nodes) {
    plan_request_t request = search->shape;
    request.nodes = nodes;
    request.ranks = search->shape.ranks * nodes;
    hm_status_t status = plan_simulate(search->plan, &request, false, &search->table);
    search->reaches = -1;
    for (int i = 0; status == HM_OK && hm_strategies[i]->name; ++i) {
        const plan_outcome_t *o = &search->table.outcome[i];
        if (!allowed(search, i)) {
            continue;
        }
        if (is_enough(search, o) &&
            (search->reaches < 0 || o->seconds < search->table.outcome[search->reaches].seconds)) {
            search->reaches = i;
        }
        if (o->seconds < search->fastest) {
            search->fastest = o->seconds;
            search->fastest_nodes = nodes;
            search->fastest_strategy = i;
        }
        if (o->efficiency > search->efficient) {
            search->efficient = o->efficiency;
            search->efficient_nodes = nodes;
            search->efficient_strategy = i;
        }
    }
    return status;
}

/* The fewest nodes that are fast enough. From the fewest that could be, if all cores were always
 * busy, in steps of a half; then between the last two. *found is 0 where there is none. */
static hm_status_t fewest(search_t *search, double core_seconds, int *found) {
    const double cores = (double)search->shape.ranks * search->shape.threads;
    const double bound = ceil(core_seconds / (search->plan->settings.within * cores));
    hm_status_t status = HM_OK;
    int nodes = bound < search->most ? (int)bound : search->most;
    int below = 0; /* not enough */
    nodes = nodes > 0 ? nodes : 1;
    for (;;) {
        HM_TRY(try_nodes(search, nodes));
        if (search->reaches >= 0 || nodes == search->most) {
            break;
        }
        below = nodes;
        nodes = nodes + (nodes + 1) / 2 < search->most ? nodes + (nodes + 1) / 2 : search->most;
    }
    int enough = search->reaches >= 0 ? nodes : 0;
    while (enough > 0 && enough - below > 1 && below > 0) {
        const int between = below + (enough - below) / 2;
        HM_TRY(try_nodes(search, between));
        enough = search->reaches >= 0 ? between : enough;
        below = search->reaches >= 0 ? below : between;
    }
    *found = enough;
cleanup:
    return status;
}

/* The most nodes that are used well enough: beyond them it is faster, but not worth it. */
static hm_status_t most_efficient(search_t *search, int *found) {
    hm_status_t status = HM_OK;
    int good = 0;
    int bad = search->most + 1;
    for (int nodes = 1; nodes <= search->most; nodes *= 2) {
        HM_TRY(try_nodes(search, nodes));
        if (search->reaches < 0) {
            bad = nodes;
            break;
        }
        good = nodes;
        if (nodes > search->most / 2) {
            break;
        }
    }
    while (good > 0 && bad - good > 1) {
        const int between = good + (bad - good) / 2;
        HM_TRY(try_nodes(search, between));
        good = search->reaches >= 0 ? between : good;
        bad = search->reaches >= 0 ? bad : between;
    }
    *found = good;
cleanup:
    return status;
}

static hm_status_t impossible(const search_t *search, hm_error_t *err) {
    const plan_settings_t *s = &search->plan->settings;
    char wish[96] = "";
    char within[16];
    char best[16];
    plan_time(s->within, within, sizeof within);
    plan_time(ceil(search->fastest), best, sizeof best);
    if (s->within > 0) {
        snprintf(wish, sizeof wish, "within %s", within);
    }
    if (s->efficiency > 0) {
        snprintf(wish + strlen(wish), sizeof wish - strlen(wish), "%sefficiency %g",
                 wish[0] ? " at " : "", s->efficiency);
    }
    return hm_error_set(
        err, HM_EUSAGE,
        "%s cannot be reached on up to %d node%s of %d ranks x %d threads: the fastest is %s (%.3f "
        "s, %s on %d), the highest efficiency %.3f (%s on %d); see --most-nodes, --cores",
        wish, search->most, search->most == 1 ? "" : "s", search->shape.ranks,
        search->shape.threads, best, search->fastest, hm_strategies[search->fastest_strategy]->name,
        search->fastest_nodes, search->efficient, hm_strategies[search->efficient_strategy]->name,
        search->efficient_nodes);
}

hm_status_t plan_search(const plan_t *plan, plan_request_t *request) {
    hm_error_t err = HM_ERROR_NONE;
    hm_status_t status = HM_OK;
    search_t search = {.plan = plan, .shape = *request, .fastest = HUGE_VAL};
    const int64_t height = plan->work.view.grid.height;
    const int64_t most = height / request->ranks;
    search.most = (int)(plan->settings.most_nodes < most ? plan->settings.most_nodes : most);
    double core_seconds = 0;
    for (int64_t row = 0; row < height; ++row) {
        core_seconds += plan_row_seconds(plan, row);
    }
    int nodes = 0;
    if (plan->settings.within > 0) {
        HM_TRY(fewest(&search, core_seconds, &nodes));
    } else {
        HM_TRY(most_efficient(&search, &nodes));
    }
    if (nodes == 0) {
        HM_TRY(hm_meet(plan->context, impossible(&search, &err), &err));
    }
    request->ranks *= nodes;
    request->nodes = nodes;
cleanup:
    return status;
}
