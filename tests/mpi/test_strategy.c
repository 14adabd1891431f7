/*
 * Every strategy on every number of ranks: each band computed once, delivered once, whole; accounts
 * that add up; failures that end everybody. A run on 8 or more ranks, or on several nodes, tests
 * all the sizes below that are at most as many, on the first ranks.
 */
#include <math.h>

#include "hm_strategy.h"
#include "job.h"

static const int sizes[] = {1, 2, 3, 5, 8, 64};
enum { SIZES = sizeof sizes / sizeof *sizes, FIRST_RANKS_FROM = 8 };

/* Whether sizes below that of the run are worth their time here: each has runs of its own. */
static bool first_ranks_too(int ranks) {
    MPI_Comm node = MPI_COMM_NULL;
    int node_size = 0;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
    MPI_Comm_size(node, &node_size);
    MPI_Comm_free(&node);
    return ranks >= FIRST_RANKS_FROM || node_size < ranks;
}

/* Calls `test` with a cluster of each size that there are ranks for; all of MPI_COMM_WORLD asserts
 * its outcome. */
static void on_all_sizes(bool (*test)(const hm_cluster_t *cluster, const hm_strategy_t *strategy)) {
    int rank = 0;
    int ranks = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    double start = hm_clock_now();
    const bool all_sizes = first_ranks_too(ranks);
    for (int i = 0; i < SIZES && (sizes[i] <= ranks || i == 0); ++i) {
        /* The largest size takes all ranks there are. */
        bool largest = i + 1 == SIZES || sizes[i + 1] > ranks;
        if (!all_sizes && !largest) {
            continue;
        }
        int size = largest ? ranks : sizes[i];
        MPI_Comm comm = MPI_COMM_NULL;
        MPI_Comm_split(MPI_COMM_WORLD, rank < size ? 0 : MPI_UNDEFINED, rank, &comm);
        hm_cluster_t cluster = {.rank = 0};
        hm_error_t err = HM_ERROR_NONE;
        bool takes_part = comm != MPI_COMM_NULL;
        bool opened = !takes_part || hm_cluster_open(comm, &cluster, &err) == HM_OK;
        if (!everywhere(opened)) {
            CU_FAIL_FATAL("cannot open a cluster");
        }
        for (int s = 0; hm_strategies[s]->name != NULL; ++s) {
            bool good = !takes_part || test(&cluster, hm_strategies[s]);
            if (!good) {
                fprintf(stderr, "%s: rank %d of %d\n", hm_strategies[s]->name, rank, size);
            }
            CU_ASSERT(everywhere(good));
        }
        if (takes_part) {
            hm_cluster_close(&cluster);
            MPI_Comm_free(&comm);
        }
    }
    printf("(%.1f s) ", hm_clock_now() - start);
}

static bool run_whole(const hm_cluster_t *cluster, const hm_strategy_t *strategy, int64_t bands,
                      size_t band_bytes, const hm_strategy_options_t *options,
                      double most_seconds) {
    test_job_t t = job_make(cluster, bands, band_bytes);
    t.most_seconds = most_seconds;
    hm_account_t account;
    hm_error_t err = HM_ERROR_NONE;
    hm_status_t status = job_run(&t, strategy, options, &account, &err);
    bool good = status == HM_OK && job_check(&t, true);
    good = job_nothing_left(cluster) && good;
    if (!good) {
        fprintf(stderr, "%s: %lld bands of %zu bytes: %s %s, %d wrong\n", strategy->name,
                (long long)bands, band_bytes, hm_status_name(status), err.text, t.wrong);
    }
    job_free(&t);
    return good;
}

static bool all_bands(const hm_cluster_t *cluster, const hm_strategy_t *strategy) {
    const int64_t bands[] = {0, 1, 2, 7, 100, 1000};
    const hm_strategy_options_t options = {.portion = HM_PORTION_AUTO};
    bool good = true;
    for (size_t i = 0; i < sizeof bands / sizeof *bands; ++i) {
        good = run_whole(cluster, strategy, bands[i], 80, &options, 0) && good;
    }
    return good;
}

static bool random_times(const hm_cluster_t *cluster, const hm_strategy_t *strategy) {
    const hm_strategy_options_t options = {.portion = HM_PORTION_AUTO};
    return run_whole(cluster, strategy, 60, 8, &options, 2e-3);
}

/* Messages below and above what MPI sends ahead of the receiver, and no payload at all. */
static bool band_sizes(const hm_cluster_t *cluster, const hm_strategy_t *strategy) {
    const size_t bytes[] = {0, 8, 4096, 70008, 1 << 20};
    const hm_strategy_options_t options = {.portion = HM_PORTION_AUTO};
    bool good = true;
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; ++i) {
        good = run_whole(cluster, strategy, 20, bytes[i], &options, 1e-4) && good;
    }
    return good;
}

static bool options(const hm_cluster_t *cluster, const hm_strategy_t *strategy) {
    const hm_portion_t portions[] = {HM_PORTION_FIXED, HM_PORTION_GUIDED, HM_PORTION_FACTORING};
    bool good = true;
    for (int i = 0; i < 6; ++i) {
        const hm_strategy_options_t o = {.portion = portions[i % 3], .idle_coordinator = i >= 3};
        good = run_whole(cluster, strategy, 7, 16, &o, 0) && good;
        good = run_whole(cluster, strategy, 333, 16, &o, 0) && good;
    }
    return run_whole(cluster, strategy, 50, 16, NULL, 0) && good;
}

static bool deliveries(const hm_cluster_t *cluster, const hm_strategy_t *strategy) {
    const hm_delivery_t ways[] = {HM_DELIVERY_ROUNDS, HM_DELIVERY_FUNNEL};
    const size_t bytes[] = {8, 70008};
    bool good = true;
    for (int i = 0; i < 4; ++i) {
        const hm_strategy_options_t o = {.delivery = ways[i / 2], .idle_coordinator = i == 1};
        good = run_whole(cluster, strategy, 0, bytes[i % 2], &o, 0) && good;
        good = run_whole(cluster, strategy, 1, bytes[i % 2], &o, 0) && good;
        good = run_whole(cluster, strategy, 50, bytes[i % 2], &o, 1e-3) && good;
        good = run_whole(cluster, strategy, 300, bytes[i % 2], &o, 0) && good;
    }
    /* Bands so large that a round holds one a rank. */
    const hm_strategy_options_t o = {.delivery = HM_DELIVERY_ROUNDS};
    const bool once = strcmp(strategy->name, "cyclic") == 0; /* the memory is the test machine's */
    return (!once || run_whole(cluster, strategy, cluster->size + 1, (size_t)17 << 20, &o, 0)) &&
           good;
}

/* Predicted costs, also useless ones, change who computes a band, not whether. */
static bool costs(const hm_cluster_t *cluster, const hm_strategy_t *strategy) {
    const hm_strategy_options_t o = {.portion = HM_PORTION_FIXED};
    double cost[64];
    bool good = true;
    for (int kind = 0; kind < 4; ++kind) {
        test_job_t t = job_make(cluster, 64, 8);
        for (int i = 0; i < 64; ++i) {
            cost[i] = kind == 0 ? 0 : kind == 1 ? 63 - i : (double)(scramble((uint64_t)i) % 7);
        }
        t.job.cost = cost;
        t.job.probe = kind == 3 ? t.job.probe : NULL;
        hm_account_t account;
        hm_error_t err = HM_ERROR_NONE;
        good = job_run(&t, strategy, &o, &account, &err) == HM_OK && good;
        good = job_check(&t, true) && good;
        job_free(&t);
    }
    return good;
}

/* The four shares add up to the wall time, the bands to all bands, and the trace to the shares. */
static bool accounts_add_up(const hm_cluster_t *cluster, const hm_strategy_t *strategy,
                            double *missing) {
    const int64_t bands = 40;
    test_job_t t = job_make(cluster, bands, 800);
    t.most_seconds = 1e-3;
    hm_trace_t trace;
    hm_trace_init(&trace, 100000);
    const hm_strategy_options_t o = {.trace = &trace};
    hm_account_t account;
    hm_error_t err = HM_ERROR_NONE;
    double start = hm_clock_now();
    bool good = job_run(&t, strategy, &o, &account, &err) == HM_OK;
    double wall = hm_clock_now() - start;
    double sum = 0;
    double traced = 0;
    for (int s = 0; s < HM_STATE_COUNT; ++s) {
        good = good && account.seconds[s] >= 0;
        sum += account.seconds[s];
    }
    int64_t busy_bands = 0;
    double last = trace.count > 0 ? trace.event[0].start : 0;
    for (int64_t i = 0; i < trace.count; ++i) {
        const hm_event_t *e = &trace.event[i];
        good = good && e->start == last && e->end > e->start;
        last = e->end;
        traced += e->end - e->start;
        busy_bands += e->state == HM_STATE_BUSY && e->band >= 0;
    }
    *missing = wall - sum;
    good = good && sum <= wall + 1e-6 && fabs(traced - sum) < 1e-6;
    good = good && busy_bands >= account.bands && trace.dropped == 0;
    int64_t all = 0;
    MPI_Allreduce(&account.bands, &all, 1, MPI_INT64_T, MPI_SUM, cluster->comm);
    good = good && all == bands;
    good = good && account.messages >= 0 && (account.messages > 0 || account.bytes == 0);
    good = job_check(&t, true) && good;
    hm_trace_free(&trace);
    job_free(&t);
    return good;
}

/* Between our look at the clock and the run's own other work may take the processor: so some time
 * may be missing, but not in each of several runs. */
static bool accounts(const hm_cluster_t *cluster, const hm_strategy_t *strategy) {
    double least = HUGE_VAL;
    bool good = true;
    for (int i = 0; i < 20 && good && least > 1e-3; ++i) {
        double missing = HUGE_VAL;
        int everybody = accounts_add_up(cluster, strategy, &missing);
        MPI_Allreduce(MPI_IN_PLACE, &everybody, 1, MPI_INT, MPI_LAND, cluster->comm);
        MPI_Allreduce(MPI_IN_PLACE, &missing, 1, MPI_DOUBLE, MPI_MAX, cluster->comm);
        least = missing < least ? missing : least;
        good = everybody;
    }
    if (least > 1e-3) {
        fprintf(stderr, "%s: %g s are in no account\n", strategy->name, least);
    }
    return good && least <= 1e-3;
}

static bool trace_is_bounded(const hm_cluster_t *cluster, const hm_strategy_t *strategy) {
    test_job_t t = job_make(cluster, 200, 8);
    hm_trace_t trace;
    hm_trace_init(&trace, 3);
    const hm_strategy_options_t o = {.trace = &trace};
    hm_account_t account;
    hm_error_t err = HM_ERROR_NONE;
    bool good = job_run(&t, strategy, &o, &account, &err) == HM_OK;
    good = good && trace.count <= 3 && (account.bands < 3 || trace.dropped > 0);
    good = job_check(&t, true) && good;
    hm_trace_free(&trace);
    job_free(&t);
    return good;
}

/* --- failures
 * -----------------------------------------------------------------------------------*/

/* What a fault must end in: its rank has its status and message, the others HM_STOPPED. */
static bool ends_well(test_job_t *t, const hm_strategy_t *strategy) {
    hm_account_t account;
    hm_error_t err = HM_ERROR_NONE;
    const hm_strategy_options_t o = {.delivery = t->delivery};
    hm_status_t status = job_run(t, strategy, &o, &account, &err);
    int fired = 0;
    MPI_Allreduce(&t->fired, &fired, 1, MPI_INT, MPI_SUM, t->cluster->comm);
    bool good = job_check(t, fired == 0);
    if (fired == 0) {
        good = good && status == HM_OK;
    } else if (t->fault == FAULT_ALARM || t->fault_with == HM_STOPPED) {
        good = good && status == HM_STOPPED;
    } else if (t->fired > 0) {
        good = good && status == t->fault_with && strstr(err.text, "fails at band") != NULL;
    } else {
        good = good && status == HM_STOPPED;
    }
    if (!good) {
        fprintf(stderr, "fault %d at band %lld or rank %d: status %s, fired %d (%d)\n", t->fault,
                (long long)t->fault_band, t->fault_rank, hm_status_name(status), t->fired, fired);
    }
    bool speaker = false;
    hm_status_t agreed = hm_agree(t->cluster, status, &err, &speaker);
    if (fired > 0) {
        good = good && agreed == t->fault_with;
        good = good && (t->fault_with == HM_STOPPED || speaker == (t->fired > 0));
    }
    good = job_nothing_left(t->cluster) && good;
    hm_alarm_reset(t->cluster);
    return good;
}

static bool fault_in(hm_delivery_t delivery, const hm_cluster_t *cluster,
                     const hm_strategy_t *strategy, fault_t what, int64_t bands, int64_t band,
                     int rank, hm_status_t with) {
    test_job_t t = job_make(cluster, bands, 4096);
    t.delivery = delivery;
    t.most_seconds = 1e-4;
    t.fault = what;
    t.fault_band = band;
    t.fault_rank = rank;
    t.fault_with = with;
    bool good = ends_well(&t, strategy);
    job_free(&t);
    return good;
}

static bool fault(const hm_cluster_t *cluster, const hm_strategy_t *strategy, fault_t what,
                  int64_t bands, int64_t band, int rank, hm_status_t with) {
    return fault_in(HM_DELIVERY_DIRECT, cluster, strategy, what, bands, band, rank, with);
}

static bool faults_in_deliveries(const hm_cluster_t *cluster, const hm_strategy_t *strategy) {
    const int64_t bands = 60;
    const fault_t what[] = {FAULT_COMPUTE, FAULT_DELIVER, FAULT_ALARM};
    const hm_delivery_t ways[] = {HM_DELIVERY_ROUNDS, HM_DELIVERY_FUNNEL};
    bool good = true;
    for (int i = 0; i < 6; ++i) {
        const hm_status_t with = what[i / 2] == FAULT_ALARM ? HM_STOPPED : HM_EIO;
        const int64_t where[] = {i, bands - 1, -1};
        for (int w = 0; w < 3; ++w) {
            good = fault_in(ways[i % 2], cluster, strategy, what[i / 2], bands, where[w],
                            i < 3 ? 0 : cluster->size - 1, with) &&
                   good;
        }
    }
    return good;
}

static bool faults(const hm_cluster_t *cluster, const hm_strategy_t *strategy) {
    const int64_t bands = 48;
    const int64_t where[] = {0, bands / 2, bands - 1};
    const fault_t what[] = {FAULT_COMPUTE, FAULT_DELIVER};
    bool good = true;
    for (int w = 0; w < 2; ++w) {
        for (int i = 0; i < 3; ++i) {
            good = fault(cluster, strategy, what[w], bands, where[i], -1, HM_EIO) && good;
        }
        for (int rank = 0; rank < cluster->size; rank += 1 + cluster->size / 8) {
            good = fault(cluster, strategy, what[w], bands, -1, rank, HM_EDATA) && good;
        }
    }
    good = fault(cluster, strategy, FAULT_PROBE, bands, bands / 3, -1, HM_EMISSING) && good;
    good = fault(cluster, strategy, FAULT_PROBE, bands, bands - 1, -1, HM_EMISSING) && good;
    /* And the same cluster is good for another run. */
    return run_whole(cluster, strategy, 20, 64, NULL, 0) && good;
}

/* The others do not go on to the end of a long job: by bands, as time is the test machine's. A band
 * is long, and left as soon as its rank hears of the failure: so however late that comes about on a
 * busy machine, few are computed. */
static bool ends_soon(const hm_cluster_t *cluster, const hm_strategy_t *strategy) {
    const hm_delivery_t ways[] = {HM_DELIVERY_DIRECT, HM_DELIVERY_ROUNDS, HM_DELIVERY_FUNNEL};
    const int64_t bands = 60 * (int64_t)cluster->size;
    bool good = true;
    for (int i = 0; i < 3; ++i) {
        test_job_t t = job_make(cluster, bands, 64);
        t.most_seconds = 3;
        t.fault = i == 0 ? FAULT_ALARM : FAULT_COMPUTE;
        t.fault_rank = cluster->size - 1;
        t.fault_with = i == 0 ? HM_STOPPED : HM_EIO;
        t.delivery = ways[i];
        good = ends_well(&t, strategy) && good;
        int64_t computed = 0;
        for (int64_t b = 0; b < bands; ++b) {
            computed += t.computed[b];
        }
        MPI_Allreduce(MPI_IN_PLACE, &computed, 1, MPI_INT64_T, MPI_SUM, cluster->comm);
        if (computed > bands / 2) {
            fprintf(stderr, "%s: %lld of %lld bands after a failure in the first\n", strategy->name,
                    (long long)computed, (long long)bands);
            good = false;
        }
        job_free(&t);
    }
    return good;
}

static bool stops(const hm_cluster_t *cluster, const hm_strategy_t *strategy) {
    const int64_t bands = 48;
    bool good = true;
    for (int64_t band = 0; band < bands; band += 23) {
        good = fault(cluster, strategy, FAULT_ALARM, bands, band, -1, HM_STOPPED) && good;
        /* A callback may also ask for the end by its status. */
        good = fault(cluster, strategy, FAULT_COMPUTE, bands, band, -1, HM_STOPPED) && good;
        good = fault(cluster, strategy, FAULT_DELIVER, bands, band, -1, HM_STOPPED) && good;
    }
    return good;
}

/* Who comes to a run that has been stopped already does nothing, but for what it begins until it
 * hears of it. */
static bool stopped_before(const hm_cluster_t *cluster, const hm_strategy_t *strategy) {
    if (cluster->rank == cluster->size - 1) {
        hm_alarm_raise(cluster, HM_STOPPED);
    }
    test_job_t t = job_make(cluster, 100, 8);
    t.most_seconds = 3; /* that is heard of long before a band's end */
    hm_account_t account;
    bool good = job_run(&t, strategy, NULL, &account, NULL) == HM_STOPPED;
    int done[2] = {0, 0};
    for (int64_t band = 0; band < t.job.bands; ++band) {
        done[0] += t.computed[band];
    }
    MPI_Allreduce(&done[0], &done[1], 1, MPI_INT, MPI_SUM, cluster->comm);
    good = good && done[1] < (cluster->size == 1 ? 1 : t.job.bands);
    good = job_check(&t, false) && good;
    good = job_nothing_left(cluster) && good;
    hm_alarm_reset(cluster);
    job_free(&t);
    return good;
}

/* Everybody fails at once: each reports its own, nobody hangs. */
static bool all_fail(const hm_cluster_t *cluster, const hm_strategy_t *strategy) {
    test_job_t t = job_make(cluster, 200, 8);
    t.fault = FAULT_COMPUTE;
    t.fault_rank = cluster->rank;
    t.fault_with = HM_EIO;
    hm_account_t account;
    hm_error_t err = HM_ERROR_NONE;
    hm_status_t status = job_run(&t, strategy, NULL, &account, &err);
    bool good = status == (t.fired > 0 ? HM_EIO : HM_STOPPED);
    good = job_nothing_left(cluster) && good;
    hm_alarm_reset(cluster);
    job_free(&t);
    return good;
}

/* --- cases
 * --------------------------------------------------------------------------------------*/

static void test_all_bands(void) {
    on_all_sizes(all_bands);
}
static void test_random_times(void) {
    on_all_sizes(random_times);
}
static void test_band_sizes(void) {
    on_all_sizes(band_sizes);
}
static void test_options(void) {
    on_all_sizes(options);
}
static void test_costs(void) {
    on_all_sizes(costs);
}
static void test_deliveries(void) {
    on_all_sizes(deliveries);
}
static void test_faults_in_deliveries(void) {
    on_all_sizes(faults_in_deliveries);
}
static void test_accounts(void) {
    on_all_sizes(accounts);
}
static void test_trace_is_bounded(void) {
    on_all_sizes(trace_is_bounded);
}
static void test_faults(void) {
    on_all_sizes(faults);
}
static void test_ends_soon(void) {
    on_all_sizes(ends_soon);
}
static void test_stops(void) {
    on_all_sizes(stops);
}
static void test_stopped_before(void) {
    on_all_sizes(stopped_before);
}
static void test_all_fail(void) {
    on_all_sizes(all_fail);
}

static void test_find(void) {
    hm_cluster_t cluster = {.nodes = 1};
    const hm_strategy_t *found = NULL;
    hm_error_t err = HM_ERROR_NONE;
    for (int s = 0; hm_strategies[s]->name != NULL; ++s) {
        CU_ASSERT(hm_strategy_find(hm_strategies[s]->name, &cluster, &found, &err) == HM_OK);
        CU_ASSERT_PTR_EQUAL(found, hm_strategies[s]);
    }
    CU_ASSERT(hm_strategy_find("auto", &cluster, &found, &err) == HM_OK);
    CU_ASSERT_STRING_EQUAL(found->name, "counter");
    CU_ASSERT(hm_strategy_find("Counter", &cluster, &found, &err) == HM_EUSAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "\"Counter\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "pipeline"));
    CU_ASSERT_STRING_EQUAL(found->name, "counter"); /* untouched */
}

int main(int argc, char **argv) {
    static const hm_case_t cases[] = {
        {"found by name", test_find},
        {"every band computed once and delivered once", test_all_bands},
        {"bands that take different times", test_random_times},
        {"small and large bands arrive whole", test_band_sizes},
        {"portions and idle coordinator", test_options},
        {"predicted costs", test_costs},
        {"in rounds and through node leaders", test_deliveries},
        {"accounts add up, so does the trace", test_accounts},
        {"the trace is bounded", test_trace_is_bounded},
        {"a failure anywhere ends everybody", test_faults},
        {"failures in rounds and through node leaders", test_faults_in_deliveries},
        {"a failure ends everybody soon", test_ends_soon},
        {"stopping early", test_stops},
        {"stopped before it began", test_stopped_before},
        {"all ranks fail at once", test_all_fail},
        {NULL, NULL},
    };
    return hm_run_mpi_cases(&argc, &argv, "strategy", cases);
}
