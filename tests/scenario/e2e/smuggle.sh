#!/usr/bin/env bash
# A descriptor of one tool never becomes another one's: two calls at once, of one agent,
# in one folder that both may write, through everything that they have in common. The
# same two programs without a box show that they know how.
# smuggle.sh LEVEL (bare, uid, full); SMUGGLE_SHOW=1 prints each try
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
level=${1:-bare}
if [ "$level" != bare ] && [ "$(id -u)" -ne 0 ]; then
    echo "SKIPPED: uids of tools need root"
    exit 0
fi
if [ "$level" = full ] && ! unshare -m mount --make-rprivate / 2>/dev/null; then
    echo "SKIPPED: no mount namespaces of one's own here"
    exit 0
fi
service_setup "smuggle-$level"
cp "$(dirname "${BASH_SOURCE[0]}")/smuggle.py" "$service_dir/smuggle.py"
other=build
[ "$level" != full ] || other=net # which needs a network namespace
for profile in files $other; do
    service_tool "s.$profile" "tool: s.$profile
description: one of two that have something to pass on
exec: /usr/bin/python3
argv: [python3, -I, -B, $service_dir/smuggle.py, '{words...}']
args:
  words: {type: strings, max_items: 64, description: its arguments}
read_paths: [/usr, /etc, $service_dir/smuggle.py]
write_paths: [$service_workspace]
seccomp: $profile
sandbox: $level
limits: {wall_ms: 60000, memory_mb: 1024, processes: 64}
network: {mode: broker, allow: ['nowhere.test:80']}"
done
service_args "words?: Set<String>,"
service_policy smuggle "permit (principal, action in [Action::\"s.files\", Action::\"s.$other\"], resource);"
printf 'sandbox: {level: %s%s}\negress: {dns: ["127.0.0.1"]}\n' "$level" "$(e2e_uids)" >>"$service_dir/etc/tipstaff.yaml"
sed -i -E "s/^( +)launcher: .*/&\n\1broker: 64004/" "$service_dir/etc/tipstaff.yaml"
service_start
c=$service_dir/c.chain
service_delegate "$c" 'permit (principal, action, resource);'
call() { # call TOOL WORD...
    local tool=$1
    shift
    shim "$c" call "$tool" "words:=$(jq -cn '$ARGS.positional' --args -- "$@")"
}
ready() { grep -q '^ready' "$service_dir/$1.out" 2>/dev/null; }
pid_of() { pgrep -f "smuggle.py hold $1 " | while read -r p; do
    [ "$(readlink "/proc/$p/exe")" = "$(readlink -f /usr/bin/python3)" ] && echo "$p"
done | head -1; }

echo "-- without a box"
folder=$service_dir/open
mkdir -m 0777 "$folder"
as_agent /usr/bin/python3 -I -B "$service_dir/smuggle.py" hold free "$folder" >"$service_dir/free.out" 2>&1 &
service_also_stop $!
check "it offers" wait_until 60 ready free
as_agent /usr/bin/python3 -I -B "$service_dir/smuggle.py" take free "$folder" "$(pid_of free)" >"$service_dir/taken.out" 2>&1 || true
same "and the other one takes" "got True" "$(tail -1 "$service_dir/taken.out")"
check "by a socket" grep -q '^by_socket.*went through' "$service_dir/taken.out"
check "by its number over there" grep -q '^by_p.*went through' "$service_dir/taken.out"

echo "-- in a box"
for pair in "files files" "$other $other" "files $other" "$other files"; do
    read -r holder taker <<<"$pair"
    name=$holder-$taker
    call "s.$holder" hold "$name" "$service_workspace" >"$service_dir/$name.out" 2>"$service_dir/$name.err" &
    holding=$!
    check "$pair: it offers" wait_until 60 ready "$name"
    # as it is known outside, as it knows itself, and whatever is near
    call "s.$taker" take "$name" "$service_workspace" "$(pid_of "$name")" \
        "$(sed -n 's/^ready //p' "$service_dir/$name.out")" 1 2 3 4 >"$service_dir/taken.out" 2>"$service_dir/err" ||
        die "$pair: the taker failed: $(cat "$service_dir/err")"
    [ -z "${SMUGGLE_SHOW:-}" ] || sed 's/^/     /' "$service_dir/taken.out"
    same "$pair: nothing is taken" "got False" "$(tail -1 "$service_dir/taken.out")"
    check "$pair: neither by a socket" eval '! grep -q "^by_socket.*went through" "$service_dir/taken.out"'
    check "$pair: nor from the other one's table" eval '! grep -q "^by_p.*went through\|^by_trace.*went through\|^by_stdio.*went through" "$service_dir/taken.out"'
    kill -TERM "$(service_shims "call s.$holder")" 2>/dev/null || true
    wait $holding || true
done
service_stop
check "the log verifies" "$service_bin/tipstaff" log verify "$service_log"
