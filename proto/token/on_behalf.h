#ifndef PROTO_TOKEN_ON_BEHALF_H
#define PROTO_TOKEN_ON_BEHALF_H

#include "proto/base/ts_json.h"
#include "proto/trust/delegation.h"

/*
 * Who acts for whom, in the shape of RFC 8693 (docs/IDENTITY.md): the user is
 * sub; act is the agent that acts now, with the agent that it has its
 * authority from inside, and so on up to the first. may_act is there when the
 * last agent may hand on what it has. tenant and task beside them: the names
 * of users and agents mean something within one tenant only.
 *
 * Writes  "sub":..,"client_id":..,"act":{..},["may_act":{..},]"tenant":..,
 * "task":..  without braces around it. This is for whoever judges an HTTP
 * request; nothing in Tipstaff ever reads it back.
 */
void on_behalf_write(struct ts_json *w, const struct delegation *d);

#endif
