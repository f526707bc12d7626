#include "cli/delegation/origin_file.h"

#include <limits.h>
#include <stdio.h>

#include "cli/cmd.h"
#include "cli/files.h"

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

bool cli_origin_make(const char *key_file, const char *prompt_file,
                     struct ts_arena *arena, struct origin *o,
                     struct ts_buf *out)
{
    return read_prompt(prompt_file, arena, &o->prompt) &&
           sign(key_file, o, out);
}

bool cli_origin_write(const struct origin *o, const struct ts_buf *bytes,
                      const char *to, bool beside)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s%s", to, beside ? ".origin" : "");

    if (n < 0 || (size_t)n >= sizeof(path)) {
        cli_error("%s: the name is too long", to);
        return false;
    }
    if (!cli_write_new(path, 0600, ts_buf_bytes(bytes), bytes->len))
        return false;
    (void)printf("origin  %s, %s, %zu bytes of prompt\n", path,
                 origin_kind_name(o->kind), o->prompt.len);
    return true;
}
