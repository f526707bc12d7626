#include "cli/directory/installed.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/cmd.h"

bool dir_now(uint64_t *ret)
{
    struct timespec t;

    if (clock_gettime(CLOCK_REALTIME, &t) != 0 || t.tv_sec <= 0) {
        cli_error("the clock cannot be read");
        return false;
    }
    *ret = (uint64_t)t.tv_sec;
    return true;
}

void dir_entry_name(const struct directory_snapshot *s, const char *what,
                    uint32_t index, char *out, size_t cap)
{
    struct ts_str id = {0};
    char shown[TS_ID_MAX + 8];

    if (strncmp(what, "user", 4) == 0 && index < s->user_count)
        id = s->users[index].id;
    else if (strncmp(what, "agent", 5) == 0 && index < s->agent_count)
        id = s->agents[index].id;
    else if (strncmp(what, "approver", 8) == 0 && index < s->approver_count)
        id = s->approvers[index].person;
    if (id.len == 0) {
        (void)snprintf(out, cap, "%s (entry %u)", what, (unsigned)index);
        return;
    }
    (void)ts_str_escape(shown, sizeof(shown), id.ptr, id.len);
    (void)snprintf(out, cap, "%s of \"%s\"", what, shown);
}

static const char *why_not(enum trust_code c)
{
    switch ((int)c) {
    case TRUST_E_ISSUER:
        return "signed by no directory key that trust.yaml lists, enabled and "
               "valid at that time";
    case TRUST_E_SIG:
        return "the signature does not hold";
    default:
        return "not what a directory key signs";
    }
}

/* The key that signed it, judged as of its own time: age is another question
 * than origin. */
static void find_signer(const struct dir_trust *trust, struct ts_str tenant,
                        struct ts_arena *arena, struct dir_found *f)
{
    struct directory_snapshot again;
    struct signed_object o = {.kid = NULL};
    const char *what = "";
    uint32_t index = 0;
    enum trust_code c =
        directory_snapshot_verify(trust->store, tenant, f->bytes, f->s.issued,
                                  arena, &again, &what, &index);

    f->why = why_not(c);
    if (c == TRUST_OK &&
        signed_split(SIGNED_SNAPSHOT, f->bytes, &o) == TRUST_OK)
        f->by = trust_store_kid(trust->store, o.kid);
}

bool dir_found_read(const char *name, struct ts_bytes bytes,
                    const struct dir_trust *trust, struct ts_str tenant,
                    struct ts_arena *arena, struct dir_found *ret)
{
    struct dir_found f = {.bytes = bytes, .why = "nobody was asked"};
    struct signed_object o = {.kid = NULL};
    const char *what = "frame";
    char where[256];
    uint32_t index = 0;
    enum trust_code c = signed_split(SIGNED_SNAPSHOT, bytes, &o);

    if (c == TRUST_OK)
        c = directory_snapshot_decode(o.body, arena, &f.s, &what, &index);
    if (c != TRUST_OK) {
        if (name == NULL)
            return false;
        (void)snprintf(where, sizeof(where), "%s (entry %u)", what,
                       (unsigned)index);
        cli_error("%s: not a directory snapshot: %s is not as it must be; "
                  "\"tipstaff directory apply\" makes one",
                  name, where);
        return false;
    }
    if (tenant.len > 0 && !ts_str_eq(f.s.tenant, tenant)) {
        char shown[TS_ID_MAX + 8];

        if (name == NULL)
            return false;
        (void)ts_str_escape(shown, sizeof(shown), f.s.tenant.ptr,
                            f.s.tenant.len);
        cli_error("%s: the directory of another tenant, \"%s\"; nothing is "
                  "changed",
                  name, shown);
        return false;
    }
    if (trust != NULL)
        find_signer(trust, f.s.tenant, arena, &f);
    *ret = f;
    return true;
}
