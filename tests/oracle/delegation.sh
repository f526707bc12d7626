# Our delegation code against the independent one, in both directions.
# usage: delegation.sh path/to/tipstaff
set -eu
here=$(cd "${0%/*}" && pwd)
tipstaff=$1
oracle="/usr/bin/python3 $here/delegation.py"
if ! /usr/bin/python3 -c 'import nacl, msgpack' 2>/dev/null; then
    echo "FAILED: python3-nacl and python3-msgpack are missing" >&2
    exit 1
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

# theirs through ours, and through themselves; seeds change keys and values
for seed in 1 2 3 4 5 6; do
    $oracle mint $seed >theirs.json
    $oracle verify theirs.json >theirs.out || { cat theirs.out; exit 1; }
    "$tipstaff" delegation vectors theirs.json >ours.out || { cat ours.out; exit 1; }
    [ "$(tail -1 ours.out)" = "$(tail -1 theirs.out)" ]
    tail -1 ours.out
done

# ours through theirs: every block id, key and time agrees
for k in issuer coder one two; do "$tipstaff" key new $k >/dev/null; done
echo 'permit(principal, action, resource);' >p
"$tipstaff" delegate --issuer-key issuer.seed --tenant acme --issuer idp \
    --user alice --agent coder --holder coder.pub --aud sidecar/x --task t \
    --depth 3 --attr k=v --policy p -o 0.chain >/dev/null
"$tipstaff" attenuate --chain 0.chain --key coder.seed --agent coder/one \
    --holder one.pub --depth 1 --policy p -o 1.chain >/dev/null
"$tipstaff" attenuate --chain 1.chain --key one.seed --agent coder/one/two \
    --holder two.pub --policy p -o 2.chain >/dev/null
for n in 0 1 2; do
    $oracle chain $n.chain issuer.pub >theirs.out
    "$tipstaff" delegation show --json --issuer-pub issuer.pub $n.chain |
        /usr/bin/python3 -c '
import json, sys
for b in json.load(sys.stdin)["blocks"]:
    print(b["agent"], b["id"], b["holder"], b["exp"])' >ours.out
    cmp ours.out theirs.out
    [ "$(wc -l <ours.out)" = $((n + 1)) ]
done

shared=${TIPSTAFF_SHARED:-$here/../../../shared}
if [ ! -r "$shared/vectors/delegation.json" ]; then
    echo "SKIPPED: ../shared is absent"
    exit 0
fi
$oracle verify "$shared/vectors/delegation.json" # the oracle is right, too
