/**
 * @file hm_chart.h
 * Charts, drawn by gnuplot: a script with the data in it, and what gnuplot makes of it as SVG (for
 * pages) and PNG (for papers). gnuplot is started directly, never through a shell, in the folder
 * that the files go to; texts in scripts are reduced to harmless characters first.
 */
#ifndef HM_CHART_H
#define HM_CHART_H

#include <stdbool.h>

#include "hm_error.h"

/** Colours that can be told apart, also by those who see fewer; taken modulo. */
enum { HM_CHART_COLOURS = 8, HM_CHART_GREY = -1, HM_CHART_PALE = -2 };

/** The colour as "#rrggbb". */
const char *hm_chart_colour(int colour);

typedef enum hm_mark_t {
    HM_MARK_POINTS, /**< filled, with bars from low to high where given */
    HM_MARK_HOLLOW, /**< the same, hollow */
    HM_MARK_CROSS,  /**< crosses, without bars */
    HM_MARK_LINE,
    HM_MARK_DASHED,
    HM_MARK_STEPS
} hm_mark_t;

typedef struct hm_curve_t {
    const char *title; /**< in the key; NULL: not there */
    int colour;
    hm_mark_t mark;
    int count;
    const double *x, *y;      /**< [count]; where either is NAN there is no point */
    const double *low, *high; /**< [count] or NULL */
} hm_curve_t;

typedef struct hm_box_t {
    double x0, x1, y0, y1;
    int colour;
} hm_box_t;

/** A box's colour in the key. */
typedef struct hm_key_t {
    const char *title;
    int colour;
} hm_key_t;

/** A named place on an axis. */
typedef struct hm_tick_t {
    double at;
    const char *name;
} hm_tick_t;

typedef struct hm_chart_t {
    const char *x_label, *y_label;       /**< with unit */
    bool log_x;                          /**< to the base of 2 */
    int log_y;                           /**< 0, or the base: 2 or 10 */
    double x_low, x_high, y_low, y_high; /**< both 0: from the data */
    bool y_down;                         /**< the axis goes down */
    const hm_tick_t *x_tick, *y_tick;    /**< NULL: by gnuplot */
    int x_ticks, y_ticks;
    const hm_curve_t *curve;
    int curves;
    const hm_box_t *box;
    int boxes;
    const hm_key_t *key; /**< of the boxes */
    int keys;
    int width, height; /**< pixels, the key below not counted; 0: 480 x 300 */
} hm_chart_t;

/** Is there a gnuplot on PATH? */
bool hm_chart_possible(void);

/**
 * Draws `folder`/`name`.svg and .png, and leaves the script beside them as .gp. `name`: letters,
 * digits and - only (else HM_EBUG). HM_EMISSING: no gnuplot, with what to do; HM_ECREATE: a file
 * cannot be made; HM_EIO: gnuplot failed, with what it said.
 */
hm_status_t hm_chart_draw(const hm_chart_t *chart, const char *folder, const char *name,
                          hm_error_t *err);

#endif
