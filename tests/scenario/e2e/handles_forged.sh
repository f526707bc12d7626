#!/usr/bin/env bash
# Handles that name nothing, not yet, no more, or somebody else's: each is refused with its own
# code and sentence, before a policy is asked.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

service_setup handles-forged
service_tool mail "tool: mail.list
exec: /bin/cat
argv: [cat]
stdin: true
output: {format: json, integrity: trusted}"
service_tool tick "tool: tick
exec: /bin/echo
argv: [echo, '[1]']
output: {format: json, integrity: trusted}"
service_tool slow "tool: slow
exec: /bin/cat
argv: [cat]
stdin: true
output: {format: json, integrity: trusted}"
service_tool send "tool: mail.send
exec: /bin/echo
argv: [echo, '{to}']
args: {to: {type: string, required: true}}
output: {integrity: trusted}"
service_args 'to?: String,'
service_policy all 'permit (principal, action in [Action::"mail.list", Action::"mail.send", Action::"tick", Action::"slow"], resource);'
service_start
next_second() { local now; now=$(date +%s); while [ "$(date +%s)" = "$now" ]; do sleep 0.05; done; }
next_second # a grant as old as the sidecar's start may have been used before it
chain=$service_dir/a.chain
service_delegate "$chain" 'permit (principal, action, resource);'

# call WANT WHAT INPUT ARGUMENT... : one call of $chain; out and err keep its words
call() {
    local want=$1 what=$2 input=$3 got=0
    shift 3
    shim "$chain" call "$@" >"$service_dir/out" 2>"$service_dir/err" <<<"$input" || got=$?
    [ "$got" -eq "$want" ] || { cat "$service_dir/out" "$service_dir/err"; die "failed: $what: exit $got, not $want"; }
    printf 'ok   %s\n' "$what"
}
out_is() { [ "$(cat "$service_dir/out")" = "$1" ] || { cat "$service_dir/out"; return 1; }; }
has() { grep -qF -- "$2" "$service_dir/$1" || { cat "$service_dir/$1"; return 1; }; }
lacks() { ! grep -qF -- "$2" "$service_dir/$1" || { cat "$service_dir/$1"; return 1; }; }
# refused CODE WHAT ARGUMENT... ; its sentence is then in err
refused() {
    local code=$1 what=$2
    shift 2
    call 104 "$what" "" "$@"
    check "  as $code" has err "DENIED [$code] decision"
}

to() { printf 'to=$ref:%s' "$1"; }

refused handle_unknown "a call that never was" mail.send "$(to call-1#/0/from)"
check "  in words" has err 'argument "to": this task has no call of that number'
long=$(head -c 140000 /dev/zero | tr '\0' y)
cat >"$service_dir/nested" <<END
[{"from": {"name": "bob"}, "list": ["a", "b"], "deep": [[[[[[[[[[[1]]]]]]]]]]],
  "ref": {"\$ref": "call-1", "path": "/0/list/0"}, "twice": {"k": 1, "k": 2}, "long": "$long"}, {"to": "call-1"}]
END
shim "$chain" call --stdin --handle mail.list <"$service_dir/nested" >"$service_dir/out" 2>"$service_dir/err"
same "an output that is kept back" '$ref:call-1' "$(sed -n 1p "$service_dir/out")"
call 0 "one value of it" "" mail.send "$(to call-1#/0/from/name)"
check "  is what stands there" out_is bob

refused handle_nothing "a path to nothing" mail.send "$(to call-1#/0/nobody)"
check "  in words" has err 'argument "to": nothing stands at that path of the output'
refused handle_nothing "a path beyond the end of a list" mail.send "$(to call-1#/2/from)"
refused handle_nothing "a key that stands twice" mail.send "$(to call-1#/0/twice/k)"
check "  in words" has err 'argument "to": an object on that path has its key twice'
refused bad_arguments "an object where a text is wanted" mail.send "$(to call-1#/0/from)"
refused bad_arguments "a list where a text is wanted" mail.send "$(to call-1#/0/list)"
refused handle_too_large "a value that is nested too deeply" mail.send "$(to call-1#/0/deep)"
check "  in words" has err 'argument "to": that value is nested too deeply'
refused handle_too_large "a value that is too large" mail.send "$(to call-1#/0/long)"
check "  in words" has err 'argument "to": that value is too large'
refused bad_arguments "a value that looks like a handle is data" mail.send "$(to call-1#/0/ref)"

refused handle_malformed "a handle inside a handle" mail.send \
    'to:={"$ref": {"$ref": "call-1", "path": "/1/to"}, "path": "/0/from/name"}'
check "  in words" has err 'argument "to": a handle is {"$ref": "call-N", "path": "/pointer"} and no more'
for bad in '{"$ref": "call-1"}' '{"$ref": "call-1", "path": 1}' '{"$ref": "call-1", "path": "", "more": 1}' \
    '{"$ref": "1", "path": ""}' '{"$ref": "call-01", "path": ""}' '{"$ref": "call-0", "path": ""}' \
    '{"$ref": "call-4294967296", "path": ""}' '{"$ref": "call--1", "path": ""}' '{"$ref": "CALL-1", "path": ""}'; do
    refused handle_malformed "forged: $bad" mail.send "to:=$bad"
done
refused handle_malformed "seventeen handles" mail.send \
    "to:=[$(for _ in $(seq 17); do printf '{"$ref": "call-1", "path": "/1/to"},'; done | sed 's/,$//')]"
check "  in words" has err 'a call has at most 16 handles'
for bad in '$ref:' '$ref:call-1#x' '$ref:call-01#' '$ref:call-1#/~2' '$ref:call-1 #/0' '$ref:$ref:call-1'; do
    call 108 "a word that is no handle: $bad" "" mail.send "to=$bad"
    check "  is not sent as a text" has err "is no handle"
done
call 0 "but as JSON it is a text" "" mail.send 'to:="$ref:call-1"'
check "  and arrives as one" out_is '$ref:call-1'

# Another task's, and another session's.
service_delegate "$service_dir/b.chain" 'permit (principal, action, resource);'
task=$chain chain=$service_dir/b.chain
refused handle_unknown "another task's handle names nothing here" mail.send "$(to call-1#/0/from/name)"
check "  and tells nothing" lacks err bob
chain=$task
call 0 "another session of the task has it" "" mail.send "$(to call-1#/0/from/name)"
check "  all of it" out_is bob

# A call that still runs.
mkfifo "$service_dir/feed"
chmod 0666 "$service_dir/feed"
service_delegate "$service_dir/c.chain" 'permit (principal, action, resource);'
chain=$service_dir/c.chain
shim "$chain" call --stdin --handle slow <"$service_dir/feed" >"$service_dir/slow.out" 2>/dev/null &
slow=$!
exec 9>"$service_dir/feed"
slow_runs() { log_lines | jq -e -s 'any(.[]; .kind == "decision" and .tool == "slow")' >/dev/null; }
check "a call runs" wait_until 20 slow_runs
refused_early() { # it is another thing than a call of which nothing is kept
    local got=0
    shim "$chain" call mail.send "$(to call-1#/a)" >"$service_dir/out" 2>"$service_dir/err" || got=$?
    [ $got -eq 104 ] && has err 'UNAVAILABLE [handle_running] decision'
}
check "its output has no values yet" refused_early
check "  which is worth another try" has err 'try again later'
printf '{"a": "late"}' >&9
exec 9>&-
check "it ends" wait $slow
call 0 "and now it has" "" mail.send "$(to call-1#/a)"
check "  this one" out_is late

# One that made room.
(for _ in $(seq 64); do echo '{"tool": "tick"}'; done) >"$service_dir/lines"
shim "$chain" call --batch <"$service_dir/lines" >/dev/null
refused handle_gone "the oldest of 65 outputs is not kept any more" mail.send "$(to call-1#/a)"
check "  in words" has err 'argument "to": that call has no output that is still kept; make the call again'
call 0 "what failed to keep a place can be had again" '{"a": "again"}' --stdin --handle slow
call 0 "under its new name" "" mail.send "to=$(sed -n 1p "$service_dir/out")#/a"
check "  whole" out_is again

# A grant that is gone, and a restart.
id=$(printf '%032d' 7)
call 0 "a call with an id of its own" "" --handle --retry-id "$id" tick
ref=$(sed -n 1p "$service_dir/out")
call 0 "its retry runs nothing" "" --handle --retry-id "$id" tick
check "  and tells the same handle" has err "its output was kept back as $ref"
check "  and nothing else" out_is ""
got=0
shim "$task" end >/dev/null 2>&1 || got=$?
same "the first task ends" 0 $got
got=0
shim "$task" call mail.send "$(to call-1#/0/from/name)" >"$service_dir/out" 2>"$service_dir/err" || got=$?
same "a handle of a revoked grant is nobody's" 107 $got
service_stop
service_start
refused handle_unknown "nor does one outlive the sidecar" mail.send "$(to call-1#/a)"
service_stop
check "the log verifies" "$service_bin/tipstaff" log verify "$service_log"
