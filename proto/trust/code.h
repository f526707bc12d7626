#ifndef PROTO_TRUST_CODE_H
#define PROTO_TRUST_CODE_H

/*
 * Why a delegation was accepted or refused. The names are part of the test
 * vectors; before WELCOME a peer is told only auth_failed, the code goes to the
 * log. docs/DELEGATION.md says at which check each arises.
 */
/* clang-format off */
#define TRUST_CODE_MAP(X)                                                      \
    X(E_INTERNAL, "out of memory or an internal limit; nothing was decided")   \
    X(E_FORMAT,  "the chain is malformed")                                     \
    X(E_LIMIT,   "a field or the chain is longer than allowed")                \
    X(E_VERSION, "the chain has a version that this program does not know")    \
    X(E_TYPE,    "a root block stands where a link belongs, or the reverse")   \
    X(E_ID,      "a name is not a valid id")                                   \
    X(E_ISSUER,  "the issuer is not trusted, or its key was not valid then")   \
    X(E_SIG,     "a signature does not verify")                                \
    X(E_TENANT,  "the issuer may not issue for this tenant")                   \
    X(E_AUD,     "the delegation is for another sidecar")                      \
    X(E_TTL,     "the delegation would live longer than the tenant allows")    \
    X(E_TIME,    "the delegation's times contradict each other")               \
    X(E_NOT_YET, "the delegation is not valid yet")                            \
    X(E_EXPIRED, "the delegation has expired")                                 \
    X(E_DEPTH,   "the chain is longer than a block in it allows")              \
    X(E_AGENT,   "an agent is unknown, or not the one whose key is used")      \
    X(E_USER,    "the user is not in the tenant's directory")                  \
    X(E_KEY,     "a holder key is unusable or belongs to someone else")        \
    X(E_POLICY,  "a block has no policy")                                      \
    X(E_REVOKED, "the authority was revoked, or the account is inactive")
/* clang-format on */

enum trust_code {
    TRUST_OK = 0,
#define X(id, text) TRUST_##id,
    TRUST_CODE_MAP(X)
#undef X
    TRUST_CODE_COUNT_
};

const char *trust_code_name(enum trust_code c); /* "OK", "E_FORMAT", ... */
const char *trust_code_text(enum trust_code c); /* a sentence, never NULL */

#endif
