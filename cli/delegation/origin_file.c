#include "cli/delegation/origin_file.h"

#include <limits.h>
#include <stdio.h>

#include "cli/cmd.h"
#include "cli/files.h"
#include "proto/base/ts_arena.h"

static bool read_prompt(const char *file, struct ts_arena *arena,
                        struct ts_str *ret)
{
    struct ts_bytes b;

    *ret = TS_STR_LIT("");
    if (file == NULL)
        return true;
    if (!cli_read(file, ORIGIN_PROMPT_MAX + 1, arena, &b))
        return false;
    while (b.len > 0 && (b.ptr[b.len - 1] == '\n' || b.ptr[b.len - 1] == '\r'))
        b.len--;
    if (!ts_utf8_valid((const char *)b.ptr, b.len)) {
        cli_error("%s: the prompt must be UTF-8", file);
        return false;
    }
    *ret = (struct ts_str){.ptr = (const char *)b.ptr, .len = b.len};
    return true;
}

static bool sign(const char *key_file, const struct origin *o,
                 struct ts_buf *out)
{
    struct trust_secret key = {0};
    ts_err e;

    if (!cli_secret_key(key_file, &key))
        return false;
    e = origin_make(o, &key, out);
    trust_secret_done(&key);
    if (e == TS_OK)
        return true;
    cli_error("%s", e == TS_E_INVALID
                        ? "the statement is not one: tenant, times or prompt "
                          "(at most 16,384 bytes)"
                        : ts_err_text(e));
    return false;
}

bool cli_origin_write(const char *key_file, const char *prompt_file,
                      struct origin *o, const char *out, bool beside)
{
    char path[PATH_MAX];
    struct ts_arena arena;
    struct ts_buf signed_bytes;
    int n = snprintf(path, sizeof(path), "%s%s", out, beside ? ".origin" : "");
    bool ok;

    if (n < 0 || (size_t)n >= sizeof(path)) {
        cli_error("%s: the name is too long", out);
        return false;
    }
    ts_arena_init(&arena, (size_t)4 * ORIGIN_PROMPT_MAX);
    ts_buf_init(&signed_bytes, SIGNED_ORIGIN_MAX);
    ok = read_prompt(prompt_file, &arena, &o->prompt) &&
         sign(key_file, o, &signed_bytes) &&
         cli_write_new(path, 0600, ts_buf_bytes(&signed_bytes),
                       signed_bytes.len);
    if (ok)
        (void)printf("origin  %s, %s, %zu bytes of prompt\n", path,
                     origin_kind_name(o->kind), o->prompt.len);
    ts_buf_done(&signed_bytes);
    ts_arena_done(&arena);
    return ok;
}
