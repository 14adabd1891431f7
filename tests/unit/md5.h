/** @file md5.h The message digest of RFC 1321, for answers that are published as one. */
#ifndef HM_TEST_MD5_H
#define HM_TEST_MD5_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void md5_block(uint32_t state[4], const unsigned char *block) {
    static const int turns[4][4] = {
        {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    static const int stride[4] = {1, 5, 3, 7};
    static const int offset[4] = {0, 1, 5, 0};
    uint32_t word[16];
    for (int k = 0; k < 16; ++k) {
        word[k] = (uint32_t)block[4 * k] | (uint32_t)block[4 * k + 1] << 8 |
                  (uint32_t)block[4 * k + 2] << 16 | (uint32_t)block[4 * k + 3] << 24;
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    for (int k = 0; k < 64; ++k) {
        const int round = k / 16;
        const uint32_t mixed = round == 0   ? (b & c) | (~b & d)
                               : round == 1 ? (d & b) | (~d & c)
                               : round == 2 ? b ^ c ^ d
                                            : c ^ (b | ~d);
        const uint32_t sine = (uint32_t)(int64_t)floor(fabs(sin(k + 1.0)) * 4294967296.0);
        const uint32_t sum = a + mixed + sine + word[(stride[round] * k + offset[round]) % 16];
        const int turn = turns[round][k % 4];
        a = d;
        d = c;
        c = b;
        b += sum << turn | sum >> (32 - turn);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

/** The digest of `length` bytes as 32 hexadecimal digits. */
static inline void md5_text(const unsigned char *bytes, size_t length, char text[33]) {
    uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    const size_t padded = (length + 8) / 64 * 64 + 64;
    unsigned char *message = calloc(padded, 1);
    if (!message) {
        abort();
    }
    memcpy(message, bytes, length);
    message[length] = 0x80;
    for (int k = 0; k < 8; ++k) {
        message[padded - 8 + (size_t)k] = (unsigned char)((uint64_t)length * 8 >> 8 * k);
    }
    for (size_t k = 0; k < padded; k += 64) {
        md5_block(state, message + k);
    }
    free(message);
    for (int k = 0; k < 16; ++k) {
        snprintf(text + 2 * k, 3, "%02x", state[k / 4] >> 8 * (k % 4) & 0xff);
    }
}

#endif
