/* Simulated runs against known answers, against each other, and against limits that hold for any
 * run. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "euroscipy.h"
#include "hm_band.h"
#include "hm_clock.h"
#include "hm_simulate.h"
#include "hm_strategy.h"
#include "random.h"
#include "runner.h"

/* All updates over those of the rank that has most, on a machine where only computing takes time.
 * `portions` are of equally many pixels, the last one takes the rest. */
static double speed_up(const char *name, int ranks, int portions) {
    const int64_t pixels = (int64_t)EUROSCIPY_SIDE * EUROSCIPY_SIDE;
    double cost[EUROSCIPY_SIDE] = {0};
    double all = 0;
    hm_simulated_t result;
    hm_error_t err = HM_ERROR_NONE;
    for (int64_t i = 0; i < pixels; ++i) {
        const int64_t portion = i / (pixels / portions);
        cost[portion < portions ? portion : portions - 1] += (double)euroscipy_updates(i);
        all += (double)euroscipy_updates(i);
    }
    const hm_simulation_t s = {.bands = portions,
                               .seconds = cost,
                               .ranks = ranks,
                               .nodes = 1,
                               .portion = HM_PORTION_FIXED};
    CU_ASSERT_FATAL(hm_simulate(name, &s, &result, &err) == HM_OK);
    CU_ASSERT_DOUBLE_EQUAL(result.seconds, result.busy_most, 1e-9 * result.seconds);
    CU_ASSERT_DOUBLE_EQUAL(result.busy, all, 1e-3);
    return all / result.work_most;
}

static void test_known(void) {
    static const char *const served[] = {"counter", "pipeline", "hier"};
    CU_ASSERT(euroscipy_count() == EUROSCIPY_SUM);
    CU_ASSERT_DOUBLE_EQUAL(speed_up("block", 4, EUROSCIPY_SIDE), 2.09, 0.005);
    CU_ASSERT_DOUBLE_EQUAL(speed_up("block", 8, EUROSCIPY_SIDE), 3.30, 0.005);
    for (int i = 0; i < EUROSCIPY_SERVED; ++i) {
        const euroscipy_known_t *known = &euroscipy_served[i];
        for (size_t s = 0; s < sizeof served / sizeof *served; ++s) {
            const double found = speed_up(served[s], known->workers, known->portions);
            CU_ASSERT_DOUBLE_EQUAL(found, known->speed_up, 0.005);
        }
        /* Who asks ahead gets a portion a little earlier than it is needed. */
        const double found = speed_up("pool", known->workers, known->portions);
        printf("\n    %d workers, %d portions: %.4f, asking ahead %.4f ", known->workers,
               known->portions, speed_up("counter", known->workers, known->portions), found);
        CU_ASSERT(found >= 0.97 * known->speed_up && found <= known->workers);
    }
}

enum { MOST_BANDS = 400 };

static double seconds[MOST_BANDS];

/* 0 .. n-1 */
static int draw(uint64_t *state, int n) {
    return (int)(next_random(state) >> 33) % n;
}

static hm_simulation_t random_request(uint64_t *state) {
    static const hm_portion_t kinds[] = {HM_PORTION_AUTO, HM_PORTION_FIXED, HM_PORTION_GUIDED,
                                         HM_PORTION_FACTORING};
    hm_simulation_t s = {.bands = draw(state, MOST_BANDS), .seconds = seconds};
    for (int64_t b = 0; b < s.bands; ++b) {
        seconds[b] = 1e-3 * (draw(state, 30));
    }
    s.ranks = 1 + draw(state, 40);
    s.nodes = 1 + draw(state, s.ranks);
    s.portion = kinds[draw(state, 4)];
    s.idle_coordinator = draw(state, 4) == 0;
    s.delivery = (hm_delivery_t)draw(state, 3);
    s.band_bytes = draw(state, 100000);
    s.probe = 1e-6 * (draw(state, 100));
    if (draw(state, 2)) {
        s.machine = (hm_machine_t){.band = 1e-5 * (draw(state, 100)),
                                   .byte = 1e-10 * (draw(state, 100)),
                                   .latency = 1e-6 * (draw(state, 100)),
                                   .node_latency = 1e-7 * (draw(state, 100)),
                                   .transfer = 1e-10 * (draw(state, 10)),
                                   .answer = 1e-7 * (draw(state, 100)),
                                   .poll = 1e-4 * (draw(state, 20)),
                                   .round = 1e-4 * (draw(state, 20)),
                                   .bandwidth = draw(state, 2) ? 1e7 * (1 + draw(state, 100)) : 0};
    }
    return s;
}

/* Every band is computed and written once, nobody is faster than can be, and again is the same. */
static void test_sound(void) {
    uint64_t state = 7;
    for (int i = 0; i < 3000; ++i) {
        const hm_simulation_t s = random_request(&state);
        const char *name = hm_strategies[draw(&state, 7)]->name;
        hm_simulated_t r = {0};
        hm_simulated_t again = {0};
        hm_error_t err = HM_ERROR_NONE;
        double all = 0;
        double longest = 0;
        for (int64_t b = 0; b < s.bands; ++b) {
            all += seconds[b];
            longest = seconds[b] > longest ? seconds[b] : longest;
        }
        CU_ASSERT_FATAL(hm_simulate(name, &s, &r, &err) == HM_OK);
        CU_ASSERT_FATAL(hm_simulate(name, &s, &again, &err) == HM_OK);
        CU_ASSERT(memcmp(&r, &again, sizeof r) == 0);
        const double write = s.machine.band + s.machine.byte * s.band_bytes;
        CU_ASSERT_DOUBLE_EQUAL(r.busy, all, 1e-9 + 1e-9 * all);
        if (s.delivery != HM_DELIVERY_ROUNDS) { /* in a round ranks wait for each other */
            CU_ASSERT_DOUBLE_EQUAL(r.writing, write * (double)s.bands, 1e-9 + 1e-9 * r.writing);
        }
        CU_ASSERT(r.writing + 1e-9 >= s.machine.band * (double)s.bands);
        CU_ASSERT(r.seconds + 1e-9 >= (all + r.writing) / s.ranks);
        CU_ASSERT(r.seconds + 1e-9 >= longest + (s.bands > 0 ? write : 0));
        CU_ASSERT(r.seconds + 1e-9 >= r.busy_most && r.busy_most <= all + 1e-9);
        CU_ASSERT(r.imbalance >= 1 - 1e-9 && r.imbalance <= s.ranks + 1e-9);
        CU_ASSERT(s.machine.bandwidth <= 0 ||
                  r.seconds + 1e-9 >= (double)s.bands * s.band_bytes / s.machine.bandwidth);
    }
}

/* One rank: all strategies are the sum of everything. */
static void test_one_rank(void) {
    uint64_t state = 3;
    for (int i = 0; hm_strategies[i]->name != NULL; ++i) {
        hm_simulation_t s = random_request(&state);
        s.ranks = s.nodes = 1;
        s.delivery = i % 2 ? HM_DELIVERY_DIRECT : HM_DELIVERY_FUNNEL;
        s.machine = (hm_machine_t){.band = 1e-4, .byte = 1e-9, .latency = 1, .poll = 1};
        s.probe = 0;
        hm_simulated_t r = {0};
        CU_ASSERT_FATAL(hm_simulate(hm_strategies[i]->name, &s, &r, NULL) == HM_OK);
        CU_ASSERT_DOUBLE_EQUAL(r.seconds, r.busy + r.writing, 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(r.imbalance, 1, 1e-9);
    }
}

/* What costs must show, in the strategies that pay them. */
static void test_costs_show(void) {
    enum { RANKS = 16, BANDS = 320 };
    double even[BANDS];
    for (int b = 0; b < BANDS; ++b) {
        even[b] = 0.01;
    }
    hm_simulation_t s = {.bands = BANDS, .seconds = even, .ranks = RANKS, .nodes = 4};
    s.portion = HM_PORTION_FIXED;
    hm_simulated_t free_of_charge;
    hm_simulated_t r;
    CU_ASSERT_FATAL(hm_simulate("pool", &s, &free_of_charge, NULL) == HM_OK);
    CU_ASSERT_DOUBLE_EQUAL(free_of_charge.seconds, 0.2, 1e-9);
    s.machine.latency = 0.1; /* longer than a band: nothing hides it */
    CU_ASSERT_FATAL(hm_simulate("pool", &s, &r, NULL) == HM_OK);
    CU_ASSERT(r.seconds > 0.4);
    CU_ASSERT_FATAL(hm_simulate("cyclic", &s, &r, NULL) == HM_OK);
    CU_ASSERT(r.seconds < 0.2 + 1);             /* the end's agreement alone */
    s.machine = (hm_machine_t){.answer = 0.01}; /* rank 0 answers all the time */
    CU_ASSERT_FATAL(hm_simulate("pool", &s, &r, NULL) == HM_OK);
    CU_ASSERT(r.seconds > 0.01 * 0.9 * (BANDS - BANDS / RANKS));
    s.machine = (hm_machine_t){.latency = 1e-3, .node_latency = 1e-3};
    s.bands = 2 * RANKS;
    CU_ASSERT_FATAL(hm_simulate("counter", &s, &r, NULL) == HM_OK);
    CU_ASSERT(r.seconds < 0.026 + 8e-3 + 1e-9);
    s.machine.poll = 1e9; /* rank 0 never looks while it computes a band */
    CU_ASSERT_FATAL(hm_simulate("counter", &s, &r, NULL) == HM_OK);
    CU_ASSERT(r.seconds > 0.041 + 8e-3 - 1e-9);
    s.bands = BANDS;
    s.machine = (hm_machine_t){.bandwidth = 1e6}; /* the file system is what takes the time */
    s.band_bytes = 1e4;
    CU_ASSERT_FATAL(hm_simulate("hier", &s, &r, NULL) == HM_OK);
    CU_ASSERT(r.seconds >= BANDS * 0.01 && r.seconds < BANDS * 0.01 + 0.1);
    s.machine = (hm_machine_t){.band = 0.01};
    CU_ASSERT_FATAL(hm_simulate("pipeline", &s, &r, NULL) == HM_OK);
    CU_ASSERT_DOUBLE_EQUAL(r.writing, BANDS * 0.01, 1e-9);
    CU_ASSERT(r.seconds > 0.39); /* a writer writes for four */
}

/* Bands on 16 ranks of 4 nodes that take a hundredth each to compute, 20 a rank. */
static double delivered(const char *name, hm_delivery_t delivery, const hm_machine_t *machine) {
    enum { RANKS = 16, BANDS = 320 };
    double even[BANDS];
    hm_simulated_t r = {.seconds = -1};
    for (int b = 0; b < BANDS; ++b) {
        even[b] = 0.01;
    }
    const hm_simulation_t s = {.bands = BANDS,
                               .seconds = even,
                               .ranks = RANKS,
                               .nodes = 4,
                               .portion = HM_PORTION_FIXED,
                               .band_bytes = 1e5,
                               .delivery = delivery,
                               .machine = *machine};
    CU_ASSERT(hm_simulate(name, &s, &r, NULL) == HM_OK);
    return r.seconds;
}

static void test_deliveries(void) {
    const hm_machine_t none = {.poll = 0};
    for (int i = 0; hm_strategies[i]->name != NULL; ++i) { /* free of charge they are the same */
        const char *name = hm_strategies[i]->name;
        CU_ASSERT_DOUBLE_EQUAL(delivered(name, HM_DELIVERY_DIRECT, &none), 0.2, 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(delivered(name, HM_DELIVERY_ROUNDS, &none), 0.2, 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(delivered(name, HM_DELIVERY_FUNNEL, &none), 0.2, 1e-9);
    }
    /* The leader writes all 80 bands of its node; where it is dealt its share, it computes too. */
    const hm_machine_t writing = {.band = 0.01};
    CU_ASSERT_DOUBLE_EQUAL(delivered("cyclic", HM_DELIVERY_DIRECT, &writing), 0.4, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(delivered("cyclic", HM_DELIVERY_FUNNEL, &writing), 1, 0.021);
    const double drawn = delivered("counter", HM_DELIVERY_FUNNEL, &writing);
    CU_ASSERT(drawn >= 0.8 - 1e-9 && drawn < 0.9);
    /* 8 bands saved up twice, the rest in the last round. */
    const hm_machine_t meeting = {.round = 0.05};
    CU_ASSERT_DOUBLE_EQUAL(delivered("cyclic", HM_DELIVERY_ROUNDS, &meeting), 0.2 + 0.15, 1e-9);
    /* Who saves up the eighth first has the others come with seven. */
    CU_ASSERT_DOUBLE_EQUAL(delivered("cyclic", HM_DELIVERY_ROUNDS, &writing), 0.2 + 0.22, 0.021);
    /* A node's bytes are written by one of its ranks: those of 80 bands. */
    const hm_machine_t bytes = {.byte = 1e-7};
    CU_ASSERT_DOUBLE_EQUAL(delivered("cyclic", HM_DELIVERY_ROUNDS, &bytes), 0.2 + 0.82, 0.021);
    CU_ASSERT_DOUBLE_EQUAL(delivered("cyclic", HM_DELIVERY_DIRECT, &bytes), 0.4, 1e-9);
    /* Who computes comes to a round when it looks: at the end of a band at the latest. */
    const hm_machine_t deaf = {.round = 0.05, .poll = 1e9};
    CU_ASSERT(delivered("counter", HM_DELIVERY_ROUNDS, &deaf) >= 0.35 - 1e-9);
    CU_ASSERT(delivered("counter", HM_DELIVERY_ROUNDS, &deaf) < 0.35 + 0.03);
}

/* The pieces of a band, first come first served. */
static void test_threads(void) {
    const double even[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    const double late[5] = {1, 1, 1, 1, 4};
    const double mixed[4] = {3, 1, 1, 1};
    CU_ASSERT_DOUBLE_EQUAL(hm_simulate_threads(even, 16, 1), 16, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(hm_simulate_threads(even, 16, 2), 8, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(hm_simulate_threads(even, 9, 2), 5, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(hm_simulate_threads(even, 3, 8), 1, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(hm_simulate_threads(even, 0, 8), 0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(hm_simulate_threads(late, 5, 2), 6, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(hm_simulate_threads(mixed, 4, 2), 3, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(hm_simulate_threads(late, 5, HM_SIMULATE_THREADS), 4, 1e-12);
}

/* A forecast that is wrong costs `predict` what it is wrong by. */
static void test_forecast(void) {
    double cost[8] = {1, 1, 1, 1, 3, 3, 3, 3};
    const double flat[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    hm_simulation_t s = {.bands = 8, .seconds = cost, .ranks = 2, .nodes = 1};
    hm_simulated_t r;
    CU_ASSERT_FATAL(hm_simulate("predict", &s, &r, NULL) == HM_OK);
    CU_ASSERT_DOUBLE_EQUAL(r.imbalance, 9.0 / 8, 1e-9);
    s.forecast = flat;
    s.probe = 0.5;
    CU_ASSERT_FATAL(hm_simulate("predict", &s, &r, NULL) == HM_OK);
    CU_ASSERT_DOUBLE_EQUAL(r.imbalance, 12.0 / 8, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(r.seconds, 12 + 4 * 0.5, 1e-9);
    s.work = flat;
    CU_ASSERT_FATAL(hm_simulate("predict", &s, &r, NULL) == HM_OK);
    CU_ASSERT_DOUBLE_EQUAL(r.imbalance, 1, 1e-9);
}

static void test_refused(void) {
    const hm_simulation_t none = {.bands = 0, .ranks = 0, .nodes = 1};
    const hm_simulation_t few = {.bands = 0, .ranks = 2, .nodes = 3};
    const hm_simulation_t empty = {.bands = 0, .ranks = 2, .nodes = 1};
    hm_simulated_t r = {.seconds = 77};
    hm_error_t err = HM_ERROR_NONE;
    double bytes = 77;
    CU_ASSERT(hm_simulate("magic", &empty, &r, &err) == HM_EUSAGE);
    CU_ASSERT(strstr(err.text, "\"magic\"") != NULL && strstr(err.text, "hier") != NULL);
    CU_ASSERT(hm_simulate("block", &none, &r, &err) == HM_EUSAGE);
    CU_ASSERT(hm_simulate("block", &few, &r, &err) == HM_EUSAGE);
    CU_ASSERT(hm_simulate_memory("magic", &empty, &bytes, &err) == HM_EUSAGE);
    CU_ASSERT(r.seconds == 77 && bytes == 77);
    for (int i = 0; hm_strategies[i]->name != NULL; ++i) { /* every strategy has its model */
        CU_ASSERT(hm_simulate(hm_strategies[i]->name, &empty, &r, &err) == HM_OK);
        CU_ASSERT(r.seconds == 0 && r.imbalance == 1);
        CU_ASSERT(hm_simulate_memory(hm_strategies[i]->name, &empty, &bytes, &err) == HM_OK);
    }
}

/* 65536 ranks and a million bands, a machine with every cost. */
static void test_large(void) {
    const bool brief = getenv("HM_TEST_SHORT") != NULL;
    const int64_t bands = brief ? 20000 : 1000000;
    uint64_t state = 5;
    double *cost = malloc((size_t)bands * sizeof *cost);
    CU_ASSERT_FATAL(cost != NULL);
    for (int64_t b = 0; b < bands; ++b) {
        cost[b] = 0.02 * (1 + (double)draw(&state, 1000) / 1000);
    }
    hm_simulation_t s = {.bands = bands,
                         .seconds = cost,
                         .ranks = brief ? 2048 : 65536,
                         .nodes = brief ? 32 : 1024,
                         .band_bytes = 4e5,
                         .probe = 1e-5,
                         .machine = {.band = 5e-5,
                                     .byte = 5e-10,
                                     .latency = 2e-6,
                                     .node_latency = 5e-7,
                                     .transfer = 1e-10,
                                     .answer = 5e-7,
                                     .poll = 1e-3,
                                     .bandwidth = 1e12}};
    for (int i = 0; hm_strategies[i]->name != NULL; ++i) {
        for (int way = 0; way < (brief ? 3 : 2); ++way) {
            hm_simulated_t r = {0};
            s.delivery = (hm_delivery_t)way;
            const double begin = hm_clock_now();
            CU_ASSERT(hm_simulate(hm_strategies[i]->name, &s, &r, NULL) == HM_OK);
            printf("\n    %-9s way %d, %.2f s for %.3f s, imbalance %.3f, %lld messages ",
                   hm_strategies[i]->name, way, hm_clock_now() - begin, r.seconds, r.imbalance,
                   (long long)r.messages);
            CU_ASSERT(r.seconds >= r.busy / s.ranks);
        }
    }
    free(cost);
}

int main(void) {
    static const hm_case_t cases[] = {
        {"known limits and first come first served", test_known},
        {"what holds for any run", test_sound},
        {"one rank", test_one_rank},
        {"costs show", test_costs_show},
        {"ways to the file", test_deliveries},
        {"threads", test_threads},
        {"forecasts", test_forecast},
        {"requests that cannot be", test_refused},
        {"65536 ranks, a million bands", test_large},
        {NULL, NULL},
    };
    return hm_run_cases("simulate", cases);
}
