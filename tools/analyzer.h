/*
 * For clang-tidy alone, read before each source: what the analyzer cannot see from one file. These
 * functions return the failure that they were given, and never HM_OK instead. (Not read before the
 * files that define them.)
 */
#include "../src/store/h5.h"
#include "hm_cluster.h"
#include "hm_command.h"
#include "hm_error.h"
#include "hm_together.h"

#define hm_error_set(err, status, ...) \
    ((void)(hm_error_set)((err), (status), __VA_ARGS__), (status))
#define hm_error_errno(err, status, ...) \
    ((void)(hm_error_errno)((err), (status), __VA_ARGS__), (status))
#define hm_h5_fail(err, status, ...) ((void)(hm_h5_fail)((err), (status), __VA_ARGS__), (status))
#define hm_agree(cluster, mine, err, speaker)                              \
    ({                                                                     \
        hm_status_t mine_ = (mine);                                        \
        hm_status_t all_ = (hm_agree)((cluster), mine_, (err), (speaker)); \
        mine_ != HM_OK ? mine_ : all_;                                     \
    })
#define hm_meet(context, mine, err)                            \
    ({                                                         \
        hm_status_t mine_ = (mine);                            \
        hm_status_t all_ = (hm_meet)((context), mine_, (err)); \
        mine_ != HM_OK ? mine_ : all_;                         \
    })
#define hm_together(comm, mine, err)                            \
    ({                                                          \
        hm_status_t mine_ = (mine);                             \
        hm_status_t all_ = (hm_together)((comm), mine_, (err)); \
        mine_ != HM_OK ? mine_ : all_;                          \
    })
