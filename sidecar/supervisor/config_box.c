/* sandbox: and egress: of tipstaff.yaml. */
#include "sidecar/supervisor/config_box.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/common/dns_text.h"

/* 60578 to 61183 is nobody's: below are homed's users (60001-60513) and the
 * host's own in containers (60514-60577), above services with DynamicUser=
 * (61184-65519), which systemd hands out without asking us (its
 * UIDS-GIDS.md). 606 are the writers', 258 for tools of `files` and 86 for each
 * of the four other profiles (sidecar/launcher/start/uids.h). */
#define UID_FIRST     60578u
#define UID_LAST      61183u
#define UIDS_MIN      32u /* of the range: some for each launcher */
#define UIDS_MAX      65536u
#define UID_SYSTEM    1000u /* below are users of the system */
#define UID_NOBODY    65534u
#define NUMBER_DIGITS 10

static void fail_level(struct config_reader *r, const struct yaml_node *n)
{
    config_fail(r, n, "level must be one of auto, bare, uid, full");
}

static void read_level(struct config_reader *r, enum box_level *to)
{
    const struct yaml_node *n =
        r->map == NULL ? NULL : yaml_node_find(r->map, "level");
    enum box_level level = BOX_ANY;
    struct ts_str s;

    if (n == NULL)
        return;
    if (!yaml_node_str(n, &s))
        fail_level(r, n);
    else if (ts_str_eq_c(s, "auto"))
        *to = BOX_ANY;
    else if (!box_level_parse(s, &level) || level == BOX_ANY ||
             level == BOX_STRICT)
        fail_level(r, n);
    else /* strict is on demand wherever full is, so full forbids nothing */
        *to = level == BOX_FULL ? BOX_STRICT : level;
}

static bool read_number(struct ts_str *s, uint32_t *ret)
{
    uint64_t v = 0;
    size_t n = 0;

    while (n < s->len && n < NUMBER_DIGITS && s->ptr[n] >= '0' &&
           s->ptr[n] <= '9')
        v = v * 10 + (uint64_t)(s->ptr[n++] - '0');
    s->ptr += n;
    s->len -= n;
    *ret = (uint32_t)v;
    return n > 0 && v <= UINT32_MAX;
}

/* FIRST-LAST */
static bool read_range(struct ts_str s, uint32_t *ret_first, uint32_t *ret_last)
{
    if (!read_number(&s, ret_first) || s.len < 2 || s.ptr[0] != '-')
        return false;
    s.ptr++;
    s.len--;
    return read_number(&s, ret_last) && s.len == 0;
}

static void read_uids(struct config_reader *r, uid_t euid, struct config *c)
{
    const struct yaml_node *n =
        r->map == NULL ? NULL : yaml_node_find(r->map, "uids");
    uint32_t first = UID_FIRST, last = UID_LAST;
    struct ts_str s;

    if (n != NULL && euid != 0) {
        config_fail(r, n,
                    "uids needs root, who alone can give a tool a uid of its "
                    "own; remove it, or start the service as root");
        return;
    }
    if (euid != 0)
        return;
    if (n != NULL && (!yaml_node_str(n, &s) || !read_range(s, &first, &last))) {
        config_fail(r, n, "uids must be a range, such as 60578-61183");
        return;
    }
    if (first < UID_SYSTEM || last < first || last - first + 1 < UIDS_MIN ||
        last - first + 1 > UIDS_MAX ||
        (first <= UID_NOBODY && last >= UID_NOBODY) || last == UINT32_MAX) {
        config_fail(r, n,
                    "uids must be %u to %u numbers from %u on, without %u; "
                    "nobody else may use them",
                    UIDS_MIN, UIDS_MAX, UID_SYSTEM, UID_NOBODY);
        return;
    }
    c->sandbox.uid_first = first;
    c->sandbox.uid_count = last - first + 1;
}

static void read_cgroups(struct config_reader *r, struct config *c)
{
    const struct yaml_node *n =
        r->map == NULL ? NULL : yaml_node_find(r->map, "cgroups");
    struct ts_str s = {0};

    c->sandbox.cgroups = true;
    if (n == NULL)
        return;
    if (yaml_node_str(n, &s) && ts_str_eq_c(s, "off"))
        c->sandbox.cgroups = false;
    else if (!ts_str_eq_c(s, "auto"))
        config_fail(r, n, "cgroups must be auto or off");
}

void config_sandbox(struct config_reader *r, uid_t euid, struct config *c)
{
    static const char *const known[] = {"level", "uids", "cgroups", NULL};
    struct config_reader sub = config_sub(r, "sandbox");

    config_keys(&sub, known);
    read_level(&sub, &c->sandbox.most);
    read_uids(&sub, euid, c);
    read_cgroups(&sub, c);
    r->error = sub.error;
}

static void read_dns(struct config_reader *r, struct config *c)
{
    const struct yaml_node *list =
        r->map == NULL ? NULL : yaml_node_find(r->map, "dns");
    char all[DNS_CSV_MAX] = "";
    size_t at = 0;

    if (list == NULL)
        return;
    if (list->kind != YAML_KIND_LIST || list->count < 1 ||
        list->count > DNS_SERVERS_MAX) {
        config_fail(r, list, "dns must be a list of 1 to %d addresses",
                    DNS_SERVERS_MAX);
        return;
    }
    for (const struct yaml_node *n = list->first; n != NULL; n = n->next) {
        struct ts_str s;
        char one[DNS_SERVER_MAX];
        int len;

        if (!yaml_node_str(n, &s) || !dns_server(s, one)) {
            config_fail(r, n,
                        "a server of dns is an address, or ADDRESS:PORT, "
                        "[ADDRESS6]:PORT, in quotes");
            return;
        }
        len = snprintf(all + at, sizeof(all) - at, "%s%s", at > 0 ? "," : "",
                       one);
        at += len > 0 ? (size_t)len : 0;
    }
    if (r->error == TS_OK)
        r->error = ts_arena_strndup(r->arena, all, at, &c->egress.dns);
}

void config_egress(struct config_reader *r, struct config *c)
{
    static const char *const known[] = {"dns", NULL};
    const struct yaml_node *n = yaml_node_find(r->map, "egress");
    struct config_reader sub = config_sub(r, "egress");

    c->egress.dns = "";
    c->egress.on = n != NULL;
    config_keys(&sub, known);
    read_dns(&sub, c);
    r->error = sub.error;
}

void config_uids_check(struct config_reader *r, const struct config *c)
{
    static const char *const roles[CONFIG_USERS_] = {
        "gate", "recorder", "launcher", "broker", "hook"};

    for (size_t i = 0; c->change_users && i < CONFIG_USERS_; i++) {
        uint32_t uid = c->users[i].uid;

        if (uid >= c->sandbox.uid_first &&
            uid - c->sandbox.uid_first < c->sandbox.uid_count)
            config_fail(r, yaml_node_find(r->map, "sandbox"),
                        "sandbox: uids holds %u, as which the %s runs; choose "
                        "another range",
                        uid, roles[i]);
    }
    for (uint32_t i = 0; i < c->admin_uid_count; i++)
        if (c->sandbox.uid_count > 0 &&
            c->admin_uids[i] >= c->sandbox.uid_first &&
            c->admin_uids[i] - c->sandbox.uid_first < c->sandbox.uid_count)
            config_fail(r, yaml_node_find(r->map, "sandbox"),
                        "sandbox: uids holds %u, which is in admin_uids; a "
                        "tool could act as that operator",
                        c->admin_uids[i]);
    for (uint32_t i = 0; i < c->tenant_operator_count; i++)
        if (c->sandbox.uid_count > 0 &&
            c->tenant_operators[i].uid >= c->sandbox.uid_first &&
            c->tenant_operators[i].uid - c->sandbox.uid_first <
                c->sandbox.uid_count)
            config_fail(r, yaml_node_find(r->map, "sandbox"),
                        "sandbox: uids holds %u, which is in tenant_operators; "
                        "a tool could act as that operator",
                        c->tenant_operators[i].uid);
}
