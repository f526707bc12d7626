sqlite3 w.db 'pragma journal_mode=wal; create table t(a); with recursive c(x) as (select 1 union all select x+1 from c
    where x<20000) insert into t select x from c; create index i on t(a); pragma mmap_size=1000000; select sum(a) from t;'
for i in 1 2 3; do sqlite3 -cmd '.timeout 5000' w.db "insert into t values(-$i)" & done; wait
sqlite3 w.db 'select count(*) from t; pragma integrity_check; vacuum into "v.db"'; sqlite3 v.db '.backup b.db'; ls b.db
