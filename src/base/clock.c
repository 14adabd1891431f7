#include "hm_clock.h"

#include <time.h>

double hm_clock_now(void) {
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock on Linux */
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void hm_clock_iso8601(char *text, size_t size) {
    if (size == 0) {
        return;
    }
    time_t now = time(NULL);
    struct tm utc;
    if (!gmtime_r(&now, &utc) || strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0) {
        text[0] = '\0'; /* strftime leaves garbage when the room is too small */
    }
}
