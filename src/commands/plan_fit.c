/* What takes u times a and v times b, from samples. */
#include "plan_fit.h"

#include <stdbool.h>

void plan_fit_add(plan_fit_t *f, double u, double v, double y) {
    const double w = 1 / (y > 1e-9 ? y : 1e-9);
    f->uu += w * u * u;
    f->uv += w * u * v;
    f->vv += w * v * v;
    f->uy += w * u * y;
    f->vy += w * v * y;
    f->u += u;
    f->v += v;
    f->y += y;
}

void plan_fit_solve(const plan_fit_t *f, double *a, double *b) {
    const double det = f->uu * f->vv - f->uv * f->uv;
    double x = det > 1e-12 * f->uu * f->vv ? (f->uy * f->vv - f->vy * f->uv) / det : -1;
    double z = det > 1e-12 * f->uu * f->vv ? (f->vy * f->uu - f->uy * f->uv) / det : -1;
    if (x < 0 || z < 0) { /* one of them alone, whichever explains more */
        const bool first =
            f->uu > 0 && (!(f->vv > 0) || f->uy * f->uy * f->vv >= f->vy * f->vy * f->uu);
        x = first ? f->uy / f->uu : 0;
        z = first || !(f->vv > 0) ? 0 : f->vy / f->vv;
    }
    const double sum = x * f->u + z * f->v;
    const double scale = sum > 0 ? f->y / sum : 1;
    *a = x * scale;
    *b = z * scale;
}
