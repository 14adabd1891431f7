/* Laws of scaling by linear least squares in relative residuals. */
#include "hm_fit.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

const char *hm_law_name(hm_law_t law) {
    static const char *const names[HM_LAW_COUNT] = {"Amdahl", "Gustafson",
                                                    "Universal Scalability Law"};
    return names[law];
}

const char *hm_law_parameter(hm_law_t law, int parameter) {
    static const char *const names[HM_LAW_COUNT][2] = {
        {"serial part of the work", ""},
        {"serial part of the time", ""},
        {"contention", "coherency"},
    };
    return names[law][parameter];
}

int hm_law_parameters(hm_law_t law) {
    return law == HM_LAW_USL ? 2 : 1;
}

/*
 * Each law as y = c + sum_k parameter_k * x_k, linear in its parameters: with y = p/S for Amdahl
 * and the USL, y = S for Gustafson. A small relative error of S is one of y.
 */
static void linear(hm_law_t law, double p, double s, double *y, double *c, double x[2]) {
    x[1] = p * (p - 1);
    if (law == HM_LAW_GUSTAFSON) {
        *y = s;
        *c = p;
        x[0] = -(p - 1);
    } else {
        *y = p / s;
        *c = 1;
        x[0] = p - 1;
    }
}

/* Normal equations of the relative residuals (y - c - sum a_k x_k) / y. */
typedef struct normal_t {
    double xx[2][2], xy[2];
} normal_t;

static normal_t gather(hm_law_t law, const double *cores, const double *speedup, int count) {
    normal_t n = {{{0}}, {0}};
    for (int i = 0; i < count; ++i) {
        if (cores[i] <= 1) {
            continue;
        }
        double y = 0;
        double c = 0;
        double x[2];
        linear(law, cores[i], speedup[i], &y, &c, x);
        for (int k = 0; k < 2; ++k) {
            n.xy[k] += x[k] * (y - c) / (y * y);
            for (int l = 0; l < 2; ++l) {
                n.xx[k][l] += x[k] * x[l] / (y * y);
            }
        }
    }
    return n;
}

/* One parameter alone, within its range. */
static double alone(const normal_t *n, int k, double most, bool *bound) {
    double value = n->xy[k] / n->xx[k][k];
    *bound = value < 0 || value > most;
    return value < 0 ? 0 : value > most ? most : value;
}

static double loss(const normal_t *n, const double a[2]) {
    double sum = -2 * (a[0] * n->xy[0] + a[1] * n->xy[1]);
    for (int k = 0; k < 2; ++k) {
        for (int l = 0; l < 2; ++l) {
            sum += a[k] * a[l] * n->xx[k][l];
        }
    }
    return sum;
}

/* Both parameters of the USL: the free minimum, or the better edge where that is outside. */
static void both(const normal_t *n, hm_fit_t *fit) {
    double det = n->xx[0][0] * n->xx[1][1] - n->xx[0][1] * n->xx[1][0];
    bool free = det > 1e-12 * n->xx[0][0] * n->xx[1][1];
    double a = free ? (n->xy[0] * n->xx[1][1] - n->xy[1] * n->xx[0][1]) / det : -1;
    double b = free ? (n->xy[1] * n->xx[0][0] - n->xy[0] * n->xx[1][0]) / det : -1;
    if (free && a >= 0 && b >= 0) {
        fit->parameter[0] = a;
        fit->parameter[1] = b;
        return;
    }
    bool bound[2];
    const double edge[2][2] = {{alone(n, 0, INFINITY, &bound[0]), 0},
                               {0, alone(n, 1, INFINITY, &bound[1])}};
    int best = loss(n, edge[1]) < loss(n, edge[0]);
    for (int k = 0; k < 2; ++k) {
        fit->parameter[k] = edge[best][k];
        fit->bound[k] = k != best || bound[k];
    }
}

/* Residuals, and the standard errors that they stand for where there is freedom left. */
static void judge(const normal_t *n, const double *cores, const double *speedup, int count,
                  hm_fit_t *fit) {
    double sum = 0;
    for (int i = 0; i < count; ++i) {
        if (cores[i] > 1) {
            double r = speedup[i] / hm_fit_speedup(fit, cores[i]) - 1;
            sum += r * r;
            if (fabs(r) >= fabs(fit->worst)) {
                fit->worst = r;
                fit->worst_cores = cores[i];
            }
            fit->most_cores = fmax(fit->most_cores, cores[i]);
        }
    }
    fit->rms = sqrt(sum / fit->points);
    int freedom = fit->points - fit->parameters;
    double variance = freedom > 0 ? sum / freedom : NAN;
    double det = n->xx[0][0] * n->xx[1][1] - n->xx[0][1] * n->xx[1][0];
    if (fit->parameters == 1) {
        fit->error[0] = sqrt(variance / n->xx[0][0]);
    } else {
        fit->error[0] = sqrt(variance * n->xx[1][1] / det);
        fit->error[1] = sqrt(variance * n->xx[0][0] / det);
    }
}

hm_status_t hm_fit(hm_law_t law, const double *cores, const double *speedup, int count,
                   hm_fit_t *fit, hm_error_t *err) {
    hm_fit_t f = {.law = law, .parameters = hm_law_parameters(law), .error = {NAN, NAN}};
    for (int i = 0; i < count; ++i) {
        if (!(cores[i] >= 1) || !isfinite(cores[i]) || !(speedup[i] > 0) || !isfinite(speedup[i])) {
            return hm_error_set(err, HM_EUSAGE, "no fit: point %d is not a speed-up", i + 1);
        }
        f.points += cores[i] > 1;
    }
    if (f.points == 0) {
        return hm_error_set(err, HM_EUSAGE, "no fit: nothing was measured above one core");
    }
    normal_t n = gather(law, cores, speedup, count);
    if (law == HM_LAW_USL) {
        both(&n, &f);
    } else {
        f.parameter[0] = alone(&n, 0, 1, &f.bound[0]);
    }
    judge(&n, cores, speedup, count, &f);
    *fit = f;
    return HM_OK;
}

double hm_fit_speedup(const hm_fit_t *fit, double cores) {
    const double *a = fit->parameter;
    if (fit->law == HM_LAW_GUSTAFSON) {
        return cores - a[0] * (cores - 1);
    }
    return cores / (1 + a[0] * (cores - 1) + a[1] * cores * (cores - 1));
}

void hm_fit_limit(const hm_fit_t *fit, double *cores, double *speedup) {
    const double *a = fit->parameter;
    *cores = INFINITY;
    *speedup = INFINITY;
    if (fit->law == HM_LAW_USL && a[1] > 0) {
        /* dS/dp = 0 at p^2 = (1 - a) / b */
        *cores = a[0] < 1 ? fmax(1, sqrt((1 - a[0]) / a[1])) : 1;
        *speedup = hm_fit_speedup(fit, *cores);
    } else if (fit->law != HM_LAW_GUSTAFSON && a[0] > 0) {
        *speedup = 1 / a[0];
    } else if (fit->law == HM_LAW_GUSTAFSON && a[0] >= 1) {
        *speedup = 1;
    }
}

/* Adds a sentence. */
HM_PRINTF(4, 5)
static void say(char *text, size_t size, size_t *used, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    if (*used + 1 < size) {
        int n = snprintf(text + *used, size - *used, "%s", *used ? " " : "");
        *used += (size_t)n;
        n = vsnprintf(text + *used, size - *used, format, arguments);
        *used += n > 0 ? (size_t)n : 0;
        *used = *used < size ? *used : size - 1;
    }
    va_end(arguments);
}

bool hm_fit_doubts(const hm_fit_t *fit, char *text, size_t size) {
    size_t used = 0;
    bool nothing = false;
    text[0] = '\0';
    if (fit->points <= fit->parameters) {
        say(text, size, &used,
            "It says nothing: %d point%s above one core for %d parameter%s, so the curve passes "
            "through whatever was measured.",
            fit->points, fit->points == 1 ? "" : "s", fit->parameters,
            fit->parameters == 1 ? "" : "s");
        nothing = true;
    }
    for (int k = 0; k < fit->parameters && !nothing; ++k) {
        const char *name = hm_law_parameter(fit->law, k);
        if (fit->bound[k]) {
            say(text, size, &used,
                "The %s was held at %g: the points ask for a value outside of "
                "its range%s.",
                name, fit->parameter[k],
                fit->parameter[k] == 0 ? " (a better speed-up than the law allows)" : "");
        } else if (fit->error[k] > 0 && fit->parameter[k] < 2 * fit->error[k]) {
            say(text, size, &used, "The %s cannot be told from 0.", name);
        }
    }
    if (fit->rms > 0.1) {
        say(text, size, &used,
            "The law does not describe these points: they lie %.0f %% off, root mean square.",
            100 * fit->rms);
    }
    if (!nothing && fit->most_cores < 8) {
        say(text, size, &used,
            "Nothing above %g cores was measured: what the curve says of more is a guess.",
            fit->most_cores);
    }
    return nothing;
}

double hm_karp_flatt(double cores, double speedup) {
    return (1 / speedup - 1 / cores) / (1 - 1 / cores);
}
