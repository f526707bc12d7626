# tipstaff directory show and export: what is read, verified and written again
here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"
. "$here/directory_lib.sh"
configuration etc
show() { "$tipstaff" directory show "$@"; }

golden show_text 0 show --config etc
golden show_json 0 show --config etc --json
golden show_file 0 show $installed
expect 0 show $installed --config etc
says out "by acme-directory"
/usr/bin/python3 "$here/directory_verify.py" $installed "$(hex etc/keys/directory)" acme 1

# export and apply again: the same content
"$tipstaff" directory export --config etc >again.yaml
content=$(content_of $installed)
expect 0 apply again.yaml --no-push
says out "the same people as before"
[ "$(content_of $installed)" = "$content" ] || fail "content"
golden export 0 "$tipstaff" directory export $installed
expect 0 "$tipstaff" directory export $installed -o new.yaml
expect 1 "$tipstaff" directory export $installed -o new.yaml
says err "exists already"

# nobody at all, and as many as one likes
printf 'users: []\nagents: []\n' >nobody.yaml
expect 0 apply nobody.yaml --no-push
"$tipstaff" directory export --config etc >again.yaml
content=$(content_of $installed)
expect 0 apply again.yaml --no-push
[ "$(content_of $installed)" = "$content" ] || fail "content of nobody"
/usr/bin/python3 - >many.yaml <<'P'
print("users:")
for i in range(4000):
    print(f"  - id: user-{i:05}\n    status: {'active' if i % 3 else 'inactive'}")
    print(f"    groups: [g{i % 7}, 'null', \"1.5\"]")
print("agents:")
for i in range(1000):
    print(f"  - id: a/{i:05}\n    status: active\n    owner: user-{i:05}\n    uids: [{i}]")
P
expect 0 apply many.yaml --no-push
content=$(content_of $installed)
expect 0 "$tipstaff" directory export --config etc -o many-again.yaml
expect 0 apply many-again.yaml --no-push
[ "$(content_of $installed)" = "$content" ] || fail "content of many"
/usr/bin/python3 "$here/directory_verify.py" $installed "$(hex etc/keys/directory)" acme 6
expect 0 apply etc/directory/acme.yaml --no-push

# whose signature
seed other o
sed -i "s/$(hex etc/keys/directory)/$(hex other)/" etc/tenants/acme/trust.yaml
golden show_stranger 1 show --config etc
expect 1 show --config etc --json
says out '"verified": false'
expect 1 "$tipstaff" directory export --config etc
says err "it is not exported"
trust etc acme

# expired
expect 0 apply etc/directory/acme.yaml --no-push --ttl 1
end=$(($(date +%s) + 10))
until show $installed >/dev/null 2>&1 || [ $? = 1 ] && ! show $installed >/dev/null 2>&1; do
    [ "$(date +%s)" -lt $end ] || fail "it does not expire"
done
expect 1 show --config etc
says out "expired"
expect 0 apply etc/directory/acme.yaml --no-push

# nothing there, nothing else, never a crash
rm $installed
expect 1 show --config etc
says err "has no directory yet"
expect 2 show
says err "which directory?"
expect 1 show nowhere
expect 0 apply etc/directory/acme.yaml --no-push
size=$(wc -c <$installed)
n=0
while [ $n -lt "$size" ]; do
    head -c $n $installed >cut
    expect 1 show cut
    n=$((n + 7))
done
head -c 4194305 /dev/zero >big
expect 1 show big
says err "more than 4194304 bytes"
