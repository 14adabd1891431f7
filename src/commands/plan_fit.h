/* Costs from samples: what takes so long for each u, and for each v. */
#ifndef HM_PLAN_FIT_H
#define HM_PLAN_FIT_H

/* Sums for the best a, b >= 0 in y = a*u + b*v, each sample weighted by 1/y. */
typedef struct plan_fit_t {
    double uu, uv, vv, uy, vy; /* weighted */
    double u, v, y;            /* plain */
} plan_fit_t;

void plan_fit_add(plan_fit_t *f, double u, double v, double y);

/* Scaled so that the samples' sum comes out. */
void plan_fit_solve(const plan_fit_t *f, double *a, double *b);

#endif
