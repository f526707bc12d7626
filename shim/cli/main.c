/* tipstaff-shim: what sits in the agent's sandbox. */
#include <jansson.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_mem_stop.h"
#include "shim/cli/commands.h"

static int ping(struct tipstaff *t, const struct options *o)
{
    enum tipstaff_status s = tipstaff_ping(t, o->timeout_ms);

    return s == TIPSTAFF_OK ? 0 : term_failed(s, tipstaff_message(t));
}

static int end_task(struct tipstaff *t, const struct options *o)
{
    enum tipstaff_status s = tipstaff_task_end(t, o->timeout_ms);

    if (s != TIPSTAFF_OK)
        return term_failed(s, tipstaff_message(t));
    term_say(
        "tipstaff-shim: the task has ended: this delegation and everything "
        "handed on from it are revoked, tools that ran under it are "
        "killed. A new task needs a new delegation.");
    return 0;
}

static int run(struct tipstaff *t, struct term *term, const struct options *o)
{
    switch (o->command) {
    case COMMAND_CALL:
        return o->batch ? command_batch(t, term, o) : command_call(t, term, o);
    case COMMAND_CHECK:
        return command_check(t, term, o);
    case COMMAND_TOOLS:
        return command_tools(t, term, o);
    case COMMAND_PING:
        return ping(t, o);
    case COMMAND_END:
        return end_task(t, o);
    case COMMAND_REVOKE:
        return command_revoke(t, o);
    }
    return TIPSTAFF_EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct options o;
    struct tipstaff *t = NULL;
    struct term term;
    char text[TIPSTAFF_MESSAGE_MAX] = "";
    const char *pin;
    enum tipstaff_status s;
    int code = options_parse(argc, argv, &o);

    if (code >= 0)
        return code;
    json_set_alloc_funcs(ts_mem_alloc_or_stop, ts_mem_free);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* a key passes through here */
    if (term_init(&term) != TS_OK)
        return term_failed(TIPSTAFF_UNAVAILABLE, "signals cannot be set up");
    pin = o.session.sidecar_key != NULL ? o.session.sidecar_key
                                        : getenv("TIPSTAFF_SIDECAR_KEY");
    if (pin == NULL || pin[0] == '\0')
        term_say("tipstaff-shim: warning: no TIPSTAFF_SIDECAR_KEY, so whoever "
                 "listens on the socket is believed");
    o.session.timeout_ms = o.timeout_ms;
    s = tipstaff_open(&o.session, &t, text);
    code = s == TIPSTAFF_OK ? run(t, &term, &o) : term_failed(s, text);
    tipstaff_close(t);
    term_done(&term);
    return code;
}
