/*
 * Leaves and questions about them, one a line: first byte 'A' to 'Z' a question
 * (kind: its number modulo 3), anything else a leaf (source, kind and id from
 * its bits), the rest of the line the text. Every answer is that of a scan.
 */
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_require.h"
#include "tests/unit/provenance/naive.h"

#define INPUT_MAX 4000 /* bytes; a scan of all for each question is slow */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void one_line(struct prov_index *x, struct naive *n, struct ts_str s)
{
    unsigned char b = (unsigned char)s.ptr[0];
    struct ts_str text = {.ptr = s.ptr + 1, .len = s.len - 1};
    struct prov_found f;

    if (!ts_utf8_valid(text.ptr, text.len)) {
        prov_index_find(x, PROV_TEXT, text, &f);
        TS_REQUIRE(f.source == PROV_UNKNOWN);
        return;
    }
    if (b >= 'A' && b <= 'Z') {
        enum prov_kind kind = (enum prov_kind)(PROV_TEXT + (b - 'A') % 3);

        prov_index_find(x, kind, text, &f);
        TS_REQUIRE(f.source == naive_find(n, kind, text));
        (void)prov_index_secrets_in(x, text);
    } else if (n->count < NAIVE_LEAVES) {
        struct naive_leaf *l = &n->leaves[n->count++];

        l->kind = (b & 4) != 0 ? PROV_NUMBER : PROV_TEXT;
        l->text = text;
        l->label = (struct prov_label){
            .source = (enum prov_source)(PROV_PROMPT + (b & 3) % 3),
            .is_id = (b & 8) != 0,
            .level = (b & 16) != 0 ? PROV_SECRET : PROV_PUBLIC};
        TS_REQUIRE(prov_index_add(x, l->kind, text, &l->label, 0, 0) == TS_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct naive n;
    struct prov_index *x;
    size_t at = 0;

    if (len > INPUT_MAX)
        return 0;
    n.count = 0;
    TS_REQUIRE(prov_index_new(PROV_TASK_BYTES, &x) == TS_OK);
    while (at < len) {
        const uint8_t *end = memchr(data + at, '\n', len - at);
        size_t n_line = end == NULL ? len - at : (size_t)(end - (data + at));

        if (n_line > 0)
            one_line(x, &n, (struct ts_str){(const char *)data + at, n_line});
        at += n_line + 1;
    }
    prov_index_free(x);
    return 0;
}
