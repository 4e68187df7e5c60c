import unittest

from ttl_cache import TTLCache


class TestTTLCache(unittest.TestCase):
    def test_a_value_comes_back(self):
        cache = TTLCache(2)
        cache.put("a", 1)
        self.assertEqual(cache.get("a"), 1)


if __name__ == "__main__":
    unittest.main()
