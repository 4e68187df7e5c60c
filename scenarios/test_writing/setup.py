"""The module to be tested is kept here, so that the judge's copy is not the one the agent can edit."""

MODULE = '''"""A cache with a limit on its size and a time to live.

Time is what ``clock()`` returns, a number of seconds, so that tests needn't wait.
"""

import time


class TTLCache:
    """Keeps up to ``capacity`` values, each for at most ``ttl`` seconds.

    An entry is alive while less than its time to live has gone by since it was put; when exactly
    its time to live has gone by it has expired. Expired entries are as good as absent: no method
    shows them, and they take up no room.
    """

    def __init__(self, capacity, ttl=None, clock=time.monotonic):
        """Make an empty cache.

        ``ttl`` is the time to live of entries that are put without one of their own; None means that
        they never expire. Raises ValueError if ``capacity`` is less than 1, or if ``ttl`` is not None and
        not greater than 0.
        """
        if capacity < 1:
            raise ValueError("capacity must be at least 1")
        if ttl is not None and ttl <= 0:
            raise ValueError("ttl must be greater than 0")
        self.capacity = capacity
        self.ttl = ttl
        self.hits = 0
        self.misses = 0
        self._clock = clock
        self._entries = {}

    def put(self, key, value, ttl=None):
        """Store a value; ``ttl`` is its own time to live, or None for the cache's.

        A key that is there gets the new value, a new time to live from now on, and counts as just used. If
        there is no room for a new key, the entry that was used longest ago goes; putting and getting are
        uses. Raises ValueError if ``ttl`` is not None and not greater than 0, and changes nothing then.
        """
        if ttl is not None and ttl <= 0:
            raise ValueError("ttl must be greater than 0")
        self._drop_expired()
        self._entries.pop(key, None)
        if len(self._entries) >= self.capacity:
            oldest = next(iter(self._entries))
            del self._entries[oldest]
        lifetime = self.ttl if ttl is None else ttl
        expires = None if lifetime is None else self._clock() + lifetime
        self._entries[key] = (value, expires)

    def get(self, key, default=None):
        """Return the value of a key, or ``default`` if it is absent.

        Counts a hit or a miss in ``hits`` and ``misses``. A hit counts as a use but doesn't make the entry
        live longer.
        """
        self._drop_expired()
        if key not in self._entries:
            self.misses += 1
            return default
        entry = self._entries.pop(key)
        self._entries[key] = entry
        self.hits += 1
        return entry[0]

    def __contains__(self, key):
        """Return whether a key is there. That is no use, no hit and no miss."""
        self._drop_expired()
        return key in self._entries

    def __len__(self):
        """Return the number of entries that are alive."""
        self._drop_expired()
        return len(self._entries)

    def keys(self):
        """Return a list of the keys, the one used longest ago first."""
        self._drop_expired()
        return list(self._entries)

    def pop(self, key):
        """Remove a key and return its value; raise KeyError if it is absent. Counts neither hit nor miss."""
        self._drop_expired()
        return self._entries.pop(key)[0]

    def remaining(self, key):
        """Return for how many seconds a key is still alive, None if forever; raise KeyError if it is absent."""
        self._drop_expired()
        expires = self._entries[key][1]
        return None if expires is None else expires - self._clock()

    def resize(self, capacity):
        """Change the capacity; the entries used longest ago go until the rest fits.

        Raises ValueError if ``capacity`` is less than 1, and changes nothing then.
        """
        if capacity < 1:
            raise ValueError("capacity must be at least 1")
        self._drop_expired()
        self.capacity = capacity
        while len(self._entries) > capacity:
            del self._entries[next(iter(self._entries))]

    def clear(self):
        """Remove all entries and set ``hits`` and ``misses`` to 0."""
        self._entries.clear()
        self.hits = 0
        self.misses = 0

    def _drop_expired(self):
        now = self._clock()
        for key in [key for key, (_, expires) in self._entries.items() if expires is not None and expires <= now]:
            del self._entries[key]
'''


def files(rng):
    return {"ttl_cache.py": MODULE}
