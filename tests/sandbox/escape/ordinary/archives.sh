mkdir t; seq 20000 >t/a; ln -s a t/l; mkfifo t/p; tar cf x.tar t; tar xpf x.tar; gzip -k x.tar; xz -T2 -k x.tar
gzip -dc x.tar.gz | cmp - x.tar; xz -dc x.tar.xz | cmp - x.tar; cp -a t t2; cp --preserve=all t/a t3; rm -rf t
install -m 600 x.tar y; stat -c %a y; split -n 3 x.tar z; cat zaa zab zac | cmp - x.tar; tar czf - t2 | tar tzf - | wc -l
seq 300000 | sort -R --random-source=/dev/zero | sort -n -S 2M -T . --parallel=2 | md5sum
