/*
 * Command lines of hpcmandel one after the other, by ranks that are started once: to start and end
 * 64 of them takes seconds on a small machine.
 *
 *     mpirun -np 64 build/tests/commands FILE
 *
 * FILE has a command line a line, its words separated by tabs, without the program's name and with
 * the command's. After what a command prints, rank 0 prints `exit N`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hm_cluster.h"
#include "hm_command.h"

enum { MOST_WORDS = 64 };

/* The command of that name; NULL: there is none. */
static const hm_command_t *find(const char *name) {
    for (const hm_command_t *const *c = hm_commands; *c; ++c) {
        if (strcmp((*c)->name, name) == 0) {
            return *c;
        }
    }
    return NULL;
}

/* As main() of hpcmandel does it, between start and end of MPI. */
static int run_line(char *line) {
    char *words[MOST_WORDS + 1] = {NULL};
    int count = 0;
    for (char *rest = line, *word = strsep(&rest, "\t\n"); word && count < MOST_WORDS;
         word = strsep(&rest, "\t\n")) {
        if (*word) {
            words[count++] = word;
        }
    }
    const hm_command_t *command = count > 0 ? find(words[0]) : NULL;
    hm_cluster_t cluster;
    hm_error_t err = HM_ERROR_NONE;
    if (!command || hm_cluster_open(MPI_COMM_WORLD, &cluster, &err) != HM_OK) {
        fprintf(stderr, "cannot run '%s': %s\n", count > 0 ? words[0] : "", err.text);
        MPI_Abort(MPI_COMM_WORLD, 1);
        return 1;
    }
    hm_context_t context = {.cluster = &cluster, .log = {HM_INFO, cluster.rank}};
    int status = (int)command->run(&context, count, words);
    if (cluster.rank == 0) {
        printf("exit %d\n", status);
        fflush(stdout);
    }
    hm_cluster_close(&cluster);
    return status;
}

int main(int argc, char **argv) {
    char line[4096];
    int failed = 0;
    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (!file || hm_mpi_start(&argc, &argv) != MPI_SUCCESS) {
        fprintf(stderr, "usage: mpirun commands FILE\n");
        return 1;
    }
    while (fgets(line, sizeof line, file)) {
        failed += run_line(line) != 0;
    }
    fclose(file);
    hm_mpi_end();
    return failed ? 1 : 0;
}
