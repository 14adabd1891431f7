/* Options of render, and what they come to. */
#include <stdlib.h>
#include <string.h>

#include "hm_picture.h"
#include "hm_text.h"
#include "render.h"

static const char *const coords_names[] = {"exact", "accumulated", NULL};
static const char *const arith_names[] = {"ieee", "fma", NULL};
static const char *const isa_names[] = {"auto", "scalar", "avx2", "avx512", "neon", NULL};
static const hm_isa_t isa_values[] = {HM_ISA_SCALAR, HM_ISA_SCALAR, HM_ISA_AVX2, HM_ISA_AVX512,
                                      HM_ISA_NEON};
static const char *const interior_names[] = {"exact", "none", NULL};
static const char *const io_names[] = {"auto", "independent", "collective", "funnel", NULL};
static const char *const portion_names[] = {"auto", "fixed", "guided", "factoring", NULL};
static const char *const progress_names[] = {"auto", "never", NULL};

enum { LONGEST_PAIR = 65536 };

/* "RE,IM" as two finite doubles. */
static hm_status_t parse_pair(const char *text, double *re, double *im, hm_error_t *err) {
    char *buffer = malloc(LONGEST_PAIR);
    if (!buffer) {
        return hm_error_set(err, HM_EMISSING, "out of memory");
    }
    hm_status_t status = HM_OK;
    char *piece[2];
    int count = 0;
    double value[2];
    HM_TRY(hm_text_split(text, ',', buffer, LONGEST_PAIR, piece, 2, &count, err));
    if (count != 2) {
        status = hm_error_set(err, HM_EUSAGE, "expected RE,IM, not '%s'", text);
        goto cleanup;
    }
    HM_TRY(hm_text_real(piece[0], &value[0], err));
    HM_TRY(hm_text_real(piece[1], &value[1], err));
    *re = value[0];
    *im = value[1];
cleanup:
    free(buffer);
    return status;
}

static hm_status_t check_pair(const char *text, hm_error_t *err) {
    double re = 0;
    double im = 0;
    return parse_pair(text, &re, &im, err);
}

static hm_status_t check_size(const char *text, hm_error_t *err) {
    int64_t width = 0;
    int64_t height = 0;
    return hm_text_size(text, &width, &height, err);
}

static hm_status_t check_band(const char *text, hm_error_t *err) {
    int64_t rows = 0;
    return strcmp(text, "auto") == 0 ? HM_OK : hm_text_int(text, 1, INT32_MAX, &rows, err);
}

static hm_status_t check_bailout(const char *text, hm_error_t *err) {
    double value = 0;
    hm_status_t status = hm_text_real(text, &value, err);
    /* Its square is what |z|^2 is compared with: neither may leave the range of doubles. */
    if (status == HM_OK && !(value >= 1e-150 && value <= 1e150)) {
        status = hm_error_set(err, HM_EUSAGE, "must lie between 1e-150 and 1e150, not '%s'", text);
    }
    return status;
}

static hm_status_t check_alignment(const char *text, hm_error_t *err) {
    enum { PAGE = 4096 };
    int64_t bytes = 0;
    hm_status_t status = hm_text_int(text, PAGE, 1 << 30, &bytes, err);
    if (status == HM_OK && bytes % PAGE != 0) {
        status =
            hm_error_set(err, HM_EUSAGE, "must be a multiple of %d bytes, not '%s'", PAGE, text);
    }
    return status;
}

static hm_status_t check_time_limit(const char *text, hm_error_t *err) {
    double seconds = 0;
    hm_status_t status = hm_text_seconds(text, &seconds, err);
    if (status == HM_OK && !(seconds > 0)) {
        status = hm_error_set(err, HM_EUSAGE,
                              "no time at all: '%s'; leave it out for a run without a limit", text);
    }
    return status;
}

static hm_status_t check_channels(const char *text, hm_error_t *err) {
    uint32_t mask = 0;
    return hm_channels_parse(text, &mask, err);
}

static hm_status_t check_palette(const char *text, hm_error_t *err) {
    const hm_palette_t *palette = NULL;
    return hm_palette_find(text, &palette, err);
}

#define OPTION(name, kind, member, ...)                                                         \
    {                                                                                           \
        .key = (name), .type = HM_OPTION_##kind, .offset = offsetof(render_settings_t, member), \
        __VA_ARGS__                                                                             \
    }

const hm_option_t render_options[] = {
    OPTION("center", TEXT, center, .fallback = "-0.75,0", .value = "RE,IM", .group = "View",
           .help = "centre of the view, decimal strings of any length"),
    OPTION("span", TEXT, span, .fallback = "3.0", .value = "LENGTH", .group = "View",
           .help = "width of the view along the real axis, a decimal string; the height follows "
                   "from square pixels"),
    OPTION("region", TEXT, region, .value = "RE0:RE1,IM0:IM1", .group = "View",
           .excludes = "center,span",
           .help = "instead of center and span: column i is at RE0 + i*((RE1-RE0)/width), row j at "
                   "IM0 + j*((IM1-IM0)/height); half open"),
    OPTION("size", TEXT, size, .fallback = "1920x1280", .value = "WIDTHxHEIGHT", .group = "View",
           .check = check_size, .help = "pixels"),
    OPTION("coords", CHOICE, coords, .fallback = "exact", .choices = coords_names, .group = "View",
           .help = "exact: origin + index*step; accumulated: the step added again and again from "
                   "the start, as in the EuroSciPy 2012 tutorial, the number of rows and columns "
                   "following from it"),
    OPTION("max-iter", INT, max_iter, .fallback = "1000", .value = "N", .low = 1,
           .high = 4294967294, .group = "View", .help = "iteration limit, 1 to 4294967294"),
    OPTION("bailout", REAL, bailout, .fallback = "2", .value = "RADIUS", .check = check_bailout,
           .group = "View", .help = "escape radius"),
    OPTION("julia", TEXT, julia, .value = "RE,IM", .check = check_pair, .group = "View",
           .help = "a Julia set for this c: the pixel is z0"),
    OPTION("channels", TEXT, channels, .fallback = "iterations", .value = "LIST",
           .check = check_channels, .group = "View",
           .help = "list of iterations,smooth,distance,period"),
    OPTION("arith", CHOICE, arith, .fallback = "ieee", .choices = arith_names, .group = "Computing",
           .help = "ieee: textbook double arithmetic; fma: fused multiply-add, faster, other bits"),
    OPTION("isa", CHOICE, isa, .fallback = "auto", .choices = isa_names, .group = "Computing",
           .help = "instruction set of the kernel; an error when the machine lacks it"),
    OPTION("interior", CHOICE, interior, .fallback = "exact", .choices = interior_names,
           .group = "Computing",
           .help = "exact: short cuts that cannot change a count, rows that mirror each other "
                   "computed once; none: every update is really done"),
    OPTION("strategy", TEXT, strategy, .fallback = "auto", .value = "NAME", .group = "Distribution",
           .help = "who computes which rows, when: --strategy help lists them; auto is counter on "
                   "one node, hier on several"),
    OPTION("band", TEXT, band, .fallback = "auto", .value = "ROWS", .check = check_band,
           .group = "Distribution", .help = "rows handed out and written at a time, or auto"),
    OPTION("threads", INT, threads, .fallback = "1", .value = "N", .low = 1, .high = 4096,
           .group = "Distribution",
           .help = "OpenMP threads in a rank; when not given, what the scheduler says "
                   "(SLURM_CPUS_PER_TASK, or OMP_NUM_THREADS)"),
    OPTION("portion", CHOICE, portion, .fallback = "auto", .choices = portion_names,
           .group = "Distribution",
           .help = "how pool, counter and hier size what a rank draws: fixed: one band; guided: a "
                   "share of the remainder; factoring: batches of half the remainder"),
    OPTION("idle-coordinator", FLAG, idle_coordinator, .group = "Distribution",
           .help = "pool: the coordinator only coordinates"),
    OPTION("io", CHOICE, io, .fallback = "auto", .choices = io_names, .group = "Output",
           .help = "how bands reach the file; independent: every rank writes its own; collective: "
                   "in rounds of all ranks together; funnel: through one rank a node; auto is "
                   "independent, and funnel where ranks outnumber processors"),
    OPTION("output", TEXT, output, .fallback = "results/mandel.h5", .value = "FILE",
           .group = "Output", .help = "data set file"),
    OPTION("overwrite", FLAG, overwrite, .group = "Output", .not_in_echo = true,
           .help = "replace an output that exists"),
    OPTION("resume", FLAG, resume, .group = "Output", .not_in_echo = true, .excludes = "overwrite",
           .help = "go on with an output that exists: computes only the rows that are not in it; "
                   "starts one where there is none. An error if its view differs"),
    OPTION("checkpoint", SECONDS, checkpoint, .fallback = "60", .value = "SECONDS",
           .group = "Output", .help = "time between forced flushes to the disk; 0: never"),
    OPTION("alignment", INT, alignment, .fallback = "4096", .value = "BYTES", .low = 4096,
           .high = 1 << 30, .check = check_alignment, .group = "Output",
           .help = "where channels begin in the file: at multiples of this, the stripe size of a "
                   "parallel file system say"),
    OPTION("hint", TEXT, hint, .value = "KEY=VALUE,...", .list = true, .check = render_check_hints,
           .group = "Output",
           .help = "hints for MPI-IO, such as cb_nodes=4 or romio_cb_write=enable; unknown ones "
                   "are ignored. May be given several times"),
    OPTION("time-limit", SECONDS, time_limit, .value = "TIME", .check = check_time_limit,
           .group = "Output",
           .help =
               "stop cleanly after this long (90, 1.5m, 2h, HH:MM:SS, D-HH:MM:SS), with exit "
               "code 75; SIGTERM, SIGINT and SIGUSR1 do the same. Not while the file is made: 8 "
               "bytes a column and row, seconds where there are 10^8"),
    OPTION("png", TEXT, png, .value = "FILE", .group = "Output", .help = "also write a picture"),
    OPTION("palette", TEXT, palette, .value = "NAME", .check = check_palette, .group = "Output",
           .help = "colours of the picture: " HM_PALETTE_NAMES),
    OPTION("progress", CHOICE, progress, .fallback = "auto", .choices = progress_names,
           .group = "Report", .not_in_echo = true,
           .help = "auto: a bar with rate and remaining time on a terminal, a line every 30 s in "
                   "a job's log; never"),
    OPTION("stats", TEXT, stats, .value = "FILE", .group = "Report", .not_in_echo = true,
           .help = "the run's figures as JSON"),
    OPTION("trace", TEXT, trace, .value = "FILE", .group = "Report", .not_in_echo = true,
           .help = "what each rank did when, as Chrome trace events (Perfetto opens them)"),
    OPTION("quiet", FLAG, quiet, .group = "Report", .not_in_echo = true,
           .help = "errors only on standard error"),
    OPTION("verbose", FLAG, verbose, .group = "Report", .not_in_echo = true,
           .help = "say what is being done"),
    {.key = NULL}};

/* Threads: the option, else the scheduler's word, else 1. */
static int resolve_threads(const render_settings_t *settings, const hm_values_t *values) {
    if (hm_options_given(values, "threads")) {
        return (int)settings->threads;
    }
    static const char *const variables[] = {"SLURM_CPUS_PER_TASK", "OMP_NUM_THREADS"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; ++i) {
        const char *text = getenv(variables[i]);
        int64_t threads = 0;
        if (text && hm_text_int(text, 1, 4096, &threads, NULL) == HM_OK) {
            return (int)threads;
        }
    }
    return (int)settings->threads;
}

static hm_status_t resolve_view(const render_settings_t *settings, hm_grid_t *grid,
                                hm_error_t *err) {
    hm_view_t view = {.center = settings->region ? NULL : settings->center,
                      .span = settings->region ? NULL : settings->span,
                      .region = settings->region,
                      .coords = (hm_coords_t)settings->coords};
    hm_status_t status = hm_text_size(settings->size, &view.width, &view.height, err);
    return status == HM_OK ? hm_grid_make(&view, grid, err) : status;
}

hm_delivery_t render_delivery(const render_settings_t *settings, bool take_turns) {
    static const hm_delivery_t deliveries[] = {HM_DELIVERY_DIRECT, HM_DELIVERY_DIRECT,
                                               HM_DELIVERY_ROUNDS, HM_DELIVERY_FUNNEL};
    /* Opening a file takes many steps of all who open it, each a turn of every rank on a processor:
     * where they must take turns, one a node opens it for all. */
    return settings->io == 0 && take_turns ? HM_DELIVERY_FUNNEL : deliveries[settings->io];
}

hm_status_t render_band_rows(const render_settings_t *settings, const render_plan_t *plan,
                             int ranks, int64_t *rows, hm_error_t *err) {
    if (strcmp(settings->band, "auto") != 0) {
        return hm_text_int(settings->band, 1, INT32_MAX, rows, err);
    }
    /* With its twin a band is written in two pieces, each as large as others are at least. */
    const int64_t pieces = plan->mirror.pairs > 0 ? 2 : 1;
    const int64_t row_bytes = (int64_t)render_band_bytes(plan, 1) / pieces;
    const int64_t computed = plan->grid.height - plan->mirror.pairs;
    *rows = hm_band_rows_auto(computed, ranks, row_bytes, (INT64_C(4) << 20) / pieces);
    return HM_OK;
}

hm_status_t render_resolve(const render_settings_t *settings, const hm_values_t *values,
                           const hm_cluster_t *cluster, render_plan_t *plan, hm_error_t *err) {
    hm_status_t status = HM_OK;
    render_plan_t p = {.formula = {.max_iter = (uint32_t)settings->max_iter,
                                   .bailout = settings->bailout,
                                   .arith = (hm_arith_t)settings->arith,
                                   .interior = (hm_interior_t)settings->interior}};
    HM_TRY(resolve_view(settings, &p.grid, err));
    if (settings->julia) {
        p.formula.julia = true;
        HM_TRY(parse_pair(settings->julia, &p.formula.julia_re, &p.formula.julia_im, err));
    }
    p.mirror = hm_mirror_find(&p.grid, &p.formula);
    HM_TRY(hm_channels_parse(settings->channels, &p.channels, err));
    if (settings->isa == 0) {
        HM_TRY(hm_kernel_best(&p.kernel));
    } else {
        HM_TRY(hm_kernel_find(isa_values[settings->isa], &p.kernel, err));
    }
    if (p.channels != 1u << HM_CHANNEL_ITERATIONS && !hm_kernel_has_channels(p.kernel)) {
        status = hm_error_set(err, HM_EMISSING, "channels: this build computes iterations only");
        goto cleanup;
    }
    HM_TRY(hm_strategy_find(settings->strategy, cluster, &p.strategy, err));
    p.threads = resolve_threads(settings, values);
    /* Ranks that take turns on few processors are balanced by these turns. */
    const int workers = cluster->oversubscribed ? (cluster->size + 1) / 2 : cluster->size;
    HM_TRY(render_band_rows(settings, &p, workers, &p.band_rows, err));
    *plan = p;
cleanup:
    return status;
}
