/* revoke: what was handed on is taken back. */
#include "shim/cli/commands.h"

int command_revoke(struct tipstaff *t, const struct options *o)
{
    struct tipstaff_revocation r = o->revocation;
    enum tipstaff_status s;

    r.chain = o->tool;
    r.key = o->session.key;
    s = tipstaff_revoke(t, &r, o->timeout_ms);
    if (s != TIPSTAFF_OK)
        return term_failed(s, tipstaff_message(t));
    term_say("tipstaff-shim: revoked: nothing starts under it any more, and "
             "what ran is killed");
    return 0;
}
