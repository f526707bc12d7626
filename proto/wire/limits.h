#ifndef PROTO_WIRE_LIMITS_H
#define PROTO_WIRE_LIMITS_H

/*
 * Every limit that a stranger's bytes can meet, in one place, with its unit.
 * docs/LIMITS.md lists the same names and values; tests/arch/limits.sh fails
 * when the two differ. Raising one is a reviewed change.
 */

/* Frames and msgpack ----------------------------------------------------- */
#define TS_FRAME_HEAD          5      /* bytes: be32 length, u8 type */
#define TS_FRAME_MAX           262144 /* bytes of body after the head */
#define TS_FRAME_PREAUTH       40960  /* bytes of body before WELCOME */
#define TS_MP_DEPTH_MAX        16     /* nested arrays and maps in a message */
#define TS_MP_MAP_KEYS_MAX     1024   /* keys of one map */
#define TS_ARGS_MAX            131072 /* bytes of a call's argument map */
#define TS_ARGS_KEYS_MAX       64     /* arguments of one call */
#define TS_TOOL_NAME_MAX       128    /* bytes */
#define TS_TRACEPARENT_LEN     55     /* bytes, W3C Trace Context level 1 */
#define TS_PROVENANCE_MAX      16     /* declared labels of one call */
#define TS_PROVENANCE_LEN      128    /* bytes of one label */
#define TS_CHECK_MAX           1024   /* candidate calls in one CHECK */
#define TS_CHUNK_MAX           65536  /* bytes of one STDIN or OUTPUT message */
#define TS_STDIN_WINDOW        131072 /* bytes of stdin a shim may have in flight */
#define TS_MESSAGE_TEXT_MAX    1024 /* bytes of a sentence for people */
#define TS_CODE_MAX            64   /* bytes of a code or reason for machines */
#define TS_REF_MAX             15   /* bytes of "call-N", an output's name */
#define TS_INLINE_MAX          262144 /* bytes of an output that waits to be shown */
#define TS_OUTLINE_MAX         64  /* rows of what a kept output looks like */
#define TS_OUTLINE_PATTERN_MAX 256 /* bytes of the pattern of one row */
#define TS_PING_MAX            32  /* bytes of a PING token */
#define TS_REASON_MAX          256 /* bytes of a revocation's reason */

/* Delegations (design: delegation format, section 5) --------------------- */
#define TS_ID_MAX           128   /* bytes */
#define TS_CHAIN_MAX        32768 /* bytes of a whole chain */
#define TS_BLOCKS_MAX       8     /* blocks in a chain */
#define TS_PAYLOAD_MAX      8192  /* bytes of one block's payload */
#define TS_BLOCK_POLICY_MAX 4096  /* bytes of Cedar in one block */
#define TS_ATTRS_MAX        16    /* attributes in a root block */
#define TS_ATTR_KEY_MAX     32    /* bytes */
#define TS_ATTR_VALUE_MAX   128   /* bytes */
#define TS_DEPTH_MAX        7     /* links below a root */
#define TS_CERT_MAX         512   /* bytes of an agent certificate */
#define TS_SKEW_S           5     /* seconds, on nbf and iat only */
#define TS_TTL_DEFAULT_S    3600  /* seconds: exp - iat of a root */
#define TS_TTL_HARD_S       86400 /* seconds: the most a tenant can allow */
#define TS_AUDIENCES_MAX    4
#define TS_REVOCATION_MAX   1024    /* bytes of a signed revocation */
#define TS_ORIGIN_MAX       17408   /* bytes of a signed origin of a task */
#define TS_SNAPSHOT_MAX     4194304 /* bytes of a signed directory */
#define TS_TICKET_MAX       40960   /* bytes of a signed question to people */
#define TS_APPROVAL_MAX     2048    /* bytes of a person's signed answer */
#define TS_ESCALATION_MAX   17408   /* bytes of one, all signatures included */
#define TS_PEOPLE_MAX       32      /* people that one call can wait for */

/* Connections ------------------------------------------------------------ */
#define TS_CONNS_MAX       1024 /* agent connections at once */
#define TS_CONNS_PER_UID   64   /* agent connections at once of one uid */
#define TS_ADMIN_CONNS_MAX 32
#define TS_TENANT_OPS_MAX  12     /* of those, of operators of single tenants */
#define TS_TENANT_OPS_UID  4      /* and of one uid of them */
#define TS_HANDSHAKE_MS    10000  /* HELLO sent to AUTH received */
#define TS_HANDSHAKE_RATE  10     /* handshakes per second and uid, sustained */
#define TS_HANDSHAKE_BURST 200    /* handshakes at once before the rate bites */
#define TS_IDLE_MS         900000 /* session without a call */
#define TS_HOLD_MAX_MS     3600000 /* a call may wait for people */
#define TS_CALLS_PER_CONN  64      /* in flight */
#define TS_CALLS_MAX       1024    /* in flight in the whole gate */
#define TS_CALL_IDS_MAX    4096    /* remembered per grant */
#define TS_OUT_QUEUE_MAX   1048576 /* bytes queued to one connection */
#define TS_OUT_HIGH_WATER  262144  /* above it a tool's pipe is not read */
#define TS_WRITE_STALL_MS  60000   /* queued output of which nothing is taken */

/* Tools ------------------------------------------------------------------ */
#define TS_TOOLS_MAX       1024 /* manifests of one sidecar */
#define TS_TOOL_ARGS_MAX   32   /* declared arguments of one tool */
#define TS_ARGV_MAX        256  /* words of one argv */
#define TS_ARGV_BYTES_MAX  131072
#define TS_OUTPUT_DEFAULT  1048576   /* bytes of stdout plus stderr */
#define TS_OUTPUT_HARD_MAX 268435456 /* the most a manifest can ask for */
#define TS_DISCARD_FACTOR  16   /* times its limit may a tool write, unseen */
#define TS_PIPE_DRAIN_MS   100  /* reading a tool's pipes after its end */
#define TS_TOKEN_MAX       4096 /* bytes of a tool's identity token */
#define TS_WALL_DEFAULT_MS 30000
#define TS_WALL_HARD_MS    86400000

/* Between our own processes ---------------------------------------------- */
#define TS_RING_BYTES     8388608 /* gate to recorder, power of two */
#define TS_RING_ENTRY_MAX 393216  /* bytes of one entry */
#define TS_RECORD_MAX     196608  /* bytes of one record before JSON */
#define TS_ORDER_MAX      180224  /* bytes of one launch order */
#define TS_LAUNCHERS_MAX  12      /* one per seccomp profile */

#endif
