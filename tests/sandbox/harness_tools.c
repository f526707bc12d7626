/* The manifests that every box of harness.h has. */
#include "harness_priv.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/ts_test.h"

#include "tests/lib/launcher_rig.h"

/* DIR is replaced by the box's folder. */
static const struct launcher_rig_manifest tools[] = {
    {"tools/asfd.yaml",
     "tool: asfd\nexec: /proc/self/exe\nargv: [probe, '{what}']\n"
     "args: {what: {type: string, required: true}}\n"},
    {"tools/atfd.yaml",
     "tool: atfd\nexec: DIR/probe\nargv: [probe, '{what}']\n"
     "args: {what: {type: string, required: true}}\ncwd: /proc/self/fd/8\n"},
    {"tools/atroot.yaml",
     "tool: atroot\nexec: DIR/probe\nargv: [probe, '{what}']\n"
     "args: {what: {type: string, required: true}}\ncwd: /proc/self/root\n"},
    {"tools/build.yaml",
     "tool: build\nexec: DIR/probe\nargv: [probe, '{what}', '{arg}']\n"
     "args: {what: {type: string, required: true}, arg: {type: string}}\n"
     "seccomp: build\nwrite_paths: [DIR/space]\n"},
    {"tools/crowd.yaml",
     "tool: crowd\nexec: DIR/probe\nargv: [probe, '{what}', '{arg}']\n"
     "args: {what: {type: string, required: true}, arg: {type: string}}\n"
     "limits: {processes: 128, wall_ms: 30000}\n"},
    {"tools/dir.yaml",
     "tool: dir\nexec: DIR/probe\nargv: [probe, '{what}', '{path}']\n"
     "args: {what: {type: string, required: true},"
     " path: {type: path, required: true}}\n"
     "resource: {type: Dir, arg: path, root: DIR/space, access: write}\n"},
    {"tools/file.yaml",
     "tool: file\nexec: DIR/probe\nargv: [probe, '{what}', '{path}']\n"
     "args: {what: {type: string, required: true},"
     " path: {type: path, required: true}}\n"
     "resource: {type: File, arg: path, root: DIR/space, access: write}\n"},
    {"tools/first.yaml",
     "tool: first\nexec: DIR/probe\nargv: [probe, '{what}', '{arg}']\n"
     "args: {what: {type: string, required: true}, arg: {type: string}}\n"
     "sandbox: full\ninit: false\nlimits: {processes: 24}\n"},
    {"tools/inside.yaml",
     "tool: inside\nexec: DIR/probe\nargv: [probe, '{what}', '{arg}']\n"
     "args: {what: {type: string, required: true}, arg: {type: string}}\n"
     "read_paths: [DIR/space]\ncwd: DIR/space/sub\n"},
    {"tools/interp.yaml",
     "tool: interp\nexec: DIR/script\nargv: [script, '{what}', '{arg}']\n"
     "args: {what: {type: string, required: true}, arg: {type: string}}\n"},
    {"tools/known.yaml",
     "tool: known\nexec: DIR/script\nargv: [script, '{what}']\n"
     "args: {what: {type: string, required: true}}\n"
     "digest: 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
     "\n"},
    {"tools/needs.yaml",
     "tool: needs\nexec: DIR/probe\nargv: [probe, '{what}']\n"
     "args: {what: {type: string, required: true}}\nrequire: [cgroup]\n"},
    {"tools/plain.yaml",
     "tool: plain\nexec: DIR/probe\nargv: [probe, '{what}', '{arg}']\n"
     "args: {what: {type: string, required: true}, arg: {type: string}}\n"
     "stdin: true\nlimits: {processes: 24, memory_mb: 64, wall_ms: 15000}\n"},
    {"tools/proxied.yaml", /* only where there is a broker */
     "tool: proxied\nexec: DIR/probe\nargv: [probe, '{what}', '{arg}']\n"
     "args: {what: {type: string, required: true}, arg: {type: string}}\n"
     "seccomp: net\nnetwork: {mode: proxy, allow: ['a.example:443']}\n"},
    {"tools/pure.yaml",
     "tool: pure\nexec: DIR/probe\nargv: [probe, '{what}', '{arg}']\n"
     "args: {what: {type: string, required: true}, arg: {type: string}}\n"
     "seccomp: pure\n"},
    {"tools/scratch.yaml",
     "tool: scratch\nexec: DIR/probe\nargv: [probe, '{what}']\n"
     "args: {what: {type: string, required: true}}\nscratch: DIR/scratch\n"},
    {"tools/speaks.yaml",
     "tool: speaks\nexec: DIR/probe\nargv: [probe, '{what}', '{arg}']\n"
     "args: {what: {type: string, required: true}, arg: {type: string}}\n"
     "scratch: DIR/scratch\nidentity_token: {audience: b.example}\n"},
    {"tools/speaks_pure.yaml",
     "tool: speaks_pure\nexec: DIR/probe\nargv: [probe, '{what}', '{arg}']\n"
     "args: {what: {type: string, required: true}, arg: {type: string}}\n"
     "seccomp: pure\nidentity_token: {audience: b.example}\n"},
    {"tools/swapped.yaml",
     "tool: swapped\nexec: DIR/swapped\nargv: [swapped, '{what}', '{arg}']\n"
     "args: {what: {type: string, required: true}, arg: {type: string}}\n"},
};
#define TOOL_COUNT (sizeof(tools) / sizeof(tools[0]))

int box_bundle(const struct box *b)
{
    struct launcher_rig_manifest m[TOOL_COUNT];
    size_t n = 0;
    int fd;

    for (size_t i = 0; i < TOOL_COUNT; i++) {
        if (b->has_broker || strcmp(tools[i].name, "tools/proxied.yaml") != 0)
            m[n++] = tools[i];
    }
    fd = launcher_rig_bundle(m, n, b->dir);
    assert_true(fd >= 0);
    return fd;
}

uint32_t box_side_index(const char *tool)
{
    static const char *const names[BOX_SIDES] = {"pure", "files", "build",
                                                 "net", "jit"};
    char head[64], line[64];

    (void)snprintf(head, sizeof(head), "tool: %s\n", tool);
    for (size_t i = 0; i < TOOL_COUNT; i++) {
        if (strncmp(tools[i].text, head, strlen(head)) != 0)
            continue;
        for (uint32_t k = 0; k < BOX_SIDES; k++) {
            (void)snprintf(line, sizeof(line), "seccomp: %s\n", names[k]);
            if (strstr(tools[i].text, line) != NULL)
                return k;
        }
    }
    return BOX_FILES_SIDE;
}
