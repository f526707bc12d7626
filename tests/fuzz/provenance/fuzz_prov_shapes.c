/*
 * Links, addresses, accounts, cards and codes of any text: what is found is
 * what a second implementation of the page's words finds, in order, inside of
 * the text and apart from each other; the work is bounded by the length; a host
 * of each link is no longer than a host may be, and not hidden.
 */
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_require.h"
#include "sidecar/gate/provenance/link_host.h"
#include "tests/unit/provenance/naive_shapes.h"

#define FOUND_MAX 2048
#define LOOKS_MAX 200 /* at one byte */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct list {
    struct {
        enum shape shape;
        struct ts_str text;
    } items[FOUND_MAX];
    size_t count;
};

static bool note(void *ctx, enum shape s, struct ts_str text)
{
    struct list *l = ctx;

    TS_REQUIRE(l->count < FOUND_MAX && text.len > 0);
    l->items[l->count].shape = s;
    l->items[l->count++].text = text;
    return true;
}

static void check(const struct list *l, const struct list *naive,
                  struct ts_str all)
{
    const char *behind = all.ptr;
    struct link_host h;

    TS_REQUIRE(l->count == naive->count);
    for (size_t i = 0; i < l->count; i++) {
        const struct ts_str t = l->items[i].text;

        TS_REQUIRE(l->items[i].shape == naive->items[i].shape &&
                   t.ptr == naive->items[i].text.ptr &&
                   t.len == naive->items[i].text.len);
        TS_REQUIRE(t.ptr >= behind && t.ptr + t.len <= all.ptr + all.len);
        behind = t.ptr + t.len;
        if (!link_host_of(t, &h))
            continue;
        TS_REQUIRE(h.len > 0 && h.len <= LINK_HOST_MAX);
        TS_REQUIRE(memmem(h.text, h.len, "\xc2\xad", 2) == NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct list ours, naive, secret;
    struct ts_str text = {.ptr = (const char *)data, .len = len};

    if (len > NAIVE_TEXT / 2)
        return 0;
    ours.count = naive.count = secret.count = 0;
    TS_REQUIRE(shapes_in(text, note, &ours) <= LOOKS_MAX * (len + 64));
    naive_shapes_in(text, note, &naive);
    check(&ours, &naive, text);
    TS_REQUIRE(shapes_secret_in(text, note, &secret) <= LOOKS_MAX * (len + 64));
    for (size_t i = 0; i < secret.count; i++)
        TS_REQUIRE(!shape_is_link(secret.items[i].shape));
    return 0;
}
