#!/usr/bin/env bash
# cookbook.sh LEVEL: every recipe of docs/TOOLS.md, typed out of the page, called,
# and its box looked up in the record. What needs more than LEVEL is refused.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ "$(id -u)" -eq 0 ] && [ -z "${EGRESS_WORLD:-}" ]; then
    # the world's network, and a folder of trusted certificates that is ours: with
    # mounts that others share, theirs would be another one too
    if ! why=$(unshare -n -m --propagation private true 2>&1); then
        echo "SKIPPED: a mount namespace of one's own is not given here: $why"
        exit 0
    fi
    EGRESS_WORLD=1 exec unshare -n -m "$0" "$@"
fi
. "$here/../egress/world.sh"
level=${1:?usage: cookbook.sh LEVEL}
for p in git node npm gcc make curl openssl; do
    command -v $p >/dev/null || {
        echo "SKIPPED: $p is absent"
        exit 0
    }
done

service_setup "cookbook-$level"
world_web=45.33.32.10
names=(docs.example.com npm.example.com db.example.com api.weather.example)
# An authority of the test's own, which this mount namespace alone trusts.
certs=$service_dir/certs
mkdir "$certs" "$service_dir/secrets" "$service_dir/scratch" "$service_dir/credentials"
(
    cd "$certs"
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=cookbook' -keyout ca.key -out ca.pem
    openssl req -newkey rsa:2048 -nodes -subj '/CN=world' -keyout server.key -out server.csr
    printf 'subjectAltName=%s\n' "$(printf 'DNS:%s,' "${names[@]}" | sed 's/,$//')" >ext
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out server.crt
    cat server.key server.crt >server.pem
    cp ca.pem "$(openssl x509 -hash -noout -in ca.pem).0"
    cp ca.pem ca-certificates.crt
) >"$service_dir/openssl.log" 2>&1 || die "openssl: $(tail -1 "$service_dir/openssl.log")"
mkdir "$service_dir/trusted"
cp "$certs"/*.0 "$certs/ca-certificates.crt" "$service_dir/trusted"
mount --bind "$service_dir/trusted" /etc/ssl/certs

world_start "$(jq -cn --arg a $world_web '[$ARGS.positional[] | {(.): [{a: [$a]}]}] | add' --args "${names[@]}")"
# the web of world.sh has the address already; the recipes' world is another one
world_other=45.33.32.20
over_there ip addr add $world_other/24 dev far
sed -i "s/$world_web/$world_other/g" "$service_dir/zone.json"
kill "${service_pids[-2]}"
nsenter -t "$world_netns" -n /usr/bin/python3 "$top/tests/scenario/egress/dns_server.py" $world_dns \
    "$service_dir/zone.json" "$service_dir/asked" &
service_also_stop $!
: >"$service_dir/world.out"
nsenter -t "$world_netns" -n /usr/bin/python3 "$here/world.py" $world_other "$certs" >"$service_dir/world.out" 2>&1 &
service_also_stop $!
check "the world is there" wait_until 60 grep -q ready "$service_dir/world.out"

# What the recipes work on.
git_as() { git -C "$service_workspace/repo" -c user.name=a -c user.email=a@b "$@"; }
git init -q "$service_workspace/repo"
echo one >"$service_workspace/repo/story.txt"
git_as add story.txt
git_as commit -qm one
echo two >>"$service_workspace/repo/story.txt"
git_as commit -qam two
cat >"$service_workspace/mean.py" <<'P'
import sys, tempfile
with tempfile.TemporaryFile("w+") as f:
    print(sum(map(int, sys.argv[1:])) / (len(sys.argv) - 1), file=f)
    f.seek(0)
    print(f.read(), end="")
P
echo 'let n = 0; for (let i = 0; i < 1e6; i++) n += i % 7; console.log(n);' >"$service_workspace/sum.js"
mkdir "$service_workspace/c" "$service_workspace/app" "$service_dir/etc/sandbox"
printf 'int main(void) { return 6 * 7 - 42; }\n' >"$service_workspace/c/t.c"
printf 'test:\n\tgcc -o t t.c\n\t./t && echo passed\n' >"$service_workspace/c/Makefile"
printf '{"dependencies": {"left": "^1.0.0"}}\n' >"$service_workspace/app/package.json"
printf 'a-key-for-signing-texts\n' >"$service_dir/secrets/sign.key"
chmod 0400 "$service_dir/secrets/sign.key"
printf 'key-of-the-weather-service' >"$service_dir/credentials/weather-key"
chmod 0400 "$service_dir/credentials/weather-key"
chmod 0700 "$service_dir/credentials"
export CREDENTIALS_DIRECTORY=$service_dir/credentials
launcher=$(service_uid launcher)
chown "$launcher:$launcher" "$service_dir/secrets/sign.key" "$service_dir/scratch"
service_own

# The page, typed.
mapfile -t tools < <(/usr/bin/python3 "$here/extract.py" "$top/docs/TOOLS.md" "$service_dir/etc" \
    "$service_dir" "$service_workspace")
# Debian's own npm is elsewhere, as the page says.
if [ ! -e /usr/lib/node_modules/npm ]; then
    sed -i 's#/usr/lib/node_modules/npm/#/usr/share/nodejs/npm/#; s#\[/usr/lib/node_modules, #[#' \
        "$(grep -rl '^tool: npm.install' "$service_dir/etc")"
fi
check "twelve recipes" [ "${#tools[@]}" = 12 ]
for t in "${tools[@]}"; do
    case $t in
    repo.diff | c.test | npm.install | repo.grep) kind=Dir ;;
    py.script | js.script) kind=File ;;
    *) kind=Tool ;;
    esac
    printf 'action "%s" appliesTo { principal: [User, Agent], resource: %s, context: Call };\n' "$t" $kind
done >>"$service_dir/etc/tenants/acme/schema.cedarschema"
service_args 'script?: String, words?: Set<String>, page?: String, text?: String, place?: String, limit?: Long,'
service_policy recipes "permit (principal, action in [$(printf 'Action::"%s",' "${tools[@]}" | sed 's/,$//')], resource);"
world_service "$level"
check "the profile passes the linter" "$service_bin/tipstaff" sandbox lint "$service_dir/etc/sandbox/still.yaml"
service_start
service_delegate "$service_dir/a.chain" 'permit (principal, action, resource);'

rank() { case $1 in bare) echo 1 ;; uid) echo 2 ;; full) echo 3 ;; *) echo 4 ;; esac; }
most=$(rank "$level")
[ "$most" -lt 3 ] || most=4 # strict is given where full is
called=0
ended() { # the newest decision's outcome is there; its box in $box
    local id
    id=$(log_lines | jq -r "select(.kind == \"decision\" and .tool == \"$1\") | .id" | tail -1)
    box=$(log_lines | jq -r "select(.kind == \"exec_ended\" and .id == \"$id\") | .box // empty")
    [ -n "$box" ]
}
# recipe TOOL LEAST EXPECTED ARGUMENT...: stdin is given on
recipe() {
    local name=$1 least=$2 expected=$3 got
    shift 3
    called=$((called + 1))
    if [ "$(rank "$least")" -gt "$most" ]; then
        if shim "$service_dir/a.chain" call "$name" "$@" >"$service_dir/out" 2>&1 </dev/null; then
            die "failed: $name ran at $level, and the page says that it needs $least"
        fi
        check "$name is refused at $level" grep -qE '\[(sandbox|tool)_unavailable\]' "$service_dir/out"
        return 0
    fi
    got=$(shim "$service_dir/a.chain" call "$name" "$@" 2>"$service_dir/err") ||
        die "failed: $name: $got $(cat "$service_dir/err") $(grep tool_refused "$service_dir/service.log")"
    grep -qF -- "$expected" <<<"$got" || die "failed: $name: expected '$expected', got '$got'"
    wait_until 60 ended "$name" || die "failed: $name has no outcome"
    [ "$(rank "$box")" -ge "$(rank "$least")" ] || die "failed: $name ran in a box of level $box"
    printf 'ok   %-12s %s\n' "$name" "$box"
}
recipe repo.diff bare '1 file changed, 1 insertion' path=repo </dev/null
recipe py.script bare 2.0 script=mean.py words:='["1", "2", "3"]' </dev/null
recipe js.script bare 2999997 script=sum.js </dev/null
recipe c.test bare passed path=c </dev/null
recipe docs.get full 'an introduction' page=v1/intro </dev/null
recipe npm.install full 'added 1 package' path=app </dev/null
recipe port.banner bare 'a database' </dev/null
recipe text.sign bare "$(printf hello | openssl dgst -sha256 -hmac a-key-for-signing-texts | sed 's/.* //')" text=hello </dev/null
recipe weather.now full 'rain, and your key is Bearer [redacted]' place=oslo </dev/null
recipe repo.grep strict story.txt path=repo pattern=two limit:=5 </dev/null
recipe text.count bare 6 --stdin <<<hello
recipe text.count strict 6 --stdin --provenance web:untrusted <<<hello
recipe text.sort bare "$(printf 'a\nb')" --stdin < <(printf 'b\na\n')
check "each of them was called" [ "$called" = 13 ]

if [ "$level" = full ]; then # a proxy lets out what the recipe says, and tells
    out=$(shim "$service_dir/a.chain" call docs.get page=v2/intro 2>&1) && die "failed: another path: $out"
    check "another path is recorded" wait_until 60 \
        eval 'records egress_denied | jq -e "select(.code == \"path_denied\" and .host == \"docs.example.com\")" >/dev/null'
    : >"$service_dir/tail"
    "$service_bin/tipstaff" tail -n 0 --socket "$service_log_socket" >"$service_dir/tail" &
    tail=$!
    service_also_stop $tail
    wait_until 60 grep -q 'no conn .*docs.example.com:80/v2/intro .*path_denied' "$service_dir/tail" || die "failed: tail"
    kill $tail 2>/dev/null || true
    check "tail: the box of each call" grep -qE 'ended .*repo.grep .*box strict' "$service_dir/tail"
    check "tail: connections with address and bytes" \
        grep -qE 'connect .*weather.now +GET api.weather.example:443/v1/now +45\.33\.32\.20 http' "$service_dir/tail"
    check "the package is there" grep -q left "$service_workspace/app/node_modules/left/index.js"
fi
service_stop
check "no secret is in the logs" \
    eval '! grep -rq "key-of-the-weather-service\|a-key-for-signing" "$service_log" "$service_dir/service.log"'
check "no errno where no call failed" eval '! log_lines | grep -q "errno 0"'
check "the log verifies" "$service_bin/tipstaff" log verify "$service_log"
