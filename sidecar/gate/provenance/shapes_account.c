/* What is known by its shape: accounts, wallets, cards and codes. */
#include <sodium.h>
#include <string.h>

#include "sidecar/gate/provenance/iban.h"
#include "sidecar/gate/provenance/shapes_priv.h"

#define CARD_GROUPS 4
#define CODE_DIGITS 6

#define HEX_LEN      42 /* 0x and 20 bytes */
#define BASE58_LEAST 26
#define BASE58_MOST  35
#define BASE58_BYTES 25 /* a version, 20 bytes, 4 of a checksum */
#define BECH32_LEAST 14
#define BECH32_MOST  90
#define BECH32_SUM   6

struct span text_account(struct text *t, size_t i)
{
    struct span none = {i, i}, s = {i, i + 4};
    size_t digits = 2;

    if (!text_is_letter(text_at(t, i)) || !text_is_letter(text_at(t, i + 1)) ||
        !text_is_digit(text_at(t, i + 2)) || !text_is_digit(text_at(t, i + 3)))
        return none;
    if (text_at(t, i + 4) == ' ' &&
        (i == 0 || !text_is_alnum(text_at(t, i - 1)))) {
        t->work += IBAN_PRINTED_MAX;
        s.end = i + iban_printed(
                        (struct ts_str){.ptr = t->p + i, .len = t->len - i});
        return s;
    }
    while (text_is_alnum(text_at(t, s.end)) && s.end - i <= IBAN_MAX)
        digits += text_is_digit(text_at(t, s.end++));
    return s.end - i >= 15 && s.end - i <= IBAN_MAX && digits >= 10 &&
                   text_is_alone(t, s)
               ? s
               : none;
}

struct span text_card(struct text *t, size_t i)
{
    struct span none = {i, i}, s = none;
    char between = text_at(t, i + 4);

    if (!text_is_digit(text_at(t, i)))
        return none;
    for (int g = 0; g < CARD_GROUPS; g++) {
        if (g > 0 && (between == ' ' || between == '-')) {
            if (text_at(t, s.end) != between)
                return none;
            s.end++;
        }
        for (int k = 0; k < 4; k++)
            if (!text_is_digit(text_at(t, s.end++)))
                return none;
    }
    return text_is_alone(t, s) ? s : none;
}

struct span text_code(struct text *t, size_t i)
{
    struct span none = {i, i}, s = none;

    while (text_is_digit(text_at(t, s.end)) && s.end - i <= CODE_DIGITS)
        s.end++;
    return s.end - i == CODE_DIGITS && text_is_alone(t, s) ? s : none;
}

/* ---- wallets ------------------------------------------------------------- */

static bool is_hex(struct text *t, struct span s)
{
    if (s.end - s.begin != HEX_LEN || t->p[s.begin] != '0' ||
        text_at(t, s.begin + 1) != 'x')
        return false;
    for (size_t k = s.begin + 2; k < s.end; k++)
        if (!text_is_digit(text_at(t, k)) && text_at(t, k) > 'f')
            return false;
    return true;
}

/* Of a letter or digit in an alphabet, or -1. */
static int value_in(const char *alphabet, char c)
{
    const char *at = c != '\0' ? strchr(alphabet, c) : NULL;

    return at != NULL ? (int)(at - alphabet) : -1;
}

static bool is_base58(struct text *t, struct span s)
{
    uint8_t bytes[BASE58_BYTES] = {0}, sum[crypto_hash_sha256_BYTES];

    if (s.end - s.begin < BASE58_LEAST || s.end - s.begin > BASE58_MOST)
        return false;
    t->work += s.end - s.begin;
    for (size_t k = s.begin; k < s.end; k++) {
        int v = value_in(
            "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
            t->p[k]);

        if (v < 0)
            return false;
        for (size_t b = BASE58_BYTES; b-- > 0; v >>= 8) {
            v += 58 * bytes[b];
            bytes[b] = (uint8_t)v;
        }
        if (v != 0)
            return false; /* longer than that */
    }
    (void)crypto_hash_sha256(sum, bytes, BASE58_BYTES - 4); /* cannot fail */
    (void)crypto_hash_sha256(sum, sum, sizeof(sum));
    return memcmp(sum, bytes + BASE58_BYTES - 4, 4) == 0;
}

static uint32_t polymod(uint32_t sum, int v)
{
    static const uint32_t by[5] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa,
                                   0x3d4233dd, 0x2a1462b3};
    const uint32_t top = sum >> 25;

    sum = (sum & 0x1ffffffu) << 5 ^ (uint32_t)v;
    for (int i = 0; i < 5; i++)
        if ((top >> i & 1) != 0)
            sum ^= by[i];
    return sum;
}

/* BIP 173 and 350: letters of one case, a prefix, "1", data, checksum. */
static bool is_bech32(struct text *t, struct span s)
{
    size_t one = s.end;
    uint32_t sum = 1;
    bool lower = false, upper = false;

    if (s.end - s.begin < BECH32_LEAST || s.end - s.begin > BECH32_MOST)
        return false;
    t->work += s.end - s.begin;
    for (size_t k = s.begin; k < s.end; k++) {
        lower = lower || (t->p[k] >= 'a' && t->p[k] <= 'z');
        upper = upper || (t->p[k] >= 'A' && t->p[k] <= 'Z');
        one = t->p[k] == '1' ? k : one;
    }
    if (one == s.end || one == s.begin || (lower && upper) ||
        s.end - one <= BECH32_SUM)
        return false;
    for (size_t k = s.begin; k < one; k++)
        sum = polymod(sum, text_at(t, k) >> 5);
    sum = polymod(sum, 0);
    for (size_t k = s.begin; k < one; k++)
        sum = polymod(sum, text_at(t, k) & 31);
    for (size_t k = one + 1; k < s.end; k++) {
        const int v =
            value_in("qpzry9x8gf2tvdw0s3jn54khce6mua7l", text_at(t, k));

        if (v < 0)
            return false;
        sum = polymod(sum, v);
    }
    return sum == 1 || sum == 0x2bc830a3;
}

struct span text_wallet(struct text *t, size_t i)
{
    struct span none = {i, i}, s = none;

    if (i < t->no_token || !text_is_alnum(text_at(t, i)))
        return none;
    while (text_is_alnum(text_at(t, s.end)))
        s.end++;
    t->no_token = s.end; /* all of a run, or nothing */
    return is_hex(t, s) || is_base58(t, s) || is_bech32(t, s) ? s : none;
}
