/* A configuration of identity providers, and the same bytes as the two files
 * that it can name: what is accepted can be used. */
#include <string.h>

#include "cli/issuer/config.h"
#include "proto/base/ts_require.h"
#include "proto/trust/id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(const struct idp *i)
{
    TS_REQUIRE(i->iss.len > 0 && i->client_id.len > 0);
    TS_REQUIRE(trust_id_valid(i->tenant) && trust_id_valid(i->name));
    TS_REQUIRE(i->max_ttl_s >= 1 && i->max_ttl_s <= 86400);
    TS_REQUIRE(idp_alg_is_external(i->alg) ? i->key_count == 0
                                           : i->verifier == NULL);
    for (size_t k = 0; k < i->key_count; k++)
        TS_REQUIRE(trust_pk_check(i->keys[k].pk) == TS_OK &&
                   idp_key_find(i, i->keys[k].kid) == &i->keys[k]);
    for (size_t k = 0; k < i->user_count; k++)
        TS_REQUIRE(trust_id_valid(i->users[k].value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct ts_str text = {.ptr = (const char *)data, .len = len};
    static struct idp_config c;
    static struct idp one;
    struct ts_arena arena;
    char err[512] = "";

    if (len > IDP_BYTES_MAX)
        return 0;
    ts_arena_init(&arena, (size_t)64 << 20);
    if (idp_config_read(TS_STR_LIT("f"), text, &arena, &c, err, sizeof(err)) ==
        TS_OK) {
        for (size_t i = 0; i < c.count; i++) {
            check(&c.list[i]);
            TS_REQUIRE(idp_find(&c, c.list[i].iss) == &c.list[i]);
        }
    } else {
        TS_REQUIRE(err[0] != '\0');
    }
    memset(&one, 0, sizeof(one));
    if (idp_jwks_read(TS_STR_LIT("f"), text, &arena, &one, err, sizeof(err)) ==
        TS_OK)
        TS_REQUIRE(one.key_count > 0);
    memset(&one, 0, sizeof(one));
    if (idp_users_read(TS_STR_LIT("f"), text, &arena, &one, err, sizeof(err)) ==
        TS_OK)
        for (size_t k = 0; k < one.user_count; k++)
            TS_REQUIRE(trust_id_valid(one.users[k].value));
    ts_arena_done(&arena);
    return 0;
}
