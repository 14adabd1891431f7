/* check: is this machine able to run the program, and, with FILE, does a data set file tell the
 * truth. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef HM_WITH_PETSC
#include <petscversion.h>
#endif

#include "check_file.h"
#include "commands.h"
#include "hm_cpu.h"
#include "hm_dataset.h"
#include "hm_kernel.h"
#include "hm_version.h"
#include "provenance.h"

static const char *const about =
    "Without FILE: what this machine offers, item by item, with versions; exit code 69 when "
    "something\n"
    "required is missing. Run it under mpirun to check that launch too.\n"
    "With FILE: all ranks compare its rows with their checksums, and the whole with sum, inside\n"
    "and crc32; exit code 65, with the rows or figures named, when they are not true. What is\n"
    "printed is the configuration that made it, which --config takes back; history and findings\n"
    "stand in it as comments.";

static const hm_option_t options[] = {{.key = NULL}};

typedef enum verdict_t { VERDICT_OK, VERDICT_WARN, VERDICT_MISSING } verdict_t;

/* Where the findings go: only rank 0 prints, every rank counts. */
typedef struct findings_t {
    bool speaks;
    int missing;
} findings_t;

static void say(findings_t *f, verdict_t verdict, const char *item, const char *format, ...)
    HM_PRINTF(4, 5);

static void say(findings_t *f, verdict_t verdict, const char *item, const char *format, ...) {
    static const char *const words[] = {"ok", "warning", "MISSING"};
    f->missing += verdict == VERDICT_MISSING;
    if (!f->speaks) {
        return;
    }
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    printf("%-8s %-14s %s\n", words[verdict], item, text);
}

static void check_mpi(findings_t *f, const hm_cluster_t *cluster) {
    char mpi[PROVENANCE_TEXT];
    provenance_mpi(mpi, sizeof mpi);
    bool mpich = strstr(mpi, "MPICH") != NULL;
    say(f, mpich ? VERDICT_OK : VERDICT_WARN, "mpi", "%s%s", mpi,
        mpich ? "" : ": not MPICH, which this program is made for and tested on");
    static const char *const levels[] = {"single", "funneled", "serialized", "multiple"};
    static const int values[] = {MPI_THREAD_SINGLE, MPI_THREAD_FUNNELED, MPI_THREAD_SERIALIZED,
                                 MPI_THREAD_MULTIPLE};
    int level = MPI_THREAD_SINGLE;
    MPI_Query_thread(&level);
    const char *name = "unknown";
    for (int i = 0; i < 4; ++i) {
        if (values[i] == level) {
            name = levels[i];
        }
    }
    say(f, level >= MPI_THREAD_FUNNELED ? VERDICT_OK : VERDICT_WARN, "thread level", "%s%s", name,
        level >= MPI_THREAD_FUNNELED ? "" : ": --threads above 1 is not safe");
    say(f, VERDICT_OK, "ranks", "%d on %d node%s, %d processors usable by this one%s",
        cluster->size, cluster->nodes, cluster->nodes == 1 ? "" : "s", hm_cpu_usable(),
        cluster->oversubscribed ? "; more ranks than processors" : "");
}

/* The first 50 x 50 points of the EuroSciPy 2012 tutorial's view: a sum known since 2012. */
static hm_status_t kernel_sum(const hm_kernel_t *kernel, uint64_t *sum, hm_error_t *err) {
    enum { SIDE = 50, KNOWN_ITER = 1000 };
    hm_view_t view = {.region = "-2.13:0.77,1.3:-1.3",
                      .width = SIDE,
                      .height = SIDE,
                      .coords = HM_COORDS_ACCUMULATED};
    hm_grid_t grid;
    hm_status_t status = hm_grid_make(&view, &grid, err);
    if (status != HM_OK) {
        return status;
    }
    double re[SIDE];
    double im[SIDE];
    uint32_t counts[SIDE * SIDE];
    if (grid.width != SIDE || grid.height != SIDE) {
        return hm_error_set(err, HM_EBUG, "the known grid has another size here");
    }
    hm_grid_re(&grid, 0, SIDE, re);
    hm_grid_im(&grid, 0, SIDE, im);
    hm_formula_t formula = {.max_iter = KNOWN_ITER, .bailout = 2};
    hm_tile_t tile = {re, SIDE, im, SIDE};
    hm_channels_t channels = {.iterations = counts};
    hm_poll_t poll = {0};
    status = hm_kernel_compute(kernel, &formula, &tile, &channels, NULL, &poll, err);
    if (status == HM_OK) {
        *sum = 0;
        for (int i = 0; i < SIDE * SIDE; ++i) {
            *sum += counts[i];
        }
    }
    return status;
}

static void check_kernels(findings_t *f) {
    static const uint64_t known = 509274;
    for (int isa = 0; isa < HM_ISA_COUNT; ++isa) {
        const char *name = hm_isa_name((hm_isa_t)isa);
        char item[32];
        snprintf(item, sizeof item, "kernel %s", name);
        if (!(hm_kernel_built() & (1u << isa))) {
            continue;
        }
        const hm_kernel_t *kernel = NULL;
        hm_error_t err = HM_ERROR_NONE;
        uint64_t sum = 0;
        if (hm_kernel_find((hm_isa_t)isa, &kernel, NULL) != HM_OK) {
            say(f, VERDICT_WARN, item, "built in, but this processor lacks it");
        } else if (kernel_sum(kernel, &sum, &err) != HM_OK) {
            say(f, VERDICT_MISSING, item, "%s", err.text);
        } else if (sum != known) {
            say(f, VERDICT_MISSING, item,
                "wrong: the known view sums to %llu, not %llu; the build contracts or reorders "
                "floating-point operations",
                (unsigned long long)sum, (unsigned long long)known);
        } else {
            say(f, VERDICT_OK, item, "gives the known sum %llu", (unsigned long long)known);
        }
    }
}

/* A 4 x size data set, one row a rank, written in parallel and read back. Collective. */
static hm_status_t try_dataset(const hm_context_t *context, const char *path, hm_error_t *err) {
    const hm_cluster_t *cluster = context->cluster;
    enum { WIDTH = 4 };
    hm_view_t view = {.center = "0,0", .span = "4", .width = WIDTH, .height = cluster->size};
    hm_dataset_plan_t plan = {.formula = {.max_iter = 10, .bailout = 2},
                              .channels = 1u << HM_CHANNEL_ITERATIONS,
                              .configuration = "",
                              .overwrite = true};
    hm_status_t status = hm_grid_make(&view, &plan.grid, err);
    if (status == HM_OK && cluster->rank == 0) {
        status = hm_dataset_create(path, &plan, err);
    }
    bool speaker = false;
    status = hm_agree(cluster, status, err, &speaker);
    if (status != HM_OK) {
        return status;
    }
    hm_dataset_t *dataset = NULL;
    status = hm_agree(cluster, hm_dataset_open(path, cluster->comm, &dataset, err), err, &speaker);
    if (status != HM_OK) {
        return status;
    }
    uint32_t mine[WIDTH] = {(uint32_t)cluster->rank, 1, 2, 3};
    uint64_t work = 1;
    double seconds = 0;
    hm_band_data_t band = {.first = cluster->rank,
                           .rows = 1,
                           .channel = {mine},
                           .work = &work,
                           .seconds = &seconds,
                           .rank = cluster->rank};
    hm_status_t written = hm_dataset_write_band(dataset, &band, err);
    hm_status_t closed = hm_dataset_close(dataset, written == HM_OK ? err : NULL);
    status = hm_agree(cluster, written != HM_OK ? written : closed, err, &speaker);
    if (status != HM_OK || cluster->rank != 0) {
        return status;
    }
    hm_reader_t *reader = NULL;
    hm_dataset_info_t info;
    status = hm_reader_open(path, &reader, &info, err);
    for (int row = 0; status == HM_OK && row < cluster->size; ++row) {
        uint32_t found[WIDTH];
        status = hm_reader_rows(reader, HM_CHANNEL_ITERATIONS, row, 1, found, err);
        if (status == HM_OK && (found[0] != (uint32_t)row || found[3] != 3)) {
            status = hm_error_set(err, HM_EIO, "row %d reads back other values than written", row);
        }
    }
    hm_reader_close(reader);
    return status;
}

/* The folder of the trial file must be one that all nodes see: the current one. */
static hm_status_t check_hdf5(findings_t *f, const hm_context_t *context) {
    const hm_cluster_t *cluster = context->cluster;
    char path[64] = "";
    if (cluster->rank == 0) {
        snprintf(path, sizeof path, ".hpcmandel-check-%ld.h5", (long)getpid());
    }
    hm_error_t err = HM_ERROR_NONE;
    MPI_Request request = MPI_REQUEST_NULL;
    hm_status_t status = hm_mpi_check(
        MPI_Ibcast(path, (int)sizeof path, MPI_CHAR, 0, cluster->comm, &request), "check", &err);
    if (status == HM_OK) {
        status = hm_wait(&request, "check", &err);
    }
    if (status == HM_OK) {
        status = try_dataset(context, path, &err);
    }
    bool speaker = false;
    status = hm_agree(cluster, status, &err, &speaker);
    if (cluster->rank == 0) {
        unlink(path);
    }
    if (status == HM_OK) {
        say(f, VERDICT_OK, "parallel hdf5", "%d rank%s wrote and read back a small file",
            cluster->size, cluster->size == 1 ? "" : "s");
    } else if (speaker) {
        /* The rank that knows says it, whoever it is. */
        findings_t loud = {.speaks = true};
        say(&loud, VERDICT_MISSING, "parallel hdf5", "%s", err.text);
        fflush(stdout);
    }
    f->missing += status != HM_OK;
    return status;
}

static void check_petsc(findings_t *f) {
#ifdef HM_WITH_PETSC
    say(f, VERDICT_OK, "petsc", "%d.%d.%d", PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR,
        PETSC_VERSION_SUBMINOR);
#else
    say(f, VERDICT_WARN, "petsc", "built without it (WITH_PETSC=0): no `potential` command");
#endif
}

/* Finds `name` on PATH; true with its full path in `found`. */
static bool find_program(const char *name, char *found, size_t size) {
    const char *path = getenv("PATH");
    while (path && *path) {
        size_t length = strcspn(path, ":");
        snprintf(found, size, "%.*s/%s", (int)length, path, name);
        if (length > 0 && access(found, X_OK) == 0) {
            return true;
        }
        path += length;
        path += *path == ':';
    }
    return false;
}

/* The first line that contains `needle` in what `path --version` prints, or its first line. */
static void program_version(const char *path, const char *needle, char *text, size_t size) {
    text[0] = '\0';
    char command[1200];
    /* The path comes from PATH; quote it for the shell. A quote in it: give up. */
    if (strchr(path, '\'') || snprintf(command, sizeof command, "'%s' --version 2>/dev/null",
                                       path) >= (int)sizeof command) {
        return;
    }
    FILE *pipe = popen(command, "r");
    if (!pipe) {
        return;
    }
    char line[512];
    while (fgets(line, sizeof line, pipe)) {
        line[strcspn(line, "\n")] = '\0';
        if (!text[0] || strstr(line, needle)) {
            snprintf(text, size, "%s", line + strspn(line, " "));
        }
    }
    pclose(pipe);
}

static void check_launchers(findings_t *f) {
    static const char *const launchers[] = {"mpirun.mpich", "mpirun", "srun", "sbatch", "qsub"};
    bool scheduler = false;
    bool hydra = false;
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; ++i) {
        char path[1024];
        if (!find_program(launchers[i], path, sizeof path)) {
            continue;
        }
        char version[256];
        program_version(path, "Version:", version, sizeof version);
        bool is_mpirun = strncmp(launchers[i], "mpirun", 6) == 0;
        if (is_mpirun && strstr(version, "Open MPI")) {
            say(f, VERDICT_WARN, launchers[i], "%s is Open MPI's (%s): it starts single ranks",
                path, version);
            continue;
        }
        hydra = hydra || is_mpirun;
        scheduler = scheduler || !is_mpirun;
        say(f, VERDICT_OK, launchers[i], "%s %s", path, version);
    }
    if (!hydra) {
        say(f, VERDICT_WARN, "mpirun", "no mpirun of MPICH on PATH: only one rank, or srun");
    }
    if (!scheduler) {
        say(f, VERDICT_WARN, "scheduler", "neither Slurm nor PBS commands on PATH");
    }
}

static hm_status_t check_machine(const hm_context_t *context) {
    findings_t f = {.speaks = context->cluster->rank == 0};
    hm_error_t err = HM_ERROR_NONE;
    if (f.speaks) {
        printf("hpcmandel %s (%s)\n", hm_version(), hm_revision());
    }
    check_mpi(&f, context->cluster);
    check_kernels(&f);
    hm_status_t status = check_hdf5(&f, context);
    if (f.speaks) {
        check_petsc(&f);
        check_launchers(&f);
    }
    (void)status;
    hm_status_t mine = f.missing ? hm_error_set(&err, HM_EMISSING,
                                                "something required is missing; see the lines "
                                                "marked MISSING")
                                 : HM_OK;
    return hm_meet(context, mine, &err);
}

static hm_status_t run_check(hm_context_t *context, int argc, char **argv) {
    hm_values_t values = {0};
    bool helped = false;
    int nothing = 0;
    hm_status_t status = hm_command_options(context, &hm_command_check, about, options, false, 1,
                                            argc, argv, &nothing, &values, &helped);
    if (status != HM_OK) {
        return status;
    }
    if (!helped) {
        if (values.positional_count == 1) {
            status = check_file(context, values.positional[0]);
        } else {
            status = check_machine(context);
        }
    }
    hm_options_free(&values);
    return status;
}

const hm_command_t hm_command_check = {
    .name = "check",
    .arguments = "[FILE]",
    .what = "is this machine able to run it; with FILE: are its checksum and figures true",
    .run = run_check,
};
