/* The table of scenes. Chosen by what they make a kernel do, not by their looks. */
#include "hm_scene.h"

#include <stddef.h>

const hm_scene_t hm_scenes[] = {
    {"whole",
     "the whole set: a fifth of the points never escape, most others at once",
     {.region = "-2.13:0.77,1.3:-1.3", .width = 2000, .height = 2000},
     1000},
    {"seahorse",
     "seahorse valley: short escapes, about 120 updates",
     {.center = "-0.743643887037151,0.13182590420533",
      .span = "0.05",
      .width = 1600,
      .height = 1200},
     5000},
    {"spiral",
     "a spiral deep in seahorse valley: long escapes",
     {.center = "-0.743643887037151,0.13182590420533",
      .span = "0.0000002",
      .width = 1200,
      .height = 900},
     50000},
    {"inside",
     "inside the set: every point to the limit",
     {.center = "-0.1,0", .span = "0.4", .width = 1000, .height = 1000},
     1000},
    {"outside",
     "outside the set: every point escapes within a few updates",
     {.center = "1.5,1.5", .span = "1.5", .width = 4000, .height = 4000},
     1000},
    {"elephant",
     "elephant valley: thousands of updates, and a bay of the set",
     {.center = "0.2850,0.0100", .span = "0.012", .width = 600, .height = 600},
     50000},
    {NULL, NULL, {.region = NULL}, 0},
};
