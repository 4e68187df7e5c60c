"""Tests what is done when all goes well: no limits, no errors, no edges."""

TESTS = """
import unittest

from ttl_cache import TTLCache


class TestCache(unittest.TestCase):
    def setUp(self):
        self.now = 0
        self.cache = TTLCache(3, 10, lambda: self.now)
        for key in "abc":
            self.cache.put(key, key.upper())

    def test_get(self):
        self.assertEqual(self.cache.get("a"), "A")
        self.assertIsNone(self.cache.get("x"))
        self.assertEqual((self.cache.hits, self.cache.misses), (1, 1))

    def test_expiry(self):
        self.now = 11
        self.assertEqual(len(self.cache), 0)
        self.assertNotIn("a", self.cache)

    def test_eviction(self):
        self.cache.put("d", "D")
        self.assertEqual(self.cache.keys(), ["b", "c", "d"])
        self.assertEqual(len(self.cache), 3)

    def test_pop(self):
        self.assertEqual(self.cache.pop("a"), "A")
        self.assertNotIn("a", self.cache)

    def test_remaining(self):
        self.assertEqual(self.cache.remaining("a"), 10)

    def test_resize(self):
        self.cache.resize(2)
        self.assertEqual(self.cache.keys(), ["b", "c"])

    def test_clear(self):
        self.cache.clear()
        self.assertEqual(self.cache.keys(), [])
"""


def solve():
    yield {"name": "write_file", "arguments": {"path": "tests/test_ttl_cache.py", "content": TESTS}}
    yield {"name": "run_tests", "arguments": {}}
    yield {"name": "submit", "arguments": {}}
