/** @file strategies.h What the files in this folder define. Private to src/cluster/. */
#ifndef HM_CLUSTER_STRATEGIES_H
#define HM_CLUSTER_STRATEGIES_H

#include "hm_strategy.h"

extern const hm_strategy_t hm_strategy_block;
extern const hm_strategy_t hm_strategy_cyclic;
extern const hm_strategy_t hm_strategy_pipeline;
extern const hm_strategy_t hm_strategy_pool;
extern const hm_strategy_t hm_strategy_counter;
extern const hm_strategy_t hm_strategy_hier;
extern const hm_strategy_t hm_strategy_predict;

#endif
