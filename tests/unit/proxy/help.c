#include "help.h"

#include <sodium.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"

#define GOT_MAX (1 << 20)

struct help {
    struct proxy_session *s;
    struct inject_store *store;
    struct inject *inject;
    struct ts_buf tool, host;
    uint32_t dials, denials;
};

static const uint16_t web[] = {80, 8080}, tls[] = {443};
static const struct ts_str methods[] = {{"GET", 3}, {"POST", 4}};
static const struct ts_str paths[] = {{"/v1/**", 6}};
static const struct manifest_host allow[] = {
    {.host = {"open.test", 9}, .ports = web, .port_count = 2},
    {.host = {"api.test", 8},
     .ports = web,
     .port_count = 1,
     .methods = methods,
     .method_count = 2,
     .paths = paths,
     .path_count = 1},
    {.host = {"safe.test", 9}, .ports = tls, .port_count = 1, .tls = true},
    {.host = {"plain.test", 10}, .ports = web, .port_count = 1},
};
static const struct ts_str secret_hosts[] = {{"safe.test", 9},
                                             {"plain.test", 10}};
static const struct manifest_secret secret = {.name = {"KEY", 3},
                                              .source = SECRET_CREDENTIAL,
                                              .from = {"key", 3},
                                              .delivery = SECRET_HEADER,
                                              .header = {"Authorization", 13},
                                              .prefix = {"Bearer ", 7},
                                              .hosts = secret_hosts,
                                              .host_count = 2};
static struct manifest manifest = {
    .network = {.mode = NETWORK_PROXY, .allow = allow, .allow_count = 4},
    .secrets = &secret,
    .secret_count = 1};
static struct manifests manifests = {.list = &manifest, .count = 1};

static ts_err read_secret(void *ctx, const struct manifest_secret *s,
                          uint8_t *buf, size_t cap, size_t *ret_len)
{
    (void)ctx;
    (void)s;
    (void)cap;
    memcpy(buf, HELP_SECRET "\n", sizeof(HELP_SECRET));
    *ret_len = sizeof(HELP_SECRET);
    return TS_OK;
}

struct help *help_new(void)
{
    struct help *h = sodium_init() >= 0 ? ts_mem_alloc(sizeof(*h)) : NULL;
    char why[128];
    uint8_t *room;

    if (h == NULL)
        return NULL;
    ts_buf_init(&h->tool, GOT_MAX);
    ts_buf_init(&h->host, GOT_MAX);
    /* so that it is not these that fail when memory does */
    if (ts_buf_reserve(&h->tool, 16384, &room) != TS_OK ||
        ts_buf_reserve(&h->host, 16384, &room) != TS_OK ||
        inject_load(&manifests, false, read_secret, NULL, &h->store, why,
                    sizeof(why)) != TS_OK ||
        inject_new(h->store, &manifest, "", 0, &h->inject) != TS_OK ||
        proxy_session_new(&manifest.network, h->inject, &h->s) != TS_OK) {
        help_free(h);
        return NULL;
    }
    return h;
}

void help_free(struct help *h)
{
    if (h == NULL)
        return;
    proxy_session_free(h->s);
    inject_free(h->inject);
    inject_store_free(h->store);
    ts_buf_done(&h->tool);
    ts_buf_done(&h->host);
    ts_mem_free(h);
}

struct proxy_session *help_session(struct help *h)
{
    return h->s;
}

static void answer_dial(struct help *h)
{
    static const uint8_t address[16] = {192, 0, 2, 1};
    const struct manifest_host *rule = NULL;
    struct rules_name name;
    struct rules_want w = {.name = &name,
                           .port = h->s->port,
                           .opaque = h->s->via != EGRESS_VIA_HTTP,
                           .method = proxy_method(h->s),
                           .path = proxy_path(h->s)};
    enum egress_code code = rules_name_read(proxy_host(h->s), &name);

    h->dials++;
    if (code == EGRESS_OK)
        code = rules_find(&manifest.network, &w, &rule);
    proxy_dialled(h->s, code, egress_code_text(code), rule, address, 4);
}

static bool drain(struct help *h)
{
    struct proxy_session *s = h->s;
    struct ts_bytes next;
    bool moved = s->tool_out.len > 0;

    (void)!ts_buf_append(&h->tool, ts_buf_bytes(&s->tool_out), s->tool_out.len);
    ts_buf_clear(&s->tool_out);
    while (s->rule != NULL && (next = proxy_host_next(s)).len > 0) {
        (void)!ts_buf_append(&h->host, next.ptr, next.len);
        proxy_host_took(s, next.len);
        moved = true;
    }
    return moved;
}

void help_serve(struct help *h)
{
    bool more = true;

    for (int i = 0; more; i++) {
        struct proxy_want w;

        TS_REQUIRE(i < 100000); /* it goes round in circles */
        proxy_step(h->s);
        w = h->s->want;
        h->s->want = (struct proxy_want){0};
        h->denials += w.deny;
        if (w.dial)
            answer_dial(h);
        more = drain(h) || w.dial || w.close_host;
    }
}

static void give(struct help *h, struct ts_buf *to,
                 size_t (*room)(const struct proxy_session *s),
                 const uint8_t *bytes, size_t len, size_t step)
{
    while (len > 0) {
        size_t n = room(h->s);

        n = n < step ? n : step;
        n = n < len ? n : len;
        if (n == 0)
            return; /* nobody listens any more */
        if (ts_buf_append(to, bytes, n) != TS_OK)
            proxy_abort(h->s);
        help_serve(h);
        bytes += n;
        len -= n;
    }
}

void help_tool(struct help *h, const void *bytes, size_t len, size_t step)
{
    give(h, &h->s->tool_in, proxy_tool_room, bytes, len, step);
}

void help_host(struct help *h, const void *bytes, size_t len, size_t step)
{
    give(h, &h->s->host_in, proxy_host_room, bytes, len, step);
}

static const char *text_of(struct ts_buf *b)
{
    (void)!ts_buf_append(b, "", 1);
    b->len--;
    return (const char *)ts_buf_bytes(b);
}

const char *help_to_tool(struct help *h)
{
    return text_of(&h->tool);
}

const char *help_to_host(struct help *h)
{
    return text_of(&h->host);
}

size_t help_to_host_len(struct help *h)
{
    return h->host.len;
}

uint32_t help_dials(const struct help *h)
{
    return h->dials;
}

uint32_t help_denials(const struct help *h)
{
    return h->denials;
}

void help_forget(struct help *h)
{
    ts_buf_clear(&h->tool);
    ts_buf_clear(&h->host);
}

void help_say(struct help *h, const char *text, size_t step)
{
    help_tool(h, text, strlen(text), step);
}

void help_answer(struct help *h, const char *text, size_t step)
{
    help_host(h, text, strlen(text), step);
}

bool help_has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

int help_setup(void **state)
{
    *state = help_new();
    return *state != NULL ? 0 : -1;
}

int help_teardown(void **state)
{
    help_free(*state);
    return 0;
}
