/**
 * @file test_dataset_hostile.c Files that are not what they should be: an error, never a crash, a
 * hang, or memory without bound. Each batch of files is read in a child with little memory and
 * time. Arguments: how many mutations (default 2400) and a seed.
 */
#include <fcntl.h>
#include <hdf5.h>
#include <mpi.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "dataset_sample.h"
#include "runner.h"

enum { WIDTH = 61, HEIGHT = 47, BATCH = 100, CHANNELS = 3 };
enum { HEADERS = 65536 };        /**< sealed from end to end, but for four bytes */
enum { SECONDS = 300 };          /**< for a batch */
enum { MORE_MEMORY = 64 << 20 }; /**< than the process has at its start */

static int mutations = 2400;
static uint64_t state = 4711;
static char path[64];

static uint64_t draw(uint64_t below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % below;
}

/** Every way a command looks at a file. */
static hm_status_t look_at_all(void) {
    hm_status_t status = HM_OK;
    hm_error_t err = HM_ERROR_NONE;
    hm_reader_t *reader = NULL;
    hm_dataset_info_t info;
    hm_dataset_t *dataset = NULL;
    hm_session_t *sessions = NULL;
    hm_rank_account_t *accounts = NULL;
    hm_verified_t verified = {0};
    char *text = NULL;
    uint8_t *good = NULL;
    int count = 0;
    const hm_dataset_plan_t plan = sample_plan(WIDTH, HEIGHT, CHANNELS);
    HM_TRY(hm_reader_open(path, &reader, &info, &err));
    HM_TRY(hm_reader_configuration(reader, &text, &err));
    HM_TRY(hm_reader_history(reader, &sessions, &count, &err));
    HM_TRY(hm_reader_ranks(reader, &accounts, &count, &err));
    good = malloc((size_t)info.grid.height);
    HM_TRY(hm_reader_verify(reader, 0, info.grid.height, good, &verified, &err));
    hm_reader_close(reader);
    reader = NULL;
    HM_TRY(hm_dataset_resume(path, &plan, &info, &err));
    HM_TRY(hm_dataset_open(path, MPI_COMM_SELF, &dataset, &err));
    HM_TRY(hm_dataset_close(dataset, &err));
cleanup:
    if (status != HM_OK && err.text[0] == '\0') {
        status = HM_EBUG;
    }
    hm_reader_close(reader);
    free(text);
    free(sessions);
    free(accounts);
    free(good);
    return status;
}

/** Address space in use. */
static rlim_t memory_now(void) {
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%lu", &pages) != 1) {
        pages = 1ul << 20;
    }
    if (file) {
        fclose(file);
    }
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

/** Runs `look` in a child; its exit code, or -1 when it crashed, hung or ran out of memory. */
static int in_child(int (*look)(const void *), const void *context) {
    int code = 0;
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        const rlim_t most = memory_now() + MORE_MEMORY;
        const struct rlimit memory = {most, most};
        const struct rlimit core = {0, 0};
        if (!getenv("HM_TEST_SHORT")) {
            setrlimit(RLIMIT_AS, &memory);
        }
        setrlimit(RLIMIT_CORE, &core);
        alarm(SECONDS);
        _exit(look(context));
    }
    if (waitpid(child, &code, 0) != child || !WIFEXITED(code)) {
        return -1;
    }
    return WEXITSTATUS(code);
}

/** A sound file in memory, and the batch's state of the generator. */
typedef struct batch_t {
    const unsigned char *sound;
    size_t size;
    int count;
} batch_t;

static void put(const unsigned char *bytes, size_t size) {
    const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (write(file, bytes, size) != (ssize_t)size) {
        _exit(99);
    }
    close(file);
}

/** Changes 1 to 4 places of `bytes` below `limit`; whether anything but the flags is new. */
static bool mutate(unsigned char *bytes, size_t limit) {
    bool changed = false;
    for (uint64_t i = 0, places = 1 + draw(4); i < places; ++i) {
        const size_t at = draw(limit - 8);
        unsigned char before[8];
        memcpy(before, bytes + at, sizeof before);
        switch (draw(4)) {
        case 0:
            bytes[at] ^= (unsigned char)(1u << draw(8));
            break;
        case 1:
            bytes[at] = (unsigned char)draw(256);
            break;
        case 2:
            memset(bytes + at, 0xff, 8);
            break;
        default:
            memmove(bytes + at, bytes + draw(limit - 8), 8);
            break;
        }
        for (size_t k = 0; k < sizeof before; ++k) {
            changed = changed || (before[k] != bytes[at + k] && (at + k < 20 || at + k > 23));
        }
    }
    return changed;
}

/** 0, or the number of the mutation whose status was none of a reader's. */
static int look_at_mutations(const void *context) {
    const batch_t *batch = context;
    unsigned char *bytes = malloc(batch->size);
    int wrong = 0;
    for (int i = 0; i < batch->count && !wrong; ++i) {
        const bool in_headers = i % 2 == 0;
        memcpy(bytes, batch->sound, batch->size);
        const bool changed = mutate(bytes, in_headers ? (size_t)HEADERS : batch->size);
        size_t size = batch->size;
        if (i % 10 == 9) {
            size = draw(batch->size);
        }
        put(bytes, size);
        const hm_status_t status = look_at_all();
        const bool sound = status == HM_OK && !(changed && in_headers) && size == batch->size;
        if (!sound && status != HM_EDATA) {
            fprintf(stderr, "\n  mutation %d: %s\n", i, hm_status_name(status));
            wrong = i + 1;
        }
    }
    free(bytes);
    return wrong;
}

static void test_mutations(void) {
    hm_error_t err = HM_ERROR_NONE;
    hm_dataset_result_t result;
    struct stat found;
    CU_ASSERT_EQUAL_FATAL(sample_whole(path, WIDTH, HEIGHT, CHANNELS, 5, &result, &err), HM_OK);
    const int file = open(path, O_RDONLY);
    fstat(file, &found);
    unsigned char *sound = malloc((size_t)found.st_size);
    CU_ASSERT_EQUAL_FATAL(read(file, sound, (size_t)found.st_size), (ssize_t)found.st_size);
    close(file);
    for (int done = 0; done < mutations; done += BATCH) {
        const batch_t batch = {sound, (size_t)found.st_size,
                               mutations - done < BATCH ? mutations - done : BATCH};
        CU_ASSERT_EQUAL(in_child(look_at_mutations, &batch), 0);
        state += 0x9e3779b97f4a7c15u; /* the child's draws are its own */
    }
    printf(" (%d files) ", mutations);
    free(sound);
}

/** Makes a dataset of a shape and type in place of what is there. */
static void replace(hid_t file, const char *name, hid_t type, int rank, const hsize_t *shape,
                    const hsize_t *chunk) {
    hid_t space = H5Screate_simple(rank, shape, NULL);
    hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    if (chunk) {
        H5Pset_chunk(properties, rank, chunk);
    }
    H5Ldelete(file, name, H5P_DEFAULT);
    hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    CU_ASSERT_TRUE(dataset >= 0);
    H5Dclose(dataset);
    H5Pclose(properties);
    H5Sclose(space);
}

/** Replaces an attribute of /run, or of the root for "format" and "source". */
static void replace_attribute(hid_t file, const char *name, hid_t type, const void *value) {
    const bool root = strcmp(name, "format") == 0 || strcmp(name, "source") == 0;
    hid_t object = H5Oopen(file, root ? "/" : "/run", H5P_DEFAULT);
    hid_t space = H5Screate(H5S_SCALAR);
    H5Adelete(object, name);
    if (value) {
        hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
        CU_ASSERT_TRUE(attribute >= 0 && H5Awrite(attribute, type, value) >= 0);
        H5Aclose(attribute);
    }
    H5Sclose(space);
    H5Oclose(object);
}

/** The ways in which a sound HDF5 file is no data set; returns false when there are no more. */
static bool forge(hid_t file, int way) {
    const hsize_t image[2] = {HEIGHT, WIDTH};
    const hsize_t other[2] = {HEIGHT + 1, WIDTH};
    const hsize_t huge[2] = {1ull << 31, 1ull << 31};
    const hsize_t large[2] = {2147483647, 33554432};
    const hsize_t chunk[2] = {64, 64};
    const hsize_t whole_chunk[2] = {65535, 16384};
    const hsize_t height = HEIGHT;
    const double not_a_number = 0.0 / 0.0;
    const int32_t newer = 1000;
    const uint32_t zero = 0;
    const int64_t wide = 1000;
    const char *text = "a variable text";
    hid_t text_type = H5Tcopy(H5T_C_S1);
    H5Tset_size(text_type, H5T_VARIABLE);
    switch (way) {
    case 0:
        replace(file, "iterations", H5T_IEEE_F32LE, 2, image, NULL);
        break;
    case 1:
        replace(file, "iterations", H5T_STD_U64LE, 2, image, NULL);
        break;
    case 2:
        replace(file, "iterations", H5T_STD_U32LE, 1, image, NULL);
        break;
    case 3:
        replace(file, "iterations", H5T_STD_U32LE, 2, other, NULL);
        break;
    case 4:
        replace(file, "iterations", H5T_STD_U32LE, 2, huge, chunk);
        break;
    case 5:
        replace(file, "iterations", H5T_STD_U32LE, 2, large, chunk);
        break;
    case 6:
        replace(file, "smooth", H5T_STD_I32LE, 2, image, NULL);
        break;
    case 7:
        replace(file, "rows/done", H5T_STD_U8LE, 2, image, NULL);
        break;
    case 8:
        replace(file, "rows/crc32", H5T_STD_U32LE, 1, &height, NULL);
        break;
    case 9:
        replace(file, "run/ranks", H5T_STD_U8LE, 1, &height, NULL);
        break;
    case 10:
        replace(file, "re", H5T_STD_U8LE, 1, &height, NULL);
        break;
    case 11:
        H5Ldelete(file, "iterations", H5P_DEFAULT);
        H5Lcreate_soft("/iterations", file, "iterations", H5P_DEFAULT, H5P_DEFAULT);
        break;
    case 12:
        H5Ldelete(file, "iterations", H5P_DEFAULT);
        H5Lcreate_external("/dev/zero", "/x", file, "iterations", H5P_DEFAULT, H5P_DEFAULT);
        break;
    case 13:
        H5Ldelete(file, "iterations", H5P_DEFAULT);
        H5Gclose(H5Gcreate2(file, "iterations", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
        break;
    case 14:
        H5Ldelete(file, "run", H5P_DEFAULT);
        break;
    case 15:
        H5Ldelete(file, "rows", H5P_DEFAULT);
        break;
    case 16:
        replace_attribute(file, "format", H5T_NATIVE_INT32, &newer);
        break;
    case 17:
        replace_attribute(file, "format", H5T_NATIVE_INT32, NULL);
        break;
    case 18:
        replace_attribute(file, "source", text_type, &text);
        break;
    case 19:
        replace_attribute(file, "max_iter", H5T_NATIVE_UINT32, &zero);
        break;
    case 20:
        replace_attribute(file, "max_iter", H5T_NATIVE_INT64, &wide);
        break;
    case 21:
        replace_attribute(file, "bailout", H5T_NATIVE_DOUBLE, &not_a_number);
        break;
    case 22:
        replace_attribute(file, "re_step", H5T_NATIVE_DOUBLE, NULL);
        break;
    case 23:
        replace_attribute(file, "arith", text_type, &text);
        break;
    case 24:
        replace_attribute(file, "configuration", text_type, &text);
        break;
    case 25:
        replace_attribute(file, "complete", H5T_NATIVE_DOUBLE, &not_a_number);
        break;
    case 26:
        replace(file, "iterations", H5T_STD_U32LE, 2, large, whole_chunk);
        break;
    default:
        H5Tclose(text_type);
        return false;
    }
    H5Tclose(text_type);
    return true;
}

static int look_at_one(const void *context) {
    (void)context;
    return (int)look_at_all();
}

static void test_forgeries(void) {
    hm_error_t err = HM_ERROR_NONE;
    hm_dataset_result_t result;
    int way = 0;
    bool more = true;
    for (; more; ++way) {
        unlink(path);
        CU_ASSERT_EQUAL_FATAL(sample_whole(path, WIDTH, HEIGHT, CHANNELS, 5, &result, &err), HM_OK);
        hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
        CU_ASSERT_TRUE_FATAL(file >= 0);
        more = forge(file, way);
        H5Fclose(file);
        /* Longer by a byte the file has no seal at its end: nothing but the checks is left. */
        struct stat found;
        stat(path, &found);
        CU_ASSERT_EQUAL(truncate(path, found.st_size + 1), 0);
        const int status = more ? in_child(look_at_one, NULL) : HM_EDATA;
        if (status != HM_EDATA) {
            CU_FAIL("another status");
            printf("\n  forgery %d: %d\n", way, status);
        }
    }
    printf(" (%d ways) ", way - 1);
    CU_ASSERT_EQUAL(way - 1, 27);
}

/** A copy by another program has no seal at its end and is taken as it is. */
static void test_copies_are_taken(void) {
    hm_error_t err = HM_ERROR_NONE;
    hm_dataset_result_t result = {.crc32 = 0};
    char command[400];
    unlink(path);
    CU_ASSERT_EQUAL_FATAL(sample_whole(path, WIDTH, HEIGHT, CHANNELS, 5, &result, &err), HM_OK);
    snprintf(command, sizeof command, "h5repack -f SHUF -f GZIP=5 %s %s.2 && mv %s.2 %s", path,
             path, path, path);
    CU_ASSERT_EQUAL_FATAL(system(command), 0);
    hm_reader_t *reader = NULL;
    hm_dataset_info_t info = {.rows_done = 0};
    hm_verified_t verified = {0};
    uint8_t good[HEIGHT];
    CU_ASSERT_EQUAL_FATAL(hm_reader_open(path, &reader, &info, &err), HM_OK);
    CU_ASSERT_TRUE(info.result.complete);
    CU_ASSERT_EQUAL(info.result.crc32, result.crc32);
    CU_ASSERT_EQUAL(hm_reader_verify(reader, 0, HEIGHT, good, &verified, &err), HM_OK);
    CU_ASSERT_EQUAL(verified.good, HEIGHT);
    hm_reader_close(reader);
}

int main(int argc, char **argv) {
    static const hm_case_t cases[] = {
        {"mutations", test_mutations},
        {"forgeries", test_forgeries},
        {"copies by h5repack are taken", test_copies_are_taken},
        {NULL, NULL},
    };
    mutations = getenv("HM_TEST_SHORT") ? mutations / 10 : mutations;
    mutations = argc > 1 ? atoi(argv[1]) : mutations;
    state = argc > 2 ? (uint64_t)atoll(argv[2]) : state;
    MPI_Init(&argc, &argv);
    snprintf(path, sizeof path, "/tmp/hm-hostile-%ld.h5", (long)getpid());
    const int result = hm_run_cases("dataset hostile", cases);
    unlink(path);
    MPI_Finalize();
    return result;
}
