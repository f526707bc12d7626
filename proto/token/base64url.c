#include "proto/token/base64url.h"

/* Not constant time: what passes here is public once it is a token. */

static const char alphabet[64] = {
    'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M',
    'N', 'O', 'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z',
    'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm',
    'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '-', '_'};

#define NO_VALUE 64u

static uint32_t value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0') + 52;
    if (c == '-')
        return 62;
    return c == '_' ? 63 : NO_VALUE;
}

ts_err base64url_decode(struct ts_str in, uint8_t *out, size_t cap,
                        size_t *ret_len)
{
    uint32_t held = 0; /* bits that make no byte yet, and how many */
    unsigned bits = 0;
    size_t n = 0;

    if (in.len % 4 == 1)
        return TS_E_FORMAT;
    for (size_t i = 0; i < in.len; i++) {
        uint32_t v = value_of(in.ptr[i]);

        if (v == NO_VALUE)
            return TS_E_FORMAT;
        held = (held << 6) | v;
        bits += 6;
        if (bits < 8)
            continue;
        if (n == cap)
            return TS_E_LIMIT;
        bits -= 8;
        out[n++] = (uint8_t)(held >> bits);
        held &= (1u << bits) - 1;
    }
    if (held != 0)
        return TS_E_FORMAT;
    *ret_len = n;
    return TS_OK;
}

ts_err base64url_encode(const uint8_t *in, size_t len, char *out, size_t cap,
                        size_t *ret_len)
{
    uint32_t held = 0;
    unsigned bits = 0;
    size_t n = 0;

    if (len > SIZE_MAX / 2 || BASE64URL_LEN(len) > cap)
        return TS_E_LIMIT;
    for (size_t i = 0; i < len; i++) {
        held = ((held << 8) | in[i]) & 0xffff;
        bits += 8;
        while (bits >= 6) {
            bits -= 6;
            out[n++] = alphabet[(held >> bits) & 63];
        }
    }
    if (bits > 0)
        out[n++] = alphabet[(held << (6 - bits)) & 63];
    *ret_len = n;
    return TS_OK;
}
