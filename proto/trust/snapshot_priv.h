#ifndef PROTO_TRUST_SNAPSHOT_PRIV_H
#define PROTO_TRUST_SNAPSHOT_PRIV_H

/* Shared by directory_snapshot.c (reads) and directory_snapshot_build.c. */
#define SNAPSHOT_VERSION 1
#define SNAPSHOT_FIELDS  9

#endif
