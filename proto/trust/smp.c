#include "proto/trust/smp.h"

void smp_init(struct smp *s, struct ts_bytes in)
{
    mp_reader_init(&s->r, in.ptr, in.len);
}

/* The reader below takes 32-bit headers; nothing signed is that large, so here
 * they can only be an attack, whatever length they claim. */
static void no_wide_header(struct smp *s)
{
    if (s->r.error != TS_OK || s->r.at == s->r.end)
        return;
    if (*s->r.at == 0xc6 || *s->r.at == 0xdb || *s->r.at == 0xdd)
        mp_fail(&s->r, TS_E_FORMAT, "32-bit header");
}

enum trust_code smp_begin(struct smp *s, uint32_t count, uint64_t version)
{
    uint32_t fields = smp_array(s);
    uint64_t got = smp_uint(s);
    enum trust_code c = smp_error(s);

    if (c != TRUST_OK)
        return c;
    if (got != version)
        return TRUST_E_VERSION;
    if (fields != count)
        mp_fail(&s->r, TS_E_FORMAT, "wrong count of fields");
    return smp_error(s);
}

uint64_t smp_uint(struct smp *s)
{
    return mp_read_uint(&s->r, UINT64_MAX);
}

struct ts_str smp_str(struct smp *s, size_t max_len)
{
    no_wide_header(s);
    return mp_read_str(&s->r, max_len);
}

struct ts_bytes smp_bin(struct smp *s, size_t max_len)
{
    no_wide_header(s);
    return mp_read_bin(&s->r, max_len);
}

void smp_bin_exact(struct smp *s, uint8_t *out, size_t len)
{
    no_wide_header(s);
    mp_read_bin_exact(&s->r, out, len);
}

const uint8_t *smp_bin_ref(struct smp *s, size_t len)
{
    struct ts_bytes b = smp_bin(s, SIZE_MAX);

    if (s->r.error == TS_OK && b.len != len)
        mp_fail(&s->r, TS_E_FORMAT, "byte string of the wrong length");
    return s->r.error == TS_OK ? b.ptr : NULL;
}

uint32_t smp_array(struct smp *s)
{
    no_wide_header(s);
    return mp_read_array(&s->r, UINT16_MAX);
}

void smp_tuple(struct smp *s, uint32_t count)
{
    no_wide_header(s);
    mp_read_tuple(&s->r, count);
}

enum trust_code smp_error(const struct smp *s)
{
    if (s->r.error == TS_OK)
        return TRUST_OK;
    return s->r.error == TS_E_LIMIT ? TRUST_E_LIMIT : TRUST_E_FORMAT;
}

enum trust_code smp_done(struct smp *s)
{
    return mp_done(&s->r) == TS_OK ? TRUST_OK : smp_error(s);
}
