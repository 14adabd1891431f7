/** @file simulate.c The table of models, and what all of them share. */
#include "simulate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const sim_model_t *const models[] = {&sim_block,   &sim_cyclic, &sim_pipeline, &sim_pool,
                                            &sim_counter, &sim_hier,   &sim_predict,  NULL};

static hm_status_t find_model(const char *strategy, const sim_model_t **model, hm_error_t *err) {
    char known[256] = "";
    for (int i = 0; models[i] != NULL; ++i) {
        if (strcmp(models[i]->strategy, strategy) == 0) {
            *model = models[i];
            return HM_OK;
        }
        strncat(known, i > 0 ? ", " : "", sizeof known - strlen(known) - 1);
        strncat(known, models[i]->strategy, sizeof known - strlen(known) - 1);
    }
    return hm_error_set(err, HM_EUSAGE, "there is no model of strategy \"%s\"; there are %s",
                        strategy, known);
}

/* --- what a rank does ----------------------------------------------------------------------------
 */

void sim_push(sim_t *sim, double time, int rank, sim_kind_t kind) {
    if (sim->status == HM_OK) {
        sim->status = sim_queue_push(&sim->queue, time, rank, kind, sim->err);
    }
}

void sim_compute(sim_t *sim, int rank, int64_t band, double now) {
    sim_rank_t *r = &sim->rank[rank];
    const double seconds = sim->plan->seconds[band];
    r->doing = SIM_COMPUTING;
    r->start = now;
    r->end = now + seconds;
    r->busy += seconds;
    r->work += sim->plan->work != NULL ? sim->plan->work[band] : seconds;
    sim_push(sim, r->end, rank, SIM_COMPUTED);
}

double sim_attends(const sim_t *sim, int rank, double now) {
    const sim_rank_t *r = &sim->rank[rank];
    const double poll = sim->plan->machine.poll;
    if (r->doing == SIM_IDLE || now >= r->end) {
        return now;
    }
    if (r->doing == SIM_WRITING) {
        return r->end;
    }
    const double look = poll > 0 ? r->start + ceil((now - r->start) / poll) * poll : now;
    return look < r->end ? look : r->end;
}

void sim_delay(sim_t *sim, int rank, double seconds) {
    sim_rank_t *r = &sim->rank[rank];
    if (r->doing == SIM_COMPUTING) {
        r->end += seconds; /* its event finds that it is too early */
    } else if (r->doing == SIM_WRITING) {
        r->kept += seconds;
    }
}

void sim_interrupt(sim_t *sim, int rank, double seconds) {
    sim_rank_t *r = &sim->rank[rank];
    r->end += r->doing == SIM_COMPUTING ? seconds : 0;
}

void sim_end(sim_t *sim, double now) {
    sim->ended = now > sim->ended ? now : sim->ended;
}

int sim_node_first(const hm_simulation_t *plan, int node) {
    return (int)hm_part_start(plan->ranks, node, plan->nodes);
}

/* --- messages ------------------------------------------------------------------------------------
 */

double sim_latency(const sim_t *sim, int rank) {
    const hm_machine_t *machine = &sim->plan->machine;
    return sim->rank[rank].node == 0 ? machine->node_latency : machine->latency;
}

double sim_tree(const hm_simulation_t *plan) {
    const double latency = plan->nodes > 1 ? plan->machine.latency : plan->machine.node_latency;
    return plan->ranks > 1 ? ceil(log2(plan->ranks)) * latency : 0;
}

void sim_ask(sim_t *sim, int rank, double now, bool at_once) {
    sim_rank_t *r = &sim->rank[rank];
    r->asked = true;
    r->answered = rank == 0 || at_once;
    if (r->answered) {
        r->number = sim->next++;
        r->answer = now;
    } else {
        sim_push(sim, now + sim_latency(sim, rank), rank, SIM_ARRIVED);
    }
}

void sim_answer(sim_t *sim, int rank, double now) {
    sim_rank_t *r = &sim->rank[rank];
    const double looks = sim_attends(sim, 0, now);
    const double begins = looks > sim->attended ? looks : sim->attended;
    sim->attended = begins + sim->plan->machine.answer;
    sim_delay(sim, 0, sim->plan->machine.answer);
    ++sim->messages;
    r->number = sim->next++;
    r->answer = sim->attended + sim_latency(sim, rank);
    r->answered = true;
}

/* --- a run ---------------------------------------------------------------------------------------
 */

void sim_begin_at(sim_t *sim, double time) {
    for (int rank = 0; rank < sim->plan->ranks; ++rank) {
        sim_push(sim, time, rank, SIM_NEXT);
    }
}

static void play(sim_t *sim) {
    sim_event_t event;
    while (sim->status == HM_OK && sim_queue_pop(&sim->queue, &event)) {
        sim_rank_t *r = &sim->rank[event.rank];
        switch (event.kind) {
        case SIM_NEXT:
            if (sim->round > event.time || r->served > event.time) { /* at work for others */
                r->end = fmax(sim->round, r->served);
                sim_push(sim, r->end, event.rank, SIM_NEXT);
            } else if (r->kept > 0) {
                r->end = event.time + r->kept;
                r->kept = 0;
                sim_push(sim, r->end, event.rank, SIM_NEXT);
            } else {
                r->doing = SIM_IDLE;
                sim->model->next(sim, event.rank, event.time);
            }
            break;
        case SIM_COMPUTED:
            if (r->end > event.time) { /* it was kept from computing meanwhile */
                sim_push(sim, r->end, event.rank, SIM_COMPUTED);
            } else if (sim->model->deliver != NULL) {
                sim->model->deliver(sim, event.rank, event.time);
            } else {
                sim_deliver(sim, event.rank, event.time);
            }
            break;
        case SIM_ARRIVED:
            sim->model->arrived(sim, event.rank, event.time);
            break;
        }
    }
}

static hm_simulated_t result_of(sim_t *sim) {
    hm_simulated_t result = {.messages = sim->messages};
    double work = 0;
    for (int rank = 0; rank < sim->plan->ranks; ++rank) {
        const sim_rank_t *r = &sim->rank[rank];
        result.busy += r->busy;
        work += r->work;
        result.busy_most = r->busy > result.busy_most ? r->busy : result.busy_most;
        result.work_most = r->work > result.work_most ? r->work : result.work_most;
    }
    result.imbalance = work > 0 ? result.work_most * sim->plan->ranks / work : 1;
    /* All ranks wait until all are done. */
    result.seconds = sim->ended + 2 * sim_tree(sim->plan);
    if (sim->plan->delivery == HM_DELIVERY_ROUNDS) {
        result.seconds += sim_last_round(sim);
    }
    result.writing = sim->writing;
    return result;
}

static hm_status_t check(const hm_simulation_t *plan, hm_error_t *err) {
    if (plan->ranks < 1 || plan->nodes < 1 || plan->nodes > plan->ranks) {
        return hm_error_set(err, HM_EUSAGE, "%d ranks cannot be on %d nodes", plan->ranks,
                            plan->nodes);
    }
    return HM_OK;
}

hm_status_t hm_simulate(const char *strategy, const hm_simulation_t *simulation,
                        hm_simulated_t *result, hm_error_t *err) {
    hm_status_t status = HM_OK;
    sim_t sim = {.plan = simulation, .err = err};
    HM_TRY(find_model(strategy, &sim.model, err));
    HM_TRY(check(simulation, err));
    sim.rank = calloc((size_t)simulation->ranks, sizeof *sim.rank);
    if (sim.rank == NULL) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for %d ranks", simulation->ranks));
    }
    for (int node = 0; node < simulation->nodes; ++node) {
        const int end = sim_node_first(simulation, node + 1);
        for (int r = sim_node_first(simulation, node); r < end; ++r) {
            sim.rank[r].node = node;
            sim.rank[r].last = -1;
        }
    }
    HM_TRY(sim.model->open(&sim));
    play(&sim);
    HM_TRY(sim.status);
    *result = result_of(&sim);
cleanup:
    free(sim.rank);
    free(sim.queue.event);
    free(sim.own);
    hm_portions_free(&sim.portions);
    return status;
}

hm_status_t hm_simulate_memory(const char *strategy, const hm_simulation_t *simulation,
                               double *bytes, hm_error_t *err) {
    const sim_model_t *model = NULL;
    hm_status_t status = HM_OK;
    HM_TRY(find_model(strategy, &model, err));
    HM_TRY(check(simulation, err));
    *bytes = simulation->band_bytes + sim_delivery_memory(simulation) +
             (model->memory != NULL ? model->memory(simulation) : 0);
cleanup:
    return status;
}
