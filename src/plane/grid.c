/* Grids: from the text of a view to the doubles every rank derives its coordinates from. */
#include "hm_grid.h"

#include <math.h>
#include <mpfr.h>
#include <stddef.h>
#include <string.h>

#include "hm_text.h"

static const int64_t SIZE_MOST = INT32_MAX; /* columns, rows: 2^31 - 1 */

/* A pair of decimal numbers separated by one character, as slices of the user's text. */
typedef struct hm_slice_t {
    const char *text;
    size_t length;
} hm_slice_t;

static hm_status_t bad_number(hm_slice_t slice, const char *key, hm_error_t *err) {
    int shown = slice.length > 40 ? 40 : (int)slice.length;
    return hm_error_set(err, HM_EUSAGE, "%s: not a decimal number: '%.*s%s'", key, shown,
                        slice.text, slice.length > 40 ? "..." : "");
}

/* Sign, digits with at most one point, exponent. MPFR alone would also take nan, inf, @ and more.
 */
static bool is_decimal(hm_slice_t slice) {
    const char *at = slice.text;
    const char *end = at + slice.length;
    if (at < end && (*at == '+' || *at == '-')) {
        ++at;
    }
    size_t digits = 0;
    bool point = false;
    for (; at < end && ((*at >= '0' && *at <= '9') || (*at == '.' && !point)); ++at) {
        if (*at == '.') {
            point = true;
        } else {
            ++digits;
        }
    }
    if (digits == 0) {
        return false;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        ++at;
        if (at < end && (*at == '+' || *at == '-')) {
            ++at;
        }
        if (at == end) {
            return false;
        }
        while (at < end && *at >= '0' && *at <= '9') {
            ++at;
        }
    }
    return at == end;
}

/* Bits that hold every digit of the text and leave room for the sums made of it. */
static mpfr_prec_t precision_for(size_t digits) {
    return (mpfr_prec_t)(4 * digits + 256);
}

static hm_status_t parse(hm_slice_t slice, const char *key, mpfr_t value, hm_error_t *err) {
    if (!is_decimal(slice)) {
        return bad_number(slice, key, err);
    }
    char *end = NULL;
    mpfr_strtofr(value, slice.text, &end, 10, MPFR_RNDN);
    if (end != slice.text + slice.length || !mpfr_number_p(value)) {
        return bad_number(slice, key, err);
    }
    return HM_OK;
}

/* Splits at the one `separator`; false when there is none or there are more. */
static bool split(hm_slice_t whole, char separator, hm_slice_t *left, hm_slice_t *right) {
    const char *at = memchr(whole.text, separator, whole.length);
    if (!at) {
        return false;
    }
    size_t before = (size_t)(at - whole.text);
    left->text = whole.text;
    left->length = before;
    right->text = at + 1;
    right->length = whole.length - before - 1;
    return memchr(right->text, separator, right->length) == NULL;
}

static hm_slice_t slice_of(const char *text) {
    return (hm_slice_t){text, strlen(text)};
}

/* One axis while the grid is being made. */
typedef struct hm_axis_t {
    double first, step, end; /* `end` is where accumulated coordinates stop */
} hm_axis_t;

static hm_status_t axis_from_region(hm_slice_t part, const char *which, int64_t count,
                                    hm_axis_t *axis, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_slice_t low = {NULL, 0};
    hm_slice_t high = {NULL, 0};
    mpfr_t value;
    mpfr_init2(value, precision_for(part.length));
    if (!split(part, ':', &low, &high)) {
        status = hm_error_set(err, HM_EUSAGE, "region: give the %s axis as FROM:TO", which);
        goto cleanup;
    }
    HM_TRY(parse(low, "region", value, err));
    double first = mpfr_get_d(value, MPFR_RNDN);
    HM_TRY(parse(high, "region", value, err));
    double end = mpfr_get_d(value, MPFR_RNDN);
    double step = (end - first) / (double)count;
    if (!isfinite(first) || !isfinite(end) || !isfinite(step)) {
        status = hm_error_set(err, HM_EUSAGE,
                              "region: the %s axis exceeds double precision's range", which);
    } else if (step == 0.0) {
        status = hm_error_set(err, HM_EUSAGE,
                              "region: the %s axis is empty (as doubles its ends are one)", which);
    } else {
        *axis = (hm_axis_t){first, step, end};
    }
cleanup:
    mpfr_clear(value);
    return status;
}

static hm_status_t axes_from_region(const hm_view_t *view, hm_axis_t axes[2], hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_slice_t real = {NULL, 0};
    hm_slice_t imaginary = {NULL, 0};
    if (!split(slice_of(view->region), ',', &real, &imaginary)) {
        return hm_error_set(err, HM_EUSAGE, "region: give it as RE0:RE1,IM0:IM1");
    }
    HM_TRY(axis_from_region(real, "real", view->width, &axes[0], err));
    HM_TRY(axis_from_region(imaginary, "imaginary", view->height, &axes[1], err));
cleanup:
    return status;
}

/* Centre and span: everything in MPFR, rounded once at the end. */
static hm_status_t axes_from_center(const hm_view_t *view, hm_axis_t axes[2], hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_slice_t centre[2] = {{NULL, 0}, {NULL, 0}};
    hm_axis_t made[2];
    if (!split(slice_of(view->center), ',', &centre[0], &centre[1])) {
        return hm_error_set(err, HM_EUSAGE, "center: give it as RE,IM");
    }
    mpfr_prec_t bits = precision_for(strlen(view->center) + strlen(view->span));
    mpfr_t span, step, half, middle, edge;
    mpfr_inits2(bits, span, step, half, middle, edge, (mpfr_ptr)NULL);
    HM_TRY(parse(slice_of(view->span), "span", span, err));
    if (mpfr_sgn(span) <= 0) {
        status = hm_error_set(err, HM_EUSAGE, "span: must be greater than 0");
        goto cleanup;
    }
    mpfr_div_si(step, span, (long)view->width, MPFR_RNDN);
    const int64_t counts[2] = {view->width, view->height};
    for (int axis = 0; axis < 2; ++axis) {
        HM_TRY(parse(centre[axis], "center", middle, err));
        mpfr_mul_si(half, step, (long)counts[axis], MPFR_RNDN);
        mpfr_div_2ui(half, half, 1, MPFR_RNDN);
        if (axis == 1) { /* rows go down */
            mpfr_neg(half, half, MPFR_RNDN);
        }
        mpfr_sub(edge, middle, half, MPFR_RNDN);
        made[axis].first = mpfr_get_d(edge, MPFR_RNDN);
        mpfr_add(edge, middle, half, MPFR_RNDN);
        made[axis].end = mpfr_get_d(edge, MPFR_RNDN);
        made[axis].step = mpfr_get_d(step, MPFR_RNDN) * (axis == 1 ? -1.0 : 1.0);
        if (!isfinite(made[axis].first) || !isfinite(made[axis].end) ||
            !isfinite(made[axis].step)) {
            status = hm_error_set(err, HM_EUSAGE,
                                  "center, span: the view exceeds double precision's range");
            goto cleanup;
        }
        if (made[axis].step == 0.0) {
            status = hm_error_set(err, HM_EUSAGE,
                                  "span: so small that the step between points is zero in double "
                                  "precision");
            goto cleanup;
        }
    }
    axes[0] = made[0];
    axes[1] = made[1];
cleanup:
    mpfr_clears(span, step, half, middle, edge, (mpfr_ptr)NULL);
    return status;
}

/* The tutorial's loop: how many points until the end is reached. */
static hm_status_t count_accumulated(const hm_axis_t *axis, const char *which, int64_t *count,
                                     hm_error_t *err) {
    int64_t n = 0;
    for (double at = axis->first; axis->step > 0.0 ? at < axis->end : at > axis->end; ++n) {
        double next = at + axis->step;
        if (next == at) {
            return hm_error_set(err, HM_EUSAGE,
                                "coords: accumulated: on the %s axis the step is below the spacing "
                                "of doubles, so the sum never reaches the end; use exact",
                                which);
        }
        if (n >= SIZE_MOST) {
            return hm_error_set(err, HM_EUSAGE,
                                "coords: accumulated: too many points on the %s axis", which);
        }
        at = next;
    }
    *count = n;
    return HM_OK;
}

/* Spacing of doubles at the end of the axis farther from zero, against its step. */
static bool is_fine(double first, double step, int64_t count) {
    double last = first + (double)(count - 1) * step;
    double far = fmax(fabs(first), fabs(last));
    return fabs(step) < nextafter(far, INFINITY) - far;
}

hm_status_t hm_grid_make(const hm_view_t *view, hm_grid_t *grid, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_axis_t axes[2];
    int64_t width = view->width;
    int64_t height = view->height;
    if (width < 1 || height < 1 || width > SIZE_MOST || height > SIZE_MOST) {
        return hm_error_set(err, HM_EUSAGE, "size: width and height must be 1 to %lld",
                            (long long)SIZE_MOST);
    }
    if (view->region && (view->center || view->span)) {
        return hm_error_set(err, HM_EUSAGE, "give either region, or center and span, not both");
    }
    if (!view->region && (!view->center || !view->span)) {
        return hm_error_set(err, HM_EUSAGE, "a view needs center and span, or a region");
    }
    HM_TRY(view->region ? axes_from_region(view, axes, err) : axes_from_center(view, axes, err));
    if (view->coords == HM_COORDS_ACCUMULATED) {
        HM_TRY(count_accumulated(&axes[0], "real", &width, err));
        HM_TRY(count_accumulated(&axes[1], "imaginary", &height, err));
    }
    *grid = (hm_grid_t){
        .width = width,
        .height = height,
        .re0 = axes[0].first,
        .re_step = axes[0].step,
        .im0 = axes[1].first,
        .im_step = axes[1].step,
        .coords = view->coords,
        .fine = is_fine(axes[0].first, axes[0].step, width) ||
                is_fine(axes[1].first, axes[1].step, height),
    };
cleanup:
    return status;
}

static void fill(hm_coords_t coords, double start, double step, int64_t first, int64_t count,
                 double *out) {
    if (coords == HM_COORDS_EXACT) {
        for (int64_t k = 0; k < count; ++k) {
            out[k] = start + (double)(first + k) * step;
        }
        return;
    }
    double at = start;
    for (int64_t k = 0; k < first; ++k) {
        at += step;
    }
    for (int64_t k = 0; k < count; ++k) {
        out[k] = at;
        at += step;
    }
}

void hm_grid_re(const hm_grid_t *grid, int64_t first, int64_t count, double *re) {
    fill(grid->coords, grid->re0, grid->re_step, first, count, re);
}

void hm_grid_im(const hm_grid_t *grid, int64_t first, int64_t count, double *im) {
    fill(grid->coords, grid->im0, grid->im_step, first, count, im);
}
