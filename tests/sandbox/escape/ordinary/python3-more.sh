/usr/bin/python3 - <<'P'
import asyncio, ctypes, lzma, multiprocessing as m, os, signal, sqlite3, ssl, time
from multiprocessing import shared_memory
def f(x): return x * x
if __name__ == "__main__":
    with m.Pool(2) as p: print(p.map(f, range(5)))
    q = m.Queue(); c = m.Process(target=q.put, args=(3,)); c.start(); print(q.get()); c.join()
    s = shared_memory.SharedMemory(create=True, size=100); s.buf[0] = 7; print(s.buf[0]); s.close(); s.unlink()
    async def g():
        e = await asyncio.create_subprocess_exec("/bin/echo", "async", stdout=asyncio.subprocess.PIPE)
        print((await e.communicate())[0].decode().strip())
    asyncio.run(g())
    d = sqlite3.connect("w.db"); d.execute("pragma journal_mode=wal"); d.execute("create table t(a)")
    d.execute("insert into t values(1)"); d.commit(); print(d.execute("select * from t").fetchall())
    print(ssl.create_default_context().verify_mode, ctypes.CDLL(None).getpid() == os.getpid(), m.cpu_count() > 0)
    signal.signal(signal.SIGALRM, lambda *a: print("alarm")); signal.setitimer(signal.ITIMER_REAL, 0.02); time.sleep(0.1)
P
/usr/bin/python3 -m venv --without-pip v && v/bin/python -c 'import sys; print(sys.prefix.endswith("/v"))'
