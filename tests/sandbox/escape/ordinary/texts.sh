echo '{"a":[1,2]}' | jq -c .a; printf 'a\nb\n' >p1; printf 'a\nc\n' >p2; diff -u p1 p2 >pp || true; patch -s p1 pp; cat p1
sed -i s/a/z/ p1; cat p1; mkdir -p d/e; touch d/e/{1..50}; find d -type f -exec sh -c 'echo "$1"' _ {} \; | wc -l; find d -delete
awk 'BEGIN { while (("echo a;echo b" | getline l) > 0) print l; print "x" | "cat"; close("cat"); system("echo sys") }'
flock fl echo locked; setsid -w echo sid; taskset -c 0 echo pinned; nice -n 5 true; stdbuf -o0 echo unbuf; df . >/dev/null
timeout -k 1 5 sleep 0.01; truncate -s 10 tr; sync tr; ps -o comm= -p $$ | wc -l; free >/dev/null; uptime >/dev/null
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out e.pem 2>/dev/null
openssl req -x509 -key e.pem -subj /CN=x -days 1 -out c.pem; openssl x509 -in c.pem -noout -subject
echo a | openssl enc -aes-256-cbc -pbkdf2 -k p | openssl enc -d -aes-256-cbc -pbkdf2 -k p
! command -v gpg >/dev/null || gpg --version | head -1
