import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

import stats


class TestStats(unittest.TestCase):
    def test_mean(self):
        self.assertEqual(stats.mean([1, 2, 3, 6]), 3)

    def test_median_of_an_even_number(self):
        self.assertEqual(stats.median([4, 1, 3, 2]), 2.5)

    def test_mode_of_several(self):
        self.assertEqual(stats.mode([7, 3, 7, 3]), 7)

    def test_moving_average(self):
        self.assertEqual(stats.moving_average([1, 2, 3, 4], 2), [1.5, 2.5, 3.5])


if __name__ == "__main__":
    unittest.main()
