/* Charts by gnuplot. */
#include "hm_chart.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Longest text in a chart. */
enum { LABEL = 96, FILE_NAME = 80 };

const char *hm_chart_colour(int colour) {
    /* After M. Okabe and K. Ito's eight, "Color Universal Design", 2002; yellow, too faint for
     * lines, is a violet here. */
    static const char *const colours[HM_CHART_COLOURS] = {
        "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6a51a3", "#4d4d4d"};
    if (colour < 0) {
        return colour == HM_CHART_GREY ? "#8a93a0" : "#dde3ea";
    }
    return colours[colour % HM_CHART_COLOURS];
}

/* `text` with nothing in it that gnuplot could take for anything but text. */
static const char *plain(const char *text, char label[LABEL]) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  " .,:;+-*/=()<>_%";
    size_t n = 0;
    for (; text[n] && n + 1 < LABEL; ++n) {
        label[n] = strchr(allowed, text[n]) ? text[n] : '?';
    }
    label[n] = '\0';
    return label;
}

static void print_axis(FILE *out, char axis, const char *label, double low, double high, bool down,
                       const hm_tick_t *tick, int ticks) {
    char text[LABEL];
    fprintf(out, "set %clabel '%s'%s\n", axis, plain(label, text),
            axis == 'x' ? " offset 0,0.5" : "");
    if (low < high) {
        fprintf(out, "set %crange [%.9g:%.9g]\n", axis, down ? high : low, down ? low : high);
    }
    if (tick) {
        fprintf(out, "set %ctics (", axis);
        for (int i = 0; i < ticks; ++i) {
            fprintf(out, "%s'%s' %.9g", i ? ", " : "", plain(tick[i].name, text), tick[i].at);
        }
        fprintf(out, ")\n");
    }
}

/* A block of data; returns whether there is any. */
static bool print_curve(FILE *out, const hm_curve_t *curve, int index, int log_y) {
    bool any = false;
    fprintf(out, "$C%d << EOD\n", index);
    for (int i = 0; i < curve->count; ++i) {
        double x = curve->x[i];
        double y = curve->y[i];
        if (!isfinite(x) || !isfinite(y) || (log_y && !(y > 0))) {
            continue;
        }
        double low = curve->low && isfinite(curve->low[i]) ? curve->low[i] : y;
        double high = curve->high && isfinite(curve->high[i]) ? curve->high[i] : y;
        fprintf(out, "%.9g %.9g %.9g %.9g\n", x, y, log_y && !(low > 0) ? y : low, high);
        any = true;
    }
    fprintf(out, "EOD\n");
    return any;
}

static bool print_boxes(FILE *out, const hm_chart_t *chart, int key) {
    bool any = false;
    fprintf(out, "$B%d << EOD\n", key);
    for (int i = 0; i < chart->boxes; ++i) {
        const hm_box_t *b = &chart->box[i];
        if (b->colour == chart->key[key].colour) {
            fprintf(out, "%.9g %.9g %.9g %.9g %.9g %.9g\n", (b->x0 + b->x1) / 2,
                    (b->y0 + b->y1) / 2, b->x0, b->x1, b->y0, b->y1);
            any = true;
        }
    }
    fprintf(out, "EOD\n");
    return any;
}

static void print_style(FILE *out, const hm_curve_t *curve) {
    const char *colour = hm_chart_colour(curve->colour);
    switch (curve->mark) {
    case HM_MARK_POINTS:
    case HM_MARK_HOLLOW:
        fprintf(out, "using 1:2:3:4 with yerrorbars lc rgb '%s' lw 1.4 pt %d ps 0.75", colour,
                curve->mark == HM_MARK_POINTS ? 7 : 6);
        break;
    case HM_MARK_CROSS:
        fprintf(out, "using 1:2 with points lc rgb '%s' lw 1.6 pt 2 ps 1.1", colour);
        break;
    case HM_MARK_LINE:
        fprintf(out, "using 1:2 with lines lc rgb '%s' lw 1.6", colour);
        break;
    case HM_MARK_DASHED:
        fprintf(out, "using 1:2 with lines lc rgb '%s' lw 1.4 dt (6,4)", colour);
        break;
    case HM_MARK_STEPS:
        fprintf(out, "using 1:2 with steps lc rgb '%s' lw 1.2", colour);
        break;
    }
}

static void print_title(FILE *out, const char *title) {
    char text[LABEL];
    if (title) {
        fprintf(out, " title '%s'", plain(title, text));
    } else {
        fprintf(out, " notitle");
    }
}

/* The command that draws what the blocks hold; without any of it an empty frame. */
static void print_plot(FILE *out, const hm_chart_t *chart, const bool *has_boxes,
                       const bool *has_curve) {
    const char *separator = "plot ";
    for (int k = 0; k < chart->keys; ++k) {
        if (has_boxes[k]) {
            fprintf(out, "%s$B%d using 1:2:3:4:5:6 with boxxyerror fs solid 1 noborder lc rgb '%s'",
                    separator, k, hm_chart_colour(chart->key[k].colour));
            print_title(out, chart->key[k].title);
            separator = ", ";
        }
    }
    for (int i = 0; i < chart->curves; ++i) {
        if (has_curve[i]) {
            fprintf(out, "%s$C%d ", separator, i);
            print_style(out, &chart->curve[i]);
            print_title(out, chart->curve[i].title);
            separator = ", ";
        }
    }
    if (separator[0] == 'p') {
        fprintf(out, "plot [0:1][0:1] -1 notitle");
    }
    fprintf(out, "\n");
}

/* In characters: room for the names of the ticks and the label. */
static int left_margin(const hm_chart_t *chart) {
    int most = 6;
    for (int i = 0; i < chart->y_ticks; ++i) {
        int length = (int)strlen(chart->y_tick[i].name);
        most = length > most ? length : most;
    }
    return most + (chart->y_label[0] ? 3 : 2);
}

/* In pixels: the key, two columns of it, stands below what was asked for. */
static int height_of(const hm_chart_t *chart, const bool *has_boxes, const bool *has_curve) {
    int entries = 0;
    for (int k = 0; k < chart->keys; ++k) {
        entries += has_boxes[k];
    }
    for (int i = 0; i < chart->curves; ++i) {
        entries += has_curve[i] && chart->curve[i].title;
    }
    int rows = chart->width > 500 ? 1 : (entries + 1) / 2;
    return (chart->height > 0 ? chart->height : 300) + 20 * rows;
}

static void print_script(FILE *out, const hm_chart_t *chart, const char *name, bool *has_boxes,
                         bool *has_curve) {
    fprintf(out, "# Made by hpcmandel. To draw it again, changed or not: gnuplot %s.gp\n", name);
    for (int k = 0; k < chart->keys; ++k) {
        has_boxes[k] = print_boxes(out, chart, k);
    }
    for (int i = 0; i < chart->curves; ++i) {
        has_curve[i] = print_curve(out, &chart->curve[i], i, chart->log_y);
    }
    const int width = chart->width > 0 ? chart->width : 480;
    const int height = height_of(chart, has_boxes, has_curve);
    fprintf(out,
            "set pointintervalbox 0\n"
            "set errorbars 0.7\n"
            "set border 3 lc rgb '#8a93a0'\n"
            "set tics nomirror textcolor rgb '#333b47'\n"
            "set grid back lc rgb '#e3e7ec' lt 1 lw 0.8\n"
            "set key below center horizontal Left reverse samplen 1.4 spacing 1.1 width %d "
            "textcolor rgb '#1c2430'\n"
            "set lmargin %d\n",
            chart->width > 500 ? 2 : -1, left_margin(chart));
    print_axis(out, 'x', chart->x_label, chart->x_low, chart->x_high, false, chart->x_tick,
               chart->x_ticks);
    print_axis(out, 'y', chart->y_label, chart->y_low, chart->y_high, chart->y_down, chart->y_tick,
               chart->y_ticks);
    fprintf(out, "%s%s", chart->log_x ? "set logscale x 2\n" : "",
            chart->log_y ? chart->log_y == 2 ? "set logscale y 2\n" : "set logscale y 10\n" : "");
    fprintf(out,
            "set terminal svg noenhanced size %d,%d font 'sans-serif,14' rounded background "
            "'#ffffff'\nset output '%s.svg'\n",
            width, height, name);
    print_plot(out, chart, has_boxes, has_curve);
    fprintf(out,
            "set terminal pngcairo noenhanced size %d,%d font 'sans-serif,21' rounded linewidth 2 "
            "pointscale 2\nset output '%s.png'\n",
            2 * width, 2 * height, name);
    print_plot(out, chart, has_boxes, has_curve);
    fprintf(out, "set output\n");
}

static hm_status_t write_script(const hm_chart_t *chart, const char *path, const char *name,
                                hm_error_t *err) {
    hm_status_t status = HM_OK;
    bool *has = calloc((size_t)(chart->keys + chart->curves + 1), sizeof *has);
    FILE *out = fopen(path, "w");
    if (!has || !out) {
        HM_TRY(has ? hm_error_errno(err, HM_ECREATE, errno, "cannot write '%s'", path)
                   : hm_error_set(err, HM_EMISSING, "out of memory for a chart"));
    }
    print_script(out, chart, name, has, has + chart->keys);
    bool lost = ferror(out) != 0;
    lost = fclose(out) != 0 || lost;
    out = NULL;
    if (lost) {
        status = hm_error_set(err, HM_EIO, "cannot write '%s'; is the disk full?", path);
    }
cleanup:
    if (out) {
        fclose(out);
    }
    free(has);
    return status;
}

/* Starts gnuplot on the script `name`.gp in `folder`, its complaints in `name`.log there. */
static int start(const char *folder, const char *name, pid_t *child) {
    char script[FILE_NAME];
    char log[FILE_NAME];
    snprintf(script, sizeof script, "%s.gp", name);
    snprintf(log, sizeof log, "%s.log", name);
    char program[] = "gnuplot";
    char defaults[] = "--default-settings"; /* nobody's own settings */
    char *arguments[] = {program, defaults, script, NULL};
    posix_spawn_file_actions_t actions;
    int code = posix_spawn_file_actions_init(&actions);
    if (code != 0) {
        return code;
    }
    code = posix_spawn_file_actions_addchdir_np(&actions, folder);
    code = code ? code : posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    code = code ? code
                : posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC,
                                                   0666);
    code = code ? code : posix_spawn_file_actions_adddup2(&actions, 1, 2);
    code = code ? code : posix_spawnp(child, program, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

/* What gnuplot complained of: the last line that is not empty. */
static void read_complaint(const char *path, char *text, size_t size) {
    char line[256];
    FILE *file = fopen(path, "r");
    snprintf(text, size, "it did not say why");
    while (file && fgets(line, sizeof line, file)) {
        char *c = line + strspn(line, " \t\n");
        c[strcspn(c, "\n")] = '\0';
        if (*c) {
            snprintf(text, size, "%.200s", c);
        }
    }
    if (file) {
        fclose(file);
    }
}

static hm_status_t run(const char *folder, const char *name, const char *log, hm_error_t *err) {
    pid_t child = 0;
    int code = start(folder, name, &child);
    if (code == ENOENT) {
        return hm_error_set(err, HM_EMISSING,
                            "found no gnuplot, which draws the charts: install it (Debian: "
                            "gnuplot-nox), or leave out --figures and --html");
    }
    if (code != 0) {
        return hm_error_errno(err, HM_EMISSING, code, "cannot start gnuplot");
    }
    int ended = 0;
    while (waitpid(child, &ended, 0) < 0 && errno == EINTR) {
    }
    hm_status_t status = HM_OK;
    if (!WIFEXITED(ended) || WEXITSTATUS(ended) != 0) {
        char complaint[256];
        read_complaint(log, complaint, sizeof complaint);
        status = hm_error_set(err, HM_EIO, "gnuplot failed on %s.gp in '%s': %s", name, folder,
                              complaint);
    }
    unlink(log);
    return status;
}

hm_status_t hm_chart_draw(const hm_chart_t *chart, const char *folder, const char *name,
                          hm_error_t *err) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    size_t length = strlen(name);
    if (length == 0 || length > FILE_NAME - 8 || strspn(name, allowed) != length) {
        return hm_error_set(err, HM_EBUG, "no name of a chart: '%s'", name);
    }
    hm_status_t status = HM_OK;
    size_t size = strlen(folder) + length + 8;
    char *script = malloc(size);
    char *log = malloc(size);
    if (!script || !log) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for a chart"));
    }
    snprintf(script, size, "%s/%s.gp", folder, name);
    snprintf(log, size, "%s/%s.log", folder, name);
    HM_TRY(write_script(chart, script, name, err));
    HM_TRY(run(folder, name, log, err));
cleanup:
    free(script);
    free(log);
    return status;
}

bool hm_chart_possible(void) {
    const char *path = getenv("PATH");
    for (const char *c = path ? path : ""; *c;) {
        size_t length = strcspn(c, ":");
        char file[4096];
        int n = snprintf(file, sizeof file, "%.*s/gnuplot", (int)length, c);
        if (length > 0 && n > 0 && (size_t)n < sizeof file && access(file, X_OK) == 0) {
            return true;
        }
        c += length + (c[length] == ':');
    }
    return false;
}
