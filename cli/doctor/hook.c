#include "cli/doctor/hook.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/admin_socket.h"

#define ANSWER_MS 2000

static json_t *status_of(struct admin_socket *s)
{
    struct admin_text m;
    struct ts_buf out;
    struct frame f;
    const char *what;
    json_t *status = NULL, *hook;

    ts_buf_init(&out, 256);
    if (admin_empty_send(&out, ADMIN_STATUS) == TS_OK && admin_send(s, &out) &&
        admin_receive(s, ANSWER_MS, &f) == ADMIN_GOT &&
        f.type == ADMIN_STATUS &&
        admin_text_decode(f.body, f.len, &m, &what) == TS_OK)
        status =
            json_loadb(m.text.ptr, m.text.len, JSON_REJECT_DUPLICATES, NULL);
    ts_buf_done(&out);
    hook = json_object_get(status, "hook");
    hook = json_is_object(hook) ? json_incref(hook) : NULL;
    json_decref(status);
    return hook;
}

static json_t *ask(const struct config *c)
{
    struct admin_socket s;
    char path[256];
    json_t *hook;
    int n = snprintf(path, sizeof(path), "%s/admin/admin.sock", c->run_dir);

    /* without a service there is nothing to complain about */
    if (n < 0 || (size_t)n >= sizeof(path) || access(path, W_OK) != 0 ||
        !admin_open(&s, path))
        return NULL;
    hook = status_of(&s);
    admin_close(&s);
    return hook;
}

static long long number(const json_t *o, const char *key)
{
    return (long long)json_integer_value(json_object_get(o, key));
}

static const char *word(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s != NULL ? s : "";
}

void doctor_hook(const struct config *c, struct doctor_hook *ret)
{
    char exec[160], fares[160] = "its service does not run, or is not asked";

    *ret = (struct doctor_hook){.is_configured = c->hook.on};
    if (!c->hook.on)
        return;
    ret->json = ask(c);
    if (ret->json != NULL)
        (void)snprintf(fares, sizeof(fares),
                       "%.16s, %lld run, %lld failed%s%.32s, %lld questions "
                       "left out",
                       word(ret->json, "state"), number(ret->json, "ran"),
                       number(ret->json, "failed"),
                       number(ret->json, "failed") > 0 ? ", last by " : "",
                       word(ret->json, "last_failure"),
                       number(ret->json, "left_out"));
    (void)ts_str_escape(exec, sizeof(exec), c->hook.how.exec.ptr,
                        c->hook.how.exec.len);
    (void)snprintf(ret->line, sizeof(ret->line), "hook %s as uid %u: %s", exec,
                   (unsigned)c->users[CONFIG_USER_HOOK].uid, fares);
}

void doctor_hook_done(struct doctor_hook *h)
{
    json_decref(h->json);
    h->json = NULL;
}
