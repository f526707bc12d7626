#include "sidecar/common/control/hook.h"

#include <string.h>

static bool has_nul(struct ts_str s)
{
    return s.len > 0 && memchr(s.ptr, '\0', s.len) != NULL;
}

static bool is_path(struct ts_str s)
{
    return s.len > 0 && s.ptr[0] == '/' && !has_nul(s);
}

bool control_hook_is_valid(const struct control_hook *h)
{
    size_t bytes = h->exec.len;

    if (!is_path(h->exec) || h->arg_count > CONTROL_HOOK_ARGS ||
        h->dir_count > CONTROL_HOOK_DIRS || h->timeout_ms < 1 ||
        h->timeout_ms > CONTROL_HOOK_TIMEOUT_MAX || h->parallel < 1 ||
        h->parallel > CONTROL_HOOK_PARALLEL_MAX || h->per_minute < 1 ||
        h->per_minute > CONTROL_HOOK_MINUTE_MAX)
        return false;
    for (uint32_t i = 0; i < h->arg_count; i++) {
        if (has_nul(h->args[i]))
            return false;
        bytes += h->args[i].len;
    }
    for (uint32_t i = 0; i < h->dir_count; i++) {
        if (!is_path(h->dirs[i]))
            return false;
        bytes += h->dirs[i].len;
    }
    return bytes <= CONTROL_HOOK_BYTES;
}

static void write_all(struct mp_writer *w, const struct ts_str *s, uint32_t n)
{
    mp_write_array(w, n);
    for (uint32_t i = 0; i < n; i++)
        mp_write_str(w, s[i].ptr, s[i].len);
}

void control_hook_write(struct mp_writer *w, const struct control_hook *h)
{
    mp_write_str(w, h->exec.ptr, h->exec.len);
    write_all(w, h->args, h->arg_count);
    write_all(w, h->dirs, h->dir_count);
    mp_write_uint(w, h->timeout_ms);
    mp_write_uint(w, h->parallel);
    mp_write_uint(w, h->per_minute);
}

static uint32_t read_all(struct mp_reader *r, struct ts_str *s, uint32_t max)
{
    uint32_t n = mp_read_array(r, max);

    for (uint32_t i = 0; i < n; i++)
        s[i] = mp_read_str(r, CONTROL_HOOK_BYTES);
    return n;
}

void control_hook_read(struct mp_reader *r, struct control_hook *h)
{
    *h = (struct control_hook){.exec = mp_read_str(r, CONTROL_HOOK_BYTES)};
    h->arg_count = read_all(r, h->args, CONTROL_HOOK_ARGS);
    h->dir_count = read_all(r, h->dirs, CONTROL_HOOK_DIRS);
    h->timeout_ms = mp_read_uint(r, CONTROL_HOOK_TIMEOUT_MAX);
    h->parallel = (uint32_t)mp_read_uint(r, CONTROL_HOOK_PARALLEL_MAX);
    h->per_minute = (uint32_t)mp_read_uint(r, CONTROL_HOOK_MINUTE_MAX);
    if (r->error == TS_OK && !control_hook_is_valid(h))
        mp_fail(r, TS_E_INVALID, "hook out of range");
}
