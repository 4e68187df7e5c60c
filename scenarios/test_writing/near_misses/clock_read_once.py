"""A thorough suite that also insists on how often the cache looks at its clock, which nothing promises."""

import pathlib
import runpy

SOLVE = pathlib.Path(__file__).parents[1] / "solve.py"
MORE = """

class TestClock(unittest.TestCase):
    def test_times_are_read_one_by_one(self):
        cache = TTLCache(2, 10, iter([0, 0, 5, 10]).__next__)
        cache.put("a", 1)
        self.assertIn("a", cache)
        self.assertNotIn("a", cache)

    def test_its_inside(self):
        self.assertEqual(TTLCache(2)._entries, {})


if __name__"""


def solve():
    tests = runpy.run_path(str(SOLVE))["TESTS"].replace("\n\nif __name__", MORE.replace(".__next__", ".next"))
    tests = tests.replace("iter([0, 0, 5, 10]).next", "lambda times=iter([0, 0, 5, 10]): next(times)")
    yield {"name": "write_file", "arguments": {"path": "tests/test_ttl_cache.py", "content": tests}}
    yield {"name": "bash", "arguments": {"command": "python3 -m unittest discover tests"}}
    yield {"name": "submit", "arguments": {}}
