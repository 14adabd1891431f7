/* What the files of the command `potential` share. */
#ifndef HM_COMMANDS_POTENTIAL_H
#define HM_COMMANDS_POTENTIAL_H

#include "hm_command.h"
#include "hm_potential.h"

/** Prints the figures, a `key value` a line. */
void potential_report_print(const char *path, const hm_potential_report_t *report);

/** Writes them as JSON; HM_ECREATE, HM_EMISSING. */
hm_status_t potential_report_json(const char *path, const char *file, int64_t coarsen,
                                  const hm_potential_report_t *report, hm_error_t *err);

/** What a picture of the potential shows. */
typedef struct potential_look_t {
    const char *palette; /**< NULL: the default */
    int64_t lines;       /**< equipotential lines for each halving of the potential; 0: none */
} potential_look_t;

/**
 * Draws the potential with equipotential lines: rows travel to rank 0 in their order, a few at a
 * time, and from there to the file. Collective; all ranks return the same status, *speaker as after
 * hm_agree().
 */
hm_status_t potential_picture_write(const hm_cluster_t *cluster, const hm_potential_t *potential,
                                    const potential_look_t *look, const char *path, bool *speaker,
                                    hm_error_t *err);

/** Adds the potential and its figures to the file it was computed from: /potential. Collective;
 * all ranks return the same status, *speaker as after hm_agree(). */
hm_status_t potential_store(const hm_cluster_t *cluster, const char *path, int64_t coarsen,
                            const hm_potential_t *potential, bool *speaker, hm_error_t *err);

#endif
