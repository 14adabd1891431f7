/** @file strategy.c The table of strategies. A new one is a file and a line here. */
#include "hm_strategy.h"

#include <string.h>

#include "strategies/strategies.h"

const hm_strategy_t *const hm_strategies[] = {
    &hm_strategy_block,    &hm_strategy_cyclic,
    &hm_strategy_pipeline, &hm_strategy_pool,
    &hm_strategy_counter,  &hm_strategy_hier,
    &hm_strategy_predict,  &(const hm_strategy_t){.name = NULL},
};

static const hm_strategy_t *lookup(const char *name) {
    for (int i = 0; hm_strategies[i]->name != NULL; ++i) {
        if (strcmp(hm_strategies[i]->name, name) == 0) {
            return hm_strategies[i];
        }
    }
    return NULL;
}

hm_status_t hm_strategy_find(const char *name, const hm_cluster_t *cluster,
                             const hm_strategy_t **strategy, hm_error_t *err) {
    const hm_strategy_t *found = lookup(name);
    if (strcmp(name, "auto") == 0) {
        found = lookup(cluster->nodes > 1 ? "hier" : "counter");
    }
    if (found != NULL) {
        *strategy = found;
        return HM_OK;
    }
    char known[256] = "auto";
    for (int i = 0; hm_strategies[i]->name != NULL; ++i) {
        strncat(known, ", ", sizeof known - strlen(known) - 1);
        strncat(known, hm_strategies[i]->name, sizeof known - strlen(known) - 1);
    }
    return hm_error_set(err, HM_EUSAGE, "there is no strategy \"%s\"; the strategies are %s", name,
                        known);
}

void hm_strategy_help(FILE *out) {
    fprintf(out, "%-9s %s\n", "auto", "counter on one node, hier on several");
    for (int i = 0; hm_strategies[i]->name != NULL; ++i) {
        const hm_strategy_t *s = hm_strategies[i];
        fprintf(out, "%-9s %s\n%-9s   pattern: %s\n%-9s   MPI: %s\n", s->name, s->what, "",
                s->pattern, "", s->mpi);
    }
}
