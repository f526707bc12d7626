#include "cli/replay/block_names.h"

#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "policy/cedar.h"
#include "proto/base/ts_mem.h"

static const char by_place[] = "block:0/policy";

bool block_names_of(struct ts_str policy, struct block_names *ret)
{
    const struct cedar_source src = {.name = "block", .text = policy};
    struct cedar_diags *diags = ts_mem_alloc(sizeof(*diags));
    struct cedar_policies *p = NULL;
    bool ok =
        diags != NULL &&
        cedar_policies_parse(&src, 1, &cedar_options_block, &p, diags) == TS_OK;
    struct ts_str id;

    ts_mem_free(diags);
    if (!ok) {
        cli_error("the delegation's block cannot be read: out of memory?");
        return false;
    }
    ret->count = 0;
    for (size_t i = 0; i < cedar_policies_count(p); i++) {
        char *name = ret->name[ret->count];

        if (ret->count == BLOCK_POLICIES_MAX)
            break;
        name[0] = '\0';
        if (cedar_policies_annotation(p, i, "id", &id) &&
            id.len < sizeof(ret->name[0]))
            (void)snprintf(name, sizeof(ret->name[0]), "%.*s", (int)id.len,
                           id.ptr);
        ret->count++;
    }
    cedar_policies_free(p);
    return true;
}

/* The place that a word ends in; count: it is none of the block's. */
static uint32_t place(const struct block_names *b, const char *word, size_t n)
{
    size_t skip = sizeof(by_place) - 1;
    uint32_t at = 0;

    if (n <= skip || n > skip + 4 || strncmp(word, by_place, skip) != 0)
        return b->count;
    for (size_t i = skip; i < n; i++) {
        if (word[i] < '0' || word[i] > '9')
            return b->count;
        at = 10 * at + (uint32_t)(word[i] - '0');
    }
    return at;
}

void block_names_put(const struct block_names *b, const char *policies,
                     char *out, size_t cap)
{
    size_t at = 0;

    out[0] = '\0';
    while (*policies != '\0') {
        size_t n = strcspn(policies, " ");
        uint32_t p = place(b, policies, n);
        int m = p < b->count && b->name[p][0] != '\0'
                    ? snprintf(out + at, cap - at, "%sblock:0/%s",
                               at > 0 ? " " : "", b->name[p])
                    : snprintf(out + at, cap - at, "%s%.*s", at > 0 ? " " : "",
                               (int)n, policies);

        if (m < 0 || (size_t)m >= cap - at) {
            out[at] = '\0'; /* whole words only */
            return;
        }
        at += (size_t)m;
        policies += n + strspn(policies + n, " ");
    }
}
