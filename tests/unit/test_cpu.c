/* Processor, clock and version: what the machine and the build say of themselves. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hm_clock.h"
#include "hm_cpu.h"
#include "hm_version.h"
#include "runner.h"

enum { SCALAR_BIT = 1u << HM_ISA_SCALAR };

static uint32_t isas_masked(const char *mask) {
    if (mask) {
        setenv("HPCMANDEL_CPU_MASK", mask, 1);
    } else {
        unsetenv("HPCMANDEL_CPU_MASK");
    }
    uint32_t isas = hm_cpu_isas();
    unsetenv("HPCMANDEL_CPU_MASK");
    return isas;
}

/* The compiler's run-time library asks the same questions with code of its own. */
static void isas_agree_with_the_compiler(void) {
    uint32_t expected = SCALAR_BIT;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        expected |= 1u << HM_ISA_AVX2;
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
            expected |= 1u << HM_ISA_AVX512;
        }
    }
#elif defined(__aarch64__)
    expected |= 1u << HM_ISA_NEON;
#endif
    CU_ASSERT_EQUAL(isas_masked(NULL), expected);
}

static void mask_takes_away(void) {
    const uint32_t all = isas_masked(NULL);
    const uint32_t avx2_and_below = SCALAR_BIT | 1u << HM_ISA_NEON | 1u << HM_ISA_AVX2;
    CU_ASSERT_EQUAL(isas_masked("0"), SCALAR_BIT);
    CU_ASSERT_EQUAL(isas_masked("1"), SCALAR_BIT);
    CU_ASSERT_EQUAL(isas_masked("7"), all & avx2_and_below);
    CU_ASSERT_EQUAL(isas_masked("0x7"), all & avx2_and_below);
    CU_ASSERT_EQUAL(isas_masked("4"), SCALAR_BIT | (all & 1u << HM_ISA_AVX2));
    CU_ASSERT_EQUAL(isas_masked("0xffffffff"), all);
    CU_ASSERT_EQUAL(isas_masked("-1"), all);
}

static void mask_that_is_no_number_does_nothing(void) {
    const uint32_t all = isas_masked(NULL);
    CU_ASSERT_EQUAL(isas_masked(""), all);
    CU_ASSERT_EQUAL(isas_masked("avx2"), all);
    CU_ASSERT_EQUAL(isas_masked("1x"), all);
}

static void has_agrees_with_isas(void) {
    static const char *const masks[] = {"0", "5", "15"};
    for (size_t i = 0; i < sizeof masks / sizeof *masks; ++i) {
        setenv("HPCMANDEL_CPU_MASK", masks[i], 1);
        for (int isa = 0; isa < HM_ISA_COUNT; ++isa) {
            CU_ASSERT_EQUAL(hm_cpu_has((hm_isa_t)isa), (hm_cpu_isas() >> isa & 1u) != 0);
        }
    }
    unsetenv("HPCMANDEL_CPU_MASK");
    CU_ASSERT_TRUE(hm_cpu_has(HM_ISA_SCALAR));
    CU_ASSERT_FALSE(hm_cpu_has(HM_ISA_COUNT));
}

static void units_are_as_the_compiler_says_or_as_told(void) {
    bool intel = false;
#if defined(__x86_64__)
    __builtin_cpu_init();
    intel = __builtin_cpu_is("intel");
#endif
    unsetenv("HPCMANDEL_CPU_UNITS");
    CU_ASSERT_EQUAL(hm_cpu_shares_units(), intel);
    setenv("HPCMANDEL_CPU_UNITS", "shared", 1);
    CU_ASSERT_TRUE(hm_cpu_shares_units());
    setenv("HPCMANDEL_CPU_UNITS", "apart", 1);
    CU_ASSERT_FALSE(hm_cpu_shares_units());
    setenv("HPCMANDEL_CPU_UNITS", "some", 1);
    CU_ASSERT_EQUAL(hm_cpu_shares_units(), intel);
    unsetenv("HPCMANDEL_CPU_UNITS");
}

static void isas_have_the_options_names(void) {
    CU_ASSERT_STRING_EQUAL(hm_isa_name(HM_ISA_SCALAR), "scalar");
    CU_ASSERT_STRING_EQUAL(hm_isa_name(HM_ISA_NEON), "neon");
    CU_ASSERT_STRING_EQUAL(hm_isa_name(HM_ISA_AVX2), "avx2");
    CU_ASSERT_STRING_EQUAL(hm_isa_name(HM_ISA_AVX512), "avx512");
    CU_ASSERT_STRING_EQUAL(hm_isa_name(HM_ISA_COUNT), "unknown");
}

static void usable_follows_the_affinity_mask(void) {
    cpu_set_t before;
    CU_ASSERT_EQUAL_FATAL(sched_getaffinity(0, sizeof before, &before), 0);
    CU_ASSERT_EQUAL(hm_cpu_usable(), CPU_COUNT(&before));
    size_t first = 0;
    while (!CPU_ISSET(first, &before)) {
        ++first;
    }
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    CU_ASSERT_EQUAL_FATAL(sched_setaffinity(0, sizeof one, &one), 0);
    CU_ASSERT_EQUAL(hm_cpu_usable(), 1);
    CU_ASSERT_EQUAL(sched_setaffinity(0, sizeof before, &before), 0);
}

static void clock_goes_forward_in_seconds(void) {
    double before = hm_clock_now();
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    double passed = hm_clock_now() - before;
    CU_ASSERT(passed >= 0.02);
    CU_ASSERT(passed < 60.0); /* shared machines are slow, but not that slow */
    double last = hm_clock_now();
    for (int i = 0; i < 1000; ++i) {
        double now = hm_clock_now();
        CU_ASSERT(now >= last);
        last = now;
    }
}

static void iso8601_is_the_present_in_utc(void) {
    char text[21];
    time_t before = time(NULL);
    hm_clock_iso8601(text, sizeof text);
    time_t after = time(NULL);
    CU_ASSERT_EQUAL(strlen(text), 20);
    struct tm utc;
    memset(&utc, 0, sizeof utc);
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    CU_ASSERT_PTR_NOT_NULL_FATAL(end);
    CU_ASSERT_EQUAL(*end, '\0');
    time_t said = timegm(&utc);
    CU_ASSERT(before <= said && said <= after);
}

static void iso8601_respects_the_room(void) {
    char text[24];
    for (size_t size = 0; size < 21; ++size) {
        memset(text, '#', sizeof text);
        hm_clock_iso8601(text, size);
        CU_ASSERT_EQUAL(text[size], '#');
        CU_ASSERT(size == 0 || text[0] == '\0');
    }
}

static void version_says_something(void) {
    CU_ASSERT(strlen(hm_version()) > 0);
    CU_ASSERT(strlen(hm_revision()) > 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(hm_compiler(), __VERSION__));
    CU_ASSERT_PTR_NOT_NULL(strstr(hm_compiler(), "-ffp-contract=off"));
    CU_ASSERT_PTR_NULL(strpbrk(hm_compiler(), "\n\t"));
}

int main(void) {
    static const hm_case_t cases[] = {
        {"isas agree with the compiler's library", isas_agree_with_the_compiler},
        {"HPCMANDEL_CPU_MASK takes away", mask_takes_away},
        {"a mask that is no number does nothing", mask_that_is_no_number_does_nothing},
        {"has agrees with isas", has_agrees_with_isas},
        {"units are as the compiler's library says, or as told",
         units_are_as_the_compiler_says_or_as_told},
        {"isas have the option's names", isas_have_the_options_names},
        {"usable processors follow the affinity mask", usable_follows_the_affinity_mask},
        {"the clock goes forward, in seconds", clock_goes_forward_in_seconds},
        {"ISO 8601 is the present in UTC", iso8601_is_the_present_in_utc},
        {"ISO 8601 respects the room", iso8601_respects_the_room},
        {"version, revision and compiler say something", version_says_something},
        {NULL, NULL}};
    return hm_run_cases("cpu", cases);
}
