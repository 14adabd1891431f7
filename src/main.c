/* Starts MPI, picks the command. */
#include <fcntl.h>
#include <mpi.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hm_cluster.h"
#include "hm_command.h"
#include "hm_text.h"
#include "hm_version.h"

enum { MOST_COMMANDS = 32 };

static void print_usage(void) {
    printf("hpcmandel %s: the Mandelbrot set as a cluster workload\n\n"
           "Usage: [mpirun -np N] hpcmandel [COMMAND] [FILE] [OPTIONS]\n\nCommands:\n",
           hm_version());
    for (const hm_command_t *const *c = hm_commands; *c; ++c) {
        char call[64];
        snprintf(call, sizeof call, "%s%s%s", (*c)->name, (*c)->arguments[0] ? " " : "",
                 (*c)->arguments);
        printf("  %-18s %s%s\n", call, (*c)->what,
               c == hm_commands ? " (the default command)" : "");
    }
    printf(
        "\n  --help, -h         this text; COMMAND --help lists a command's options\n"
        "  --version          version, revision, compiler, libraries, kernels\n\n"
        "Exit codes: 0 done, 1 compare found differences, 64 usage, 65 the file is not what it\n"
        "should be, 69 something needed is missing, 70 bug, 73 cannot create the output, 74 I/O\n"
        "failed, 75 stopped early and resumable.\n");
}

/* "hpcmandel --help", and what people try who do not know yet how help is asked for here. */
static bool asks_for_help(const char *word) {
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

/* The command that argv names (and how many arguments its name took), or an error that names near
 * ones. */
static hm_status_t pick(int argc, char **argv, const hm_command_t **command, int *skip,
                        hm_error_t *err) {
    if (argc < 2 || argv[1][0] == '-') {
        *command = hm_commands[0];
        *skip = 0;
        return HM_OK;
    }
    const char *names[MOST_COMMANDS];
    int count = 0;
    for (const hm_command_t *const *c = hm_commands; *c; ++c) {
        if (strcmp(argv[1], (*c)->name) == 0) {
            *command = *c;
            *skip = 1;
            return HM_OK;
        }
        names[count++] = (*c)->name;
    }
    const char *near = hm_text_nearest(argv[1], names, count);
    return hm_error_set(err, HM_EUSAGE, "unknown command '%s'%s%s%s; hpcmandel --help lists them",
                        argv[1], near ? "; did you mean '" : "", near ? near : "", near ? "'" : "");
}

static hm_status_t run(hm_context_t *context, int argc, char **argv) {
    bool speaks = context->cluster->rank == 0;
    char help[] = "--help";
    char *of_command[] = {argv[0], NULL, help, NULL};
    if (argc == 2 && asks_for_help(argv[1])) {
        if (speaks) {
            print_usage();
        }
        return HM_OK;
    }
    if (argc > 2 && asks_for_help(argv[1])) { /* help COMMAND */
        of_command[1] = argv[2];
        argc = 3;
        argv = of_command;
    }
    if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
        if (speaks) {
            hm_about_print(stdout);
        }
        return HM_OK;
    }
    hm_error_t err = HM_ERROR_NONE;
    const hm_command_t *command = NULL;
    int skip = 0;
    hm_status_t status = hm_meet(context, pick(argc, argv, &command, &skip, &err), &err);
    return status == HM_OK ? command->run(context, argc - skip, argv + skip) : status;
}

/* Who closed one of the three standard streams (`2>&-`) must not find its messages in the data: the
 * next file opened would get the number. What is written there fails as before. */
static bool occupy_standard_streams(void) {
    for (int number = STDIN_FILENO; number <= STDERR_FILENO; ++number) {
        if (fcntl(number, F_GETFD) == -1 && open("/dev/null", O_RDONLY) != number) {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv) {
    if (!occupy_standard_streams()) {
        return HM_EMISSING;
    }
    /* A limit of file sizes is an error of writing, with a message, not a death. */
    signal(SIGXFSZ, SIG_IGN);
    if (hm_mpi_start(&argc, &argv) != MPI_SUCCESS) {
        fprintf(stderr, "hpcmandel: error: MPI does not start\n");
        return HM_EMISSING;
    }
    hm_cluster_t cluster;
    hm_error_t err = HM_ERROR_NONE;
    hm_status_t status = hm_cluster_open(MPI_COMM_WORLD, &cluster, &err);
    if (status != HM_OK) {
        hm_log_error(&err);
        MPI_Abort(MPI_COMM_WORLD, status);
        return status;
    }
    hm_context_t context = {.cluster = &cluster, .log = {HM_INFO, cluster.rank}};
    status = run(&context, argc, argv);
    /* Output that cannot be written is a failure too: a full disk behind a redirected summary. */
    bool lost = fflush(stdout) != 0 || ferror(stdout);
    if (lost && status == HM_OK) {
        hm_error_set(&err, HM_EIO, "standard output cannot be written");
        hm_log_error(&err);
        status = HM_EIO;
    }
    hm_cluster_close(&cluster);
    /* All output is complete before this point: some transports hang in MPI_Finalize now and then.
     */
    hm_mpi_end();
    return (int)status;
}
