#include "cli/issuer/opening.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/ts_require.h"
#include "proto/token/base64url.h"
#include "proto/trust/id.h"
#include "proto/trust/pae.h"

#define FIRST_LINE "tipstaff login opening 1"

static struct ts_bytes text_bytes(const char *s)
{
    return (struct ts_bytes){.ptr = (const uint8_t *)s, .len = strlen(s)};
}

void opening_nonce(const struct opening *o, char ret[OPENING_NONCE_LEN + 1])
{
    const struct ts_bytes parts[] = {
        {.ptr = o->holder, .len = sizeof(o->holder)},
        text_bytes(o->task),
        text_bytes(o->aud),
        {.ptr = o->random, .len = sizeof(o->random)}};
    uint8_t hash[TRUST_HASH_LEN];
    size_t n = 0;
    ts_err e;

    pae_hash(hash, sizeof(hash), PAE_PREFIX "idp-nonce", parts, 4);
    e = base64url_encode(hash, sizeof(hash), ret, OPENING_NONCE_LEN, &n);
    TS_REQUIRE(e == TS_OK && n == OPENING_NONCE_LEN);
    ret[OPENING_NONCE_LEN] = '\0';
}

ts_err opening_write(const struct opening *o, char *out, size_t cap,
                     size_t *ret_len)
{
    char holder[2 * sizeof(o->holder) + 1], random[2 * sizeof(o->random) + 1];
    int n;

    ts_hex_encode(holder, o->holder, sizeof(o->holder));
    ts_hex_encode(random, o->random, sizeof(o->random));
    n = snprintf(out, cap,
                 FIRST_LINE "\nholder %s\ntask %s\naud %s\nrandom %s\n", holder,
                 o->task, o->aud, random);
    if (n < 0 || (size_t)n >= cap)
        return TS_E_LIMIT;
    *ret_len = (size_t)n;
    return TS_OK;
}

/* The rest of the next line, which must begin with word and a space (or be
 * word, when ret is NULL). */
static bool line(struct ts_str *rest, const char *word, struct ts_str *ret)
{
    const char *nl = rest->len > 0 ? memchr(rest->ptr, '\n', rest->len) : NULL;
    struct ts_str s = {.ptr = rest->ptr};
    size_t n = strlen(word);

    if (nl == NULL)
        return false;
    s.len = (size_t)(nl - rest->ptr);
    rest->ptr += s.len + 1;
    rest->len -= s.len + 1;
    if (ret == NULL)
        return ts_str_eq_c(s, word);
    if (s.len <= n + 1 || memcmp(s.ptr, word, n) != 0 || s.ptr[n] != ' ')
        return false;
    *ret = (struct ts_str){.ptr = s.ptr + n + 1, .len = s.len - n - 1};
    return true;
}

static bool copy_id(struct ts_str s, char out[TS_ID_MAX + 1])
{
    if (!trust_id_valid(s))
        return false;
    memcpy(out, s.ptr, s.len);
    out[s.len] = '\0';
    return true;
}

ts_err opening_read(struct ts_str text, struct opening *ret)
{
    struct ts_str holder, task, aud, random;
    struct opening o = {0};

    if (!line(&text, FIRST_LINE, NULL) || !line(&text, "holder", &holder) ||
        !line(&text, "task", &task) || !line(&text, "aud", &aud) ||
        !line(&text, "random", &random) || text.len != 0 ||
        ts_hex_decode(holder.ptr, holder.len, o.holder, sizeof(o.holder)) !=
            TS_OK ||
        ts_hex_decode(random.ptr, random.len, o.random, sizeof(o.random)) !=
            TS_OK ||
        !copy_id(task, o.task) || !copy_id(aud, o.aud) ||
        trust_pk_check(o.holder) != TS_OK)
        return TS_E_FORMAT;
    *ret = o;
    return TS_OK;
}
