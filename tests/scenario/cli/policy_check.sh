# tipstaff policy check: what people get wrong is found and named at once
here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"
. "$here/policy_lib.sh"

golden check_good 0 policy check --schema photos.cedarschema \
    --entities entities.json policies
golden check_no_schema 0 policy check policies/owner.cedar

# ten mistakes, each alone, then the folder: no mistake hides another
for n in 01 02 03 04 05 06 07 08 09 10; do
    golden "check_$n" 1 policy check --schema photos.cedarschema "broken/$n.cedar"
done
golden check_syntax 1 policy check --schema photos.cedarschema \
    broken/01.cedar broken/02.cedar broken/06.cedar broken/09.cedar
golden check_types 1 policy check --schema photos.cedarschema \
    broken/03.cedar broken/04.cedar broken/05.cedar broken/07.cedar broken/08.cedar

# warnings, and how to make them count or be silent
echo 'permit (principal, action, resource);' >all.cedar
golden check_warning 0 policy check all.cedar
expect 1 policy check --deny-warnings all.cedar
expect 0 policy check --deny-warnings --no-lint all.cedar
expect 0 policy check --deny-warnings --allow catch_all_permit --allow any_principal --allow no_action all.cedar
expect 1 policy check --allow no_such_lint all.cedar
says err "there is no such lint"

# permissive and levels
echo 'permit (principal, action == Action::"view", resource) when { resource.owner.level > 3 };' >deep.cedar
expect 0 policy check --schema photos.cedarschema --level 2 deep.cedar
golden check_level 1 policy check --schema photos.cedarschema --no-lint --level 1 deep.cedar
echo 'permit (principal, action == Action::"view", resource) when { [User::"a", Album::"b"].contains(principal) };' >mixed.cedar
expect 1 policy check --schema photos.cedarschema mixed.cedar
expect 0 policy check --schema photos.cedarschema --permissive mixed.cedar

# schema and entities have errors of their own, found in the same run
sed 's/level: Long/level: Lnog/' photos.cedarschema >bad.cedarschema
golden check_schema 1 policy check --schema bad.cedarschema policies/owner.cedar
sed 's/"level": 2/"level": "2"/' entities.json >bad.json
golden check_entities 1 policy check --schema photos.cedarschema --entities bad.json policies

# JSON policies and JSON schemas
policy translate --to json policies/owner.cedar >owner.json
policy translate --to json --schema photos.cedarschema >photos.cedarschema.json
expect 0 policy check --schema photos.cedarschema.json owner.json
expect 1 policy check owner.json policies/limits.cedar
says err "one set is one or the other"
expect 0 sh -c '"$1" policy check --schema photos.cedarschema - <policies/owner.cedar' sh "$tipstaff"

# one document, whatever happens
expect 1 policy check --json --schema photos.cedarschema broken/04.cedar
json 'j["ok"] is False and j["errors"] == 1 and j["validated"] and j["policies"] == 1'
json 'j["diagnostics"][0]["code"] == "unknown_attribute" and j["diagnostics"][0]["line"] == 4 and j["diagnostics"][0]["column"] == 8 and j["diagnostics"][0]["file"] == "broken/04.cedar" and j["diagnostics"][0]["hint"] == "did you mean `level`?"'
expect 0 policy check --json --schema photos.cedarschema policies
json 'j["ok"] and j["files"] == 4 and j["policies"] == 4 and j["diagnostics"] == []'

# the command line
expect 2 policy check
says err "no policies"
expect 2 policy check --levle 2 policies
says err "unknown option --levle"
expect 2 policy check --level x policies
expect 0 policy check --help
says out "examples:"

# files that are none
expect 1 policy check nowhere.cedar
says err "nowhere.cedar: No such file"
mkdir empty
expect 1 policy check empty
says err "no *.cedar or *.json file"
head -c 5000 /dev/urandom >noise.cedar
expect 1 policy check noise.cedar
printf 'permit(principal,action,resource)\000;' >nul.cedar
expect 1 policy check nul.cedar
: >nothing.cedar
expect 0 policy check nothing.cedar
says out "1 file, 0 policies"
mkdir odd
mkfifo odd/pipe.cedar
ln -s /nonexistent odd/.hidden.cedar
cp policies/owner.cedar odd/a.cedar
ln -s ../odd odd/loop
expect 0 timeout 20 "$tipstaff" policy check odd
says out "1 file, 1 policy"
head -c 70000000 /dev/zero >huge.cedar
expect 1 policy check huge.cedar
says err "huge.cedar: more than 67108864 bytes"
printf 'permit(principal,action,resource)when{%0200000d};' 1 >long.cedar
expect 1 policy check long.cedar
size=$(wc -c <policies/owner.cedar)
n=0
while [ $n -lt "$size" ]; do # every truncation answers, none crashes
    head -c $n policies/owner.cedar >cut.cedar
    got=0
    policy check cut.cedar >out 2>err || got=$?
    [ $got -le 1 ] || fail "exit $got for the first $n bytes"
    n=$((n + 1))
done
