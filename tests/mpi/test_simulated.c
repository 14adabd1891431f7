/*
 * Simulated runs against real ones, by iterations: the strategies really run, by clocks of their
 * own.
 */
#include <math.h>

#include "clocks.h"
#include "hm_simulate.h"

/* Within 2 %. What is left to chance is who of two comes first when both come at once; so the best
 * of three counts. */
static void compare(const hm_cluster_t *cluster, const hm_strategy_t *strategy,
                    hm_portion_t portion, int64_t band_rows) {
    hm_bands_t bands;
    hm_simulated_t simulated = {0};
    double cost[EUROSCIPY_SIDE] = {0};
    CU_ASSERT_FATAL(hm_bands_make(EUROSCIPY_SIDE, NULL, band_rows, &bands, NULL) == HM_OK);
    clocks_costs(&bands, cost);
    const hm_simulation_t s = {.bands = bands.count,
                               .seconds = cost,
                               .ranks = cluster->size,
                               .nodes = cluster->nodes,
                               .portion = portion};
    CU_ASSERT_FATAL(hm_simulate(strategy->name, &s, &simulated, NULL) == HM_OK);
    double best = HUGE_VAL;
    double found = 0;
    for (int i = 0; i < 3 && best > 0.02; ++i) {
        const double imbalance =
            cluster->size / clocked_speed_up(cluster, strategy, portion, &bands, cost, false);
        const double off = fabs(imbalance / simulated.imbalance - 1);
        found = off < best ? imbalance : found;
        best = off < best ? off : best;
    }
    printf("\n    %-9s portions %d, bands of %lld: simulated %.4f, real %.4f ", strategy->name,
           (int)portion, (long long)band_rows, simulated.imbalance, found);
    CU_ASSERT(best <= 0.02);
    hm_bands_free(&bands);
}

static void test_imbalance(void) {
    hm_cluster_t cluster;
    hm_error_t err = HM_ERROR_NONE;
    CU_ASSERT_FATAL(everywhere(hm_cluster_open(MPI_COMM_WORLD, &cluster, &err) == HM_OK));
    CU_ASSERT_FATAL(cluster.size <= CLOCKS_MOST_RANKS);
    for (int i = 0; hm_strategies[i]->name != NULL; ++i) {
        const char *name = hm_strategies[i]->name;
        const bool settled = strcmp(name, "block") == 0 || strcmp(name, "cyclic") == 0 ||
                             strcmp(name, "predict") == 0;
        if (cluster.size > 8) { /* where it takes a while, only what chance could change */
            if (!settled) {
                compare(&cluster, hm_strategies[i], HM_PORTION_FIXED, 1);
            }
        } else {
            compare(&cluster, hm_strategies[i], HM_PORTION_FIXED, 4);
            compare(&cluster, hm_strategies[i], HM_PORTION_AUTO, 1);
        }
    }
    hm_cluster_close(&cluster);
}

static void test_clocks(void) {
    CU_ASSERT_FATAL(clocks_open());
    CU_ASSERT(euroscipy_count() == EUROSCIPY_SUM);
}

int main(int argc, char **argv) {
    static const hm_case_t cases[] = {
        {"clocks", test_clocks},
        {"imbalance by iterations, simulated and real", test_imbalance},
        {NULL, NULL},
    };
    return hm_run_mpi_cases(&argc, &argv, "simulated", cases);
}
