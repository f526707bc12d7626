#include <stdio.h>
#include <string.h>

#include "sidecar/gate/decide/decide_priv.h"

/*
 * What the agent is told. The first line is for programs and stays as it is:
 * WORD [code] decision HEX: what to do next. The second is a sentence. Never
 * the text, name or number of a policy: only what its author wrote for agents,
 * with @reason.
 */

static const char *word_of(enum verdict v, enum call_code c)
{
    if (v == VERDICT_PENDING)
        return "PENDING";
    switch (c) {
    case CODE_INTERNAL:
    case CODE_NOT_READY:
    case CODE_STALE_STATE:
    case CODE_RATE_LIMITED:
    case CODE_TOO_MANY_CALLS:
    case CODE_AUDIT_UNAVAILABLE:
    case CODE_SHUTTING_DOWN:
    case CODE_TOOL_UNAVAILABLE:
    case CODE_SANDBOX_UNAVAILABLE:
    case CODE_RESOURCE_UNAVAILABLE:
    case CODE_LAUNCH_FAILED:
    case CODE_HANDLE_RUNNING:
        return "UNAVAILABLE";
    case CODE_PERMITTED:
    case CODE_DENIED:
    case CODE_FORBIDDEN:
    case CODE_POLICY_ERROR:
    case CODE_APPROVAL_REQUIRED:
    case CODE_APPROVAL_DENIED:
    case CODE_APPROVAL_EXPIRED:
    case CODE_AUTH_FAILED:
    case CODE_EXPIRED:
    case CODE_NOT_YET_VALID:
    case CODE_REVOKED:
    case CODE_BUDGET_EXHAUSTED:
    case CODE_LIMIT_REACHED:
    case CODE_DUPLICATE_CALL:
    case CODE_OUTCOME_UNKNOWN:
    case CODE_BAD_FRAME:
    case CODE_BAD_ARGUMENTS:
    case CODE_HANDLE_MALFORMED:
    case CODE_HANDLE_UNKNOWN:
    case CODE_HANDLE_GONE:
    case CODE_HANDLE_NOTHING:
    case CODE_HANDLE_TOO_LARGE:
    case CODE_SCHEMA_MISMATCH:
    case CODE_TOOL_UNKNOWN:
    case CODE_DEADLINE:
    case CODE_CANCELLED:
    case CODE_COUNT_:
        break;
    }
    return "DENIED";
}

static const char *advice_of(const char *word, enum call_code c)
{
    if (word[0] == 'P')
        return "wait for a person, do not repeat the call";
    if (word[0] == 'U')
        return "nothing was decided against the call, try again later";
    if (c == CODE_EXPIRED || c == CODE_REVOKED || c == CODE_BUDGET_EXHAUSTED ||
        c == CODE_LIMIT_REACHED)
        return "do not retry, a new delegation is needed";
    return "do not retry unchanged";
}

/* Whether this policy is why: not one that a person could lift. */
static bool is_why(const struct set_result *s, uint32_t policy)
{
    struct ts_str role;

    return !cedar_policies_annotation(s->policies, policy, "approval", &role);
}

/* The first @reason among the policies that decided. */
static bool find_reason(const struct deciding *d, struct ts_str *ret)
{
    if (d->out->code != CODE_FORBIDDEN &&
        d->out->code !=
            CODE_LIMIT_REACHED) /* of what people are asked: nothing */
        return false;
    for (uint32_t i = 0; i < d->set_count; i++) {
        const struct set_result *s = &d->sets[i];

        if (s->answer.decision == CEDAR_ALLOW)
            continue;
        for (uint32_t j = 0; j < s->answer.reason_count; j++)
            if (is_why(s, s->answer.reasons[j]) &&
                cedar_policies_annotation(s->policies, s->answer.reasons[j],
                                          "reason", ret) &&
                ret->len > 0)
                return true;
    }
    return false;
}

void decide_text(const struct deciding *d, char *out, size_t cap)
{
    const char *word = word_of(d->out->verdict, d->out->code);
    const char *sentence =
        d->why != NULL ? d->why : call_code_text(d->out->code);
    char hex[2 * sizeof(d->out->id) + 1], shown[600];
    bool is_asked = d->out->verdict == VERDICT_PENDING && d->out->has_ticket;
    struct ts_str reason;

    if (d->why == NULL && find_reason(d, &reason)) {
        (void)ts_str_escape(shown, sizeof(shown), reason.ptr, reason.len);
        sentence = shown;
    }
    ts_hex_encode(hex, is_asked ? d->out->asked_id : d->out->id,
                  sizeof(d->out->id));
    (void)snprintf(out, cap, "%s [%s] decision %s: %s\n%s", word,
                   call_code_name(d->out->code), hex,
                   advice_of(word, d->out->code), sentence);
}
