/*
 * What messages take: sent to and fro between rank 0 and another rank, on its node and on another
 * one; small ones, ones as large as a band, and draws from a counter that lies with rank 0.
 */
#include <math.h>
#include <stdlib.h>

#include "hm_clock.h"
#include "hm_sample.h"
#include "hm_together.h"
#include "plan.h"

/* What is taken for granted where it cannot be measured. A message between nodes: a few hundred
 * nanoseconds to some microseconds on today's networks. */
static const double LATENCY = 2e-6;
static const double NODE_LATENCY = 1e-6;
static const double TRANSFER = 1e-10;
static const double ANSWER = 1e-6;

enum { WARM = 20, ROUNDS = 200, LARGE_ROUNDS = 10, LARGE = 4 << 20, TAG = 1 };

/* Rank 0 and one other. */
typedef struct pair_t {
    MPI_Comm comm; /* of the two; MPI_COMM_NULL on the others */
    bool first;    /* this is rank 0 */
} pair_t;

/* Half of a way to and fro of so many bytes, the median of `rounds`. */
static hm_status_t ping(const pair_t *pair, char *buffer, int bytes, int rounds, double *seconds,
                        hm_error_t *err) {
    hm_status_t status = HM_OK;
    double took[ROUNDS];
    const int peer = pair->first ? 1 : 0;
    for (int i = bytes > 1 ? -2 : -WARM; i < rounds; ++i) {
        const double begin = hm_clock_now();
        if (pair->first) {
            HM_TRY(hm_mpi_check(MPI_Send(buffer, bytes, MPI_BYTE, peer, TAG, pair->comm),
                                "timing a message", err));
        }
        HM_TRY(hm_mpi_check(
            MPI_Recv(buffer, bytes, MPI_BYTE, peer, TAG, pair->comm, MPI_STATUS_IGNORE),
            "timing a message", err));
        if (!pair->first) {
            HM_TRY(hm_mpi_check(MPI_Send(buffer, bytes, MPI_BYTE, peer, TAG, pair->comm),
                                "timing a message", err));
        }
        if (i >= 0) {
            took[i] = (hm_clock_now() - begin) / 2;
        }
    }
    *seconds = hm_spread(took, rounds).median;
cleanup:
    return status;
}

/* Draws from a counter, as `counter` does between nodes, while its holder waits for messages: what
 * one takes, the median, on who draws. */
static hm_status_t draw(const pair_t *pair, double *seconds, hm_error_t *err) {
    hm_status_t status = HM_OK;
    MPI_Win window = MPI_WIN_NULL;
    int64_t *counter = NULL;
    const int64_t one = 1;
    int64_t drawn = 0;
    double took[ROUNDS];
    const MPI_Aint bytes = pair->first ? (MPI_Aint)sizeof *counter : 0;
    HM_TRY(hm_mpi_check(
        MPI_Win_allocate(bytes, (int)sizeof *counter, MPI_INFO_NULL, pair->comm, &counter, &window),
        "timing a draw", err));
    if (pair->first) {
        *counter = 0;
    }
    HM_TRY(hm_mpi_check(MPI_Win_lock_all(MPI_MODE_NOCHECK, window), "timing a draw", err));
    HM_TRY(hm_mpi_check(MPI_Barrier(pair->comm), "timing a draw", err));
    for (int i = pair->first ? ROUNDS : -WARM; i < ROUNDS; ++i) {
        const double begin = hm_clock_now();
        HM_TRY(hm_mpi_check(MPI_Fetch_and_op(&one, &drawn, MPI_INT64_T, 0, 0, MPI_SUM, window),
                            "timing a draw", err));
        HM_TRY(hm_mpi_check(MPI_Win_flush(0, window), "timing a draw", err));
        if (i >= 0) {
            took[i] = hm_clock_now() - begin;
        }
    }
    HM_TRY(hm_mpi_check(MPI_Barrier(pair->comm), "timing a draw", err));
    HM_TRY(hm_mpi_check(MPI_Win_unlock_all(window), "timing a draw", err));
    *seconds = pair->first ? 0 : hm_spread(took, ROUNDS).median;
cleanup:
    if (window != MPI_WIN_NULL) {
        MPI_Win_free(&window);
    }
    return status;
}

/* The first rank on the node of rank 0, or on another one; none: 0. */
static hm_status_t find_peer(const hm_cluster_t *cluster, bool elsewhere, int *peer,
                             hm_error_t *err) {
    const bool is = cluster->rank > 0 && (cluster->node_index != 0) == elsewhere;
    int mine = is ? cluster->rank : INT32_MAX;
    int first = 0;
    hm_status_t status = hm_mpi_check(
        MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, cluster->comm), "finding a peer", err);
    *peer = first == INT32_MAX ? 0 : first;
    return status;
}

/* What a pair found: of a small message, of one of `bytes`, of a draw. */
typedef struct found_t {
    double small, large, draw;
} found_t;

static hm_status_t measure_pair(const pair_t *pair, int bytes, found_t *found, hm_error_t *err) {
    hm_status_t status = HM_OK;
    found_t mine = {.small = 0};
    char *buffer = calloc(1, (size_t)bytes);
    if (!buffer) {
        status = hm_error_set(err, HM_EMISSING, "out of memory for a message of %d bytes", bytes);
    }
    HM_TRY(hm_together(pair->comm, status, err));
    HM_TRY(ping(pair, buffer, 1, ROUNDS, &mine.small, err));
    HM_TRY(ping(pair, buffer, bytes, LARGE_ROUNDS, &mine.large, err));
    HM_TRY(draw(pair, &mine.draw, err));
    *found = mine;
cleanup:
    free(buffer);
    return status;
}

/* Collective; the status is common. *there is false where there is no such pair. */
static hm_status_t measure(const hm_cluster_t *cluster, bool elsewhere, int bytes, bool *there,
                           found_t *found, hm_error_t *err) {
    hm_status_t status = HM_OK;
    int peer = 0;
    bool speaker = false;
    found_t mine = {.small = 0};
    pair_t pair = {.comm = MPI_COMM_NULL, .first = cluster->rank == 0};
    *there = false;
    HM_TRY(find_peer(cluster, elsewhere, &peer, err));
    if (peer == 0 || cluster->oversubscribed) {
        return HM_OK;
    }
    const bool in = cluster->rank == 0 || cluster->rank == peer;
    HM_TRY(hm_mpi_check(
        MPI_Comm_split(cluster->comm, in ? 0 : MPI_UNDEFINED, cluster->rank, &pair.comm),
        "pairing two ranks", err));
    status = in ? measure_pair(&pair, bytes, &mine, err) : HM_OK;
    HM_TRY(hm_agree(cluster, status, err, &speaker));
    /* Both time messages, one of them draws: the longer way, and the draws. */
    double figures[3] = {mine.small, mine.large, mine.draw};
    MPI_Request request = MPI_REQUEST_NULL;
    HM_TRY(hm_mpi_check(
        MPI_Iallreduce(MPI_IN_PLACE, figures, 3, MPI_DOUBLE, MPI_MAX, cluster->comm, &request),
        "telling how long a message takes", err));
    HM_TRY(hm_wait(&request, "telling how long a message takes", err));
    *found = (found_t){figures[0], figures[1], figures[2]};
    *there = true;
cleanup:
    if (pair.comm != MPI_COMM_NULL) {
        MPI_Comm_free(&pair.comm);
    }
    return status;
}

/* A draw goes there and back. What a byte takes is wanted of messages within a node, which bands
 * are; what an answer takes, of those that go farthest. */
static hm_status_t measure_messages(plan_t *plan, int64_t band_bytes, hm_error_t *err) {
    hm_status_t status = HM_OK;
    plan_machine_t *machine = &plan->machine;
    hm_machine_t *costs = &machine->costs;
    const hm_values_t *values = &plan->values;
    const int bytes = band_bytes < 2 ? 2 : band_bytes < LARGE ? (int)band_bytes : LARGE;
    for (int elsewhere = 0; elsewhere < 2; ++elsewhere) {
        found_t found;
        bool there = false;
        HM_TRY(measure(plan->context->cluster, elsewhere, bytes, &there, &found, err));
        if (!there) {
            continue;
        }
        double *latency = elsewhere ? &costs->latency : &costs->node_latency;
        if (!hm_options_given(values, elsewhere ? "latency" : "node-latency")) {
            *latency = found.small;
            *(elsewhere ? &machine->latency_measured : &machine->node_latency_measured) = true;
        }
        if (!hm_options_given(values, "transfer-cost") && !machine->transfer_measured) {
            costs->transfer = fmax(0, found.large - found.small) / (bytes - 1);
            machine->transfer_measured = true;
        }
        if (!hm_options_given(values, "answer-cost")) {
            costs->answer = fmax(0, found.draw - 2 * found.small);
            machine->answer_measured = true;
        }
    }
cleanup:
    return status;
}

hm_status_t plan_measure_messages(plan_t *plan, int64_t band_bytes) {
    static const char *const keys[] = {"latency", "node-latency", "transfer-cost", "answer-cost"};
    const plan_settings_t *s = &plan->settings;
    const hm_values_t *values = &plan->values;
    hm_machine_t *costs = &plan->machine.costs;
    hm_error_t err = HM_ERROR_NONE;
    int given = 0;
    const double mega = 1e-6;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; ++i) {
        given += hm_options_given(values, keys[i]);
    }
    costs->latency = hm_options_given(values, keys[0]) ? s->latency * mega : LATENCY;
    costs->node_latency = hm_options_given(values, keys[1]) ? s->node_latency * mega : NODE_LATENCY;
    costs->transfer = hm_options_given(values, keys[2]) ? s->transfer_cost * 1e-9 : TRANSFER;
    costs->answer = hm_options_given(values, keys[3]) ? s->answer_cost * mega : ANSWER;
    return given == (int)(sizeof keys / sizeof *keys)
               ? HM_OK
               : hm_meet(plan->context, measure_messages(plan, band_bytes, &err), &err);
}
