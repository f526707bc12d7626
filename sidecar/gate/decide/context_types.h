#ifndef SIDECAR_GATE_DECIDE_CONTEXT_TYPES_H
#define SIDECAR_GATE_DECIDE_CONTEXT_TYPES_H

/*
 * The Cedar types of what context.c makes: (name, type) of every field, none of
 * them optional. `tipstaff policy schema` writes them; a test decides calls of
 * every manifest under what it wrote, so that a field that is made and not
 * listed here, or listed and not made, is found. "$NAME" is a type of
 * CONTEXT_TYPES, "@args", "@attrs" and "@found" depend on the tool or the
 * service: the arguments, what issuers write, and where arguments come from.
 */
#define CONTEXT_FIELD_TYPES(X)                                                 \
    X("hop", "String")                                                         \
    X("now", "datetime")                                                       \
    X("user", "User")                                                          \
    X("agents", "Set<Agent>")                                                  \
    X("root_agent", "Agent")                                                   \
    X("caller", "Agent")                                                       \
    X("depth", "Long")                                                         \
    X("task", "String")                                                        \
    X("tool", "String")                                                        \
    X("args", "@args")                                                         \
    X("rate", "$Rate")                                                         \
    X("uses", "Uses")                                                          \
    X("sums", "Sums")                                                          \
    X("provenance", "@provenance")                                             \
    X("sensitivity", "String")                                                 \
    X("sensitivity_level", "Long")                                             \
    X("grant", "$Grant")                                                       \
    X("session", "$Session")                                                   \
    X("approvals", "Set<String>")                                              \
    X("has_stdin", "Bool")                                                     \
    X("check_only", "Bool")

#define CONTEXT_PROVENANCE_TYPES(X)                                            \
    X("authority", "$Values")                                                  \
    X("links", "$Values")                                                      \
    X("content", "$Values")                                                    \
    X("unendorsed", "$Open")                                                   \
    X("args", "@found")                                                        \
    X("secrets", "Bool")                                                       \
    X("level", "Long")                                                         \
    X("task", "$Task")                                                         \
    X("origin", "String")                                                      \
    X("declared", "Set<String>")                                               \
    X("tainted", "Bool")

#define CONTEXT_RATE_TYPES(X)                                                  \
    X("agent_1m", "Long")                                                      \
    X("agent_1h", "Long")                                                      \
    X("agent_tool_1m", "Long")                                                 \
    X("agent_tool_1h", "Long")                                                 \
    X("task_1m", "Long")                                                       \
    X("task_1h", "Long")                                                       \
    X("denied_1m", "Long")                                                     \
    X("denied_1h", "Long")
#define CONTEXT_GRANT_TYPES(X)                                                 \
    X("attrs", "@attrs")                                                       \
    X("issued", "datetime")                                                    \
    X("expires", "datetime")
#define CONTEXT_SESSION_TYPES(X)                                               \
    X("uid", "Long")                                                           \
    X("gid", "Long")
#define CONTEXT_VALUES_TYPES(X)                                                \
    X("pinned", "Bool")                                                        \
    X("trusted", "Bool")                                                       \
    X("untrusted", "Bool")                                                     \
    X("unknown", "Bool")
#define CONTEXT_OPEN_TYPES(X)                                                  \
    X("untrusted", "Bool")                                                     \
    X("unknown", "Bool")
#define CONTEXT_FOUND_TYPES(X)                                                 \
    X("source", "String")                                                      \
    X("sources", "Set<String>")
#define CONTEXT_TASK_TYPES(X)                                                  \
    X("untrusted", "Bool")                                                     \
    X("level", "Long")

/* Types that several fields or actions have. */
#define CONTEXT_TYPES(T)                                                       \
    T("Rate", CONTEXT_RATE_TYPES)                                              \
    T("Grant", CONTEXT_GRANT_TYPES)                                            \
    T("Session", CONTEXT_SESSION_TYPES)                                        \
    T("Values", CONTEXT_VALUES_TYPES)                                          \
    T("Open", CONTEXT_OPEN_TYPES)                                              \
    T("Found", CONTEXT_FOUND_TYPES)                                            \
    T("Task", CONTEXT_TASK_TYPES)

#endif
