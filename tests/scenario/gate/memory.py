"""The page that a gate built by ts_oom_program() shares with a scenario: which of its
allocations fails (tests/lib/oom_page.h)."""
import mmap
import os
import struct
import tempfile

BOUND = 200000  # allocations: more than anything here makes


class Page:
    def __init__(self):
        self.file = tempfile.NamedTemporaryFile()
        os.ftruncate(self.file.fileno(), 4096)
        self.map = mmap.mmap(self.file.fileno(), 4096)
        os.environ["TS_OOM_PAGE"] = self.file.name
        self.disarm()

    def _get(self, fmt, at):
        return struct.unpack_from(fmt, self.map, at)[0]

    def arm(self, nth, also_later):
        struct.pack_into("<??", self.map, 4, also_later, False)
        struct.pack_into("<i", self.map, 0, nth)

    def disarm(self):
        """Whether one failed."""
        struct.pack_into("<i", self.map, 0, -1)
        return self._get("<?", 5)

    def live(self):
        return self._get("<i", 8)

    def freed(self):
        """What the program that has ended had not freed; counted anew for the next."""
        live = self.live()
        struct.pack_into("<i", self.map, 8, 0)
        return live

    def made(self, fn):
        """How many allocations fn makes."""
        struct.pack_into("<i", self.map, 12, 0)
        fn()
        return self._get("<i", 12)

    def sweep(self, once, before=lambda: None):
        """once(ends) with each allocation failing in turn, with all that follow and
        alone, each time after before(). `ends` disarms, and says whether one failed. How
        many allocations there were is returned."""
        for nth in range(BOUND):
            for also_later in (True, False):
                before()
                self.arm(nth, also_later)
                try:
                    once(self.disarm)
                finally:
                    fired = self.disarm()
            if not fired:
                return nth
        raise AssertionError("it never ends")
