/**
 * @file hm_scene.h
 * Scenes: views that benchmarks are measured on, each of one kind of work.
 */
#ifndef HM_SCENE_H
#define HM_SCENE_H

#include <stdint.h>

#include "hm_grid.h"

typedef struct hm_scene_t {
    const char *name; /**< option value */
    const char *what; /**< one line: what kind of work it is */
    hm_view_t view;
    uint32_t max_iter; /**< the bailout is 2 */
} hm_scene_t;

/** The table, ended by an entry whose name is NULL. */
extern const hm_scene_t hm_scenes[];

#endif
