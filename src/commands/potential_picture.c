#include "potential.h"
hm_status_t potential_picture_write(const hm_cluster_t *cluster, const hm_potential_t *potential,
                                    const potential_look_t *look, const char *path,
                                    hm_error_t *err) {
    (void)cluster;
    (void)potential;
    (void)look;
    (void)path;
    (void)err;
    return HM_OK;
}
hm_status_t potential_store(const hm_cluster_t *cluster, const char *path, int64_t coarsen,
                            const hm_potential_t *potential, hm_error_t *err) {
    (void)cluster;
    (void)potential;
    (void)coarsen;
    (void)path;
    (void)err;
    return HM_OK;
}
