"""Reads the module and writes a test for each statement of its docstrings."""

TESTS = """
import unittest

from ttl_cache import TTLCache


class Clock:
    def __init__(self):
        self.now = 100

    def __call__(self):
        return self.now


class CacheCase(unittest.TestCase):
    def setUp(self):
        self.clock = Clock()

    def cache(self, capacity=3, ttl=10, keys=""):
        cache = TTLCache(capacity, ttl, self.clock)
        for key in keys:
            cache.put(key, key.upper())
        return cache


class TestConstruction(CacheCase):
    def test_capacity_must_be_at_least_1(self):
        for capacity in (0, -1):
            with self.assertRaises(ValueError):
                TTLCache(capacity)
        self.assertEqual(TTLCache(1).capacity, 1)

    def test_ttl_must_be_greater_than_0(self):
        for ttl in (0, -1):
            with self.assertRaises(ValueError):
                TTLCache(1, ttl)
        self.assertEqual(TTLCache(1, 0.5).ttl, 0.5)

    def test_it_begins_empty(self):
        cache = self.cache()
        self.assertEqual((len(cache), cache.keys(), cache.hits, cache.misses), (0, [], 0, 0))

    def test_caches_are_apart(self):
        self.cache(keys="a")
        self.assertNotIn("a", self.cache())

    def test_the_clock_may_be_left_out(self):
        cache = TTLCache(1, 1000)
        cache.put("a", 1)
        self.assertIn("a", cache)


class TestExpiry(CacheCase):
    def test_alive_until_just_before_its_time(self):
        cache = self.cache(keys="a")
        self.clock.now += 9.5
        self.assertEqual(cache.get("a"), "A")
        self.assertIn("a", cache)

    def test_expired_when_exactly_its_time_has_gone_by(self):
        for look in (
            lambda cache: cache.get("a", "gone") == "gone",
            lambda cache: "a" not in cache,
            lambda cache: len(cache) == 0,
            lambda cache: cache.keys() == [],
        ):
            cache = self.cache(keys="a")
            self.clock.now += 10
            self.assertTrue(look(cache))
        for method in ("pop", "remaining"):
            cache = self.cache(keys="a")
            self.clock.now += 10
            with self.assertRaises(KeyError):
                cache.pop("a") if method == "pop" else cache.remaining("a")

    def test_without_ttl_it_never_expires(self):
        cache = self.cache(ttl=None, keys="a")
        self.clock.now += 10**9
        self.assertEqual(cache.get("a"), "A")

    def test_getting_does_not_prolong(self):
        cache = self.cache(keys="a")
        self.clock.now += 6
        self.assertEqual(cache.get("a"), "A")
        self.clock.now += 4
        self.assertNotIn("a", cache)

    def test_putting_again_does(self):
        cache = self.cache(keys="a")
        self.clock.now += 6
        cache.put("a", "new")
        self.clock.now += 6
        self.assertEqual(cache.get("a"), "new")

    def test_own_ttl_shorter_and_longer(self):
        cache = self.cache()
        cache.put("short", 1, ttl=2)
        cache.put("long", 2, ttl=50)
        cache.put("usual", 3)
        self.clock.now += 2
        self.assertEqual(cache.keys(), ["long", "usual"])
        self.clock.now += 8
        self.assertEqual(cache.keys(), ["long"])
        self.clock.now += 40
        self.assertEqual(cache.keys(), [])
        self.assertEqual(cache.ttl, 10)

    def test_own_ttl_where_the_cache_has_none(self):
        cache = self.cache(ttl=None)
        cache.put("a", 1, ttl=3)
        cache.put("b", 1)
        self.clock.now += 3
        self.assertEqual(cache.keys(), ["b"])

    def test_a_refused_put_changes_nothing(self):
        for ttl in (0, -1):
            cache = self.cache(capacity=2, keys="ab")
            for key in "ac":
                with self.assertRaises(ValueError):
                    cache.put(key, "new", ttl=ttl)
            self.assertEqual(cache.keys(), ["a", "b"])
            self.assertEqual(cache.get("a"), "A")

    def test_expired_take_up_no_room(self):
        cache = self.cache(capacity=2)
        cache.put("old", 1)
        cache.put("brief", 2, ttl=1)
        self.clock.now += 1
        cache.put("new", 3)
        self.assertEqual(cache.keys(), ["old", "new"])


class TestEviction(CacheCase):
    def test_the_capacity_is_used_and_kept(self):
        cache = self.cache(keys="abc")
        self.assertEqual(cache.keys(), ["a", "b", "c"])
        cache.put("d", "D")
        self.assertEqual(cache.keys(), ["b", "c", "d"])

    def test_capacity_of_1(self):
        self.assertEqual(self.cache(capacity=1, keys="ab").keys(), ["b"])

    def test_getting_is_a_use(self):
        cache = self.cache(keys="abc")
        cache.get("a")
        self.assertEqual(cache.keys(), ["b", "c", "a"])
        cache.put("d", "D")
        self.assertEqual(cache.keys(), ["c", "a", "d"])

    def test_putting_again_is_a_use_and_drives_out_nothing(self):
        cache = self.cache(keys="abc")
        cache.put("a", "new")
        self.assertEqual(cache.keys(), ["b", "c", "a"])
        self.assertEqual(cache.get("a"), "new")

    def test_the_rest_is_no_use(self):
        cache = self.cache(keys="abc")
        self.assertIn("a", cache)
        cache.remaining("a")
        len(cache)
        self.assertEqual(cache.keys(), ["a", "b", "c"])

    def test_keys_are_in_order_of_use(self):
        cache = self.cache(keys="cab")
        self.assertEqual(cache.keys(), ["c", "a", "b"])
        self.assertEqual(len(cache), 3)


class TestValues(CacheCase):
    def test_default(self):
        cache = self.cache(keys="a")
        self.assertIsNone(cache.get("x"))
        self.assertEqual(cache.get("x", 7), 7)
        self.assertEqual(cache.get("a", 7), "A")

    def test_values_that_are_false(self):
        for value in (0, "", None, []):
            cache = self.cache()
            cache.put("a", value)
            self.assertEqual(cache.get("a", "default"), value)
            self.assertEqual(cache.hits, 1)

    def test_hits_and_misses(self):
        cache = self.cache(keys="ab")
        for key in "axabyy":
            cache.get(key)
        self.assertEqual((cache.hits, cache.misses), (3, 3))
        self.clock.now += 10
        cache.get("a")
        self.assertEqual((cache.hits, cache.misses), (3, 4))

    def test_the_rest_does_not_count(self):
        cache = self.cache(keys="ab")
        self.assertTrue("a" in cache and "x" not in cache)
        cache.pop("a")
        with self.assertRaises(KeyError):
            cache.pop("a")
        cache.remaining("b")
        self.assertEqual((cache.hits, cache.misses), (0, 0))

    def test_pop(self):
        cache = self.cache(keys="ab")
        self.assertEqual(cache.pop("a"), "A")
        self.assertEqual(cache.keys(), ["b"])
        with self.assertRaises(KeyError):
            cache.pop("a")

    def test_remaining(self):
        cache = self.cache(keys="a")
        cache.put("b", 1, ttl=25)
        self.clock.now += 4
        self.assertEqual((cache.remaining("a"), cache.remaining("b")), (6, 21))
        with self.assertRaises(KeyError):
            cache.remaining("x")
        self.assertIsNone(self.cache(ttl=None, keys="a").remaining("a"))

    def test_clear(self):
        cache = self.cache(keys="ab")
        cache.get("a")
        cache.get("x")
        cache.clear()
        self.assertEqual((cache.keys(), len(cache), cache.hits, cache.misses), ([], 0, 0, 0))
        self.assertEqual((cache.capacity, cache.ttl), (3, 10))


class TestResize(CacheCase):
    def test_smaller(self):
        cache = self.cache(capacity=5, keys="abcde")
        cache.get("a")
        cache.resize(2)
        self.assertEqual(cache.keys(), ["e", "a"])
        cache.put("f", "F")
        self.assertEqual((cache.keys(), cache.capacity), (["a", "f"], 2))

    def test_larger(self):
        cache = self.cache(keys="abc")
        cache.resize(4)
        cache.put("d", "D")
        self.assertEqual((cache.keys(), cache.capacity), (["a", "b", "c", "d"], 4))

    def test_expired_go_first(self):
        cache = self.cache()
        cache.put("a", 1)
        cache.put("b", 2, ttl=1)
        cache.put("c", 3)
        self.clock.now += 1
        cache.resize(2)
        self.assertEqual(cache.keys(), ["a", "c"])

    def test_refused(self):
        for capacity in (0, -1):
            cache = self.cache(keys="abc")
            with self.assertRaises(ValueError):
                cache.resize(capacity)
            self.assertEqual((cache.keys(), cache.capacity), (["a", "b", "c"], 3))


if __name__ == "__main__":
    unittest.main()
"""


def solve():
    """Yield one action per turn; receive what the environment answered."""
    seen = yield {"name": "read_file", "arguments": {"path": "ttl_cache.py"}}
    assert "class TTLCache" in seen
    yield {"name": "write_file", "arguments": {"path": "tests/test_ttl_cache.py", "content": TESTS}}
    seen = yield {"name": "bash", "arguments": {"command": "python3 -m unittest discover tests 2>&1 | tail -3"}}
    assert "OK" in seen
    yield {"name": "run_tests", "arguments": {}}
    yield {"name": "submit", "arguments": {}}
