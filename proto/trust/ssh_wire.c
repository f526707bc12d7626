#include "proto/trust/ssh_wire.h"

#include <string.h>

struct ssh_in ssh_in_of(struct ts_bytes b)
{
    return (struct ssh_in){.at = b.ptr,
                           .end = b.len > 0 ? b.ptr + b.len : b.ptr};
}

struct ts_bytes ssh_take(struct ssh_in *in, size_t n)
{
    struct ts_bytes b = {.ptr = in->at, .len = n};

    if (in->bad || (size_t)(in->end - in->at) < n) {
        in->bad = true;
        return (struct ts_bytes){0};
    }
    in->at += n;
    return b;
}

uint32_t ssh_take_u32(struct ssh_in *in)
{
    struct ts_bytes b = ssh_take(in, 4);

    return in->bad ? 0
                   : (uint32_t)b.ptr[0] << 24 | (uint32_t)b.ptr[1] << 16 |
                         (uint32_t)b.ptr[2] << 8 | b.ptr[3];
}

struct ts_bytes ssh_take_string(struct ssh_in *in)
{
    return ssh_take(in, ssh_take_u32(in));
}

bool ssh_in_is_done(const struct ssh_in *in)
{
    return !in->bad && in->at == in->end;
}

bool ssh_bytes_are(struct ts_bytes b, const char *text)
{
    return b.len == strlen(text) && memcmp(b.ptr, text, b.len) == 0;
}

bool ssh_public_key_read(struct ts_bytes blob, struct ssh_public_key *ret)
{
    struct ssh_in in = ssh_in_of(blob);
    struct ts_bytes kind = ssh_take_string(&in), pk = ssh_take_string(&in);
    struct ts_bytes application = {0};
    bool is_token = ssh_bytes_are(kind, SSH_KIND_TOKEN);

    if (in.bad || pk.len != TRUST_PK_LEN ||
        (!is_token && !ssh_bytes_are(kind, SSH_KIND_PLAIN)))
        return false;
    if (is_token)
        application = ssh_take_string(&in);
    if (!ssh_in_is_done(&in))
        return false;
    *ret = (struct ssh_public_key){
        .is_token = is_token,
        .pk = pk.ptr,
        .application = {(const char *)application.ptr, application.len}};
    return true;
}
