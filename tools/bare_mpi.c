/* The least that an MPI program does: what tools/politeness.sh compares with. */
#include <mpi.h>

int main(int argc, char **argv) {
    int level = 0;
    return MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level) != MPI_SUCCESS ||
           MPI_Finalize() != MPI_SUCCESS;
}
