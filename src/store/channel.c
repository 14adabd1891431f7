/** @file channel.c Names of channels, and lists of them. */
#include "layout.h"

#include <stdio.h>
#include <string.h>

#include "hm_text.h"

const char *hm_channel_name(hm_channel_t channel) {
    return hm_layout_channel(channel)->name;
}

hm_status_t hm_channels_parse(const char *text, uint32_t *mask, hm_error_t *err) {
    hm_status_t status = HM_OK;
    char buffer[256];
    char *pieces[HM_CHANNEL_COUNT];
    const char *names[HM_CHANNEL_COUNT];
    int count = 0;
    uint32_t found = 0;
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        names[channel] = hm_channel_name((hm_channel_t)channel);
    }
    HM_TRY(hm_text_split(text, ',', buffer, sizeof buffer, pieces, HM_CHANNEL_COUNT, &count, err));
    for (int i = 0; i < count; ++i) {
        int channel = 0;
        while (channel < HM_CHANNEL_COUNT && strcmp(pieces[i], names[channel]) != 0) {
            ++channel;
        }
        if (channel == HM_CHANNEL_COUNT) {
            const char *near = hm_text_nearest(pieces[i], names, HM_CHANNEL_COUNT);
            HM_TRY(hm_error_set(err, HM_EUSAGE,
                                "unknown channel '%s'%s%s%s; there are iterations, smooth, "
                                "distance, period",
                                pieces[i], near ? " (did you mean '" : "", near ? near : "",
                                near ? "'?)" : ""));
        }
        if (found & (1u << channel)) {
            HM_TRY(hm_error_set(err, HM_EUSAGE, "the channel '%s' is named twice", pieces[i]));
        }
        found |= 1u << channel;
    }
    *mask = found | 1u << HM_CHANNEL_ITERATIONS;
cleanup:
    return status;
}
