"""Small programs to take apart and repair, each with inputs that tell most of its mutants from it.

- :data:`SMALL_PROGRAMS`: the functions, by name; :func:`small_task`: one as a task.

They stand beside the built-in tasks, whose references are mostly shorter: an agent that is to repair
programs it has never seen needs many to learn from. None has a ``while``: no edit makes a loop of theirs run
for ever, which would cost what a hundred other programs do.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from deepgym_env.task import Task

__all__ = ["SMALL_PROGRAMS", "small_task"]


@functools.cache
def small_task(name: str) -> Task:
    """Return a small program as a task of 8 tests.

    Example:
        >>> small_task("gcd").entry_point
        'gcd'
    """
    function, inputs = SMALL_PROGRAMS[name]
    return Task.from_function(function, inputs)


def gcd(a: int, b: int) -> int:
    """Return the greatest common divisor; of 0 and 0 it is 0."""
    for _ in range(20):
        if b == 0:
            break
        a, b = b, a % b
    return a if a > 0 else 0 - a


def is_prime(n: int) -> bool:
    """Return whether a number is prime."""
    if n < 2:
        return False
    for divisor in range(2, n):
        if divisor * divisor > n:
            break
        if n % divisor == 0:
            return False
    return True


def digit_root(n: int) -> int:
    """Return the sum of the digits, of that the sum of the digits, until it has one digit."""
    for _ in range(3):
        total = 0
        for _ in range(9):
            total = total + n % 10
            n = n // 10
        n = total
    return n


def collatz_steps(n: int) -> int:
    """Return how many steps lead from a number to 1, halving even ones and taking odd ones times 3 plus 1."""
    steps = 0
    for _ in range(50):
        if n != 1 and n > 0:
            n = n // 2 if n % 2 == 0 else n * 3 + 1
            steps = steps + 1
    return steps


def insertion_sort(values: list[int]) -> list[int]:
    """Return the values in order."""
    ordered = list(values)
    for place in range(1, len(ordered)):
        for at in range(place, 0, -1):
            if ordered[at - 1] <= ordered[at]:
                break
            ordered[at - 1], ordered[at] = ordered[at], ordered[at - 1]
    return ordered


def second_largest(values: list[int]) -> int:
    """Return the second largest of at least two different values."""
    largest = max(values[0], values[1])
    second = min(values[0], values[1])
    for value in values[2:]:
        if value > largest:
            second = largest
            largest = value
        elif value > second and value != largest:
            second = value
    return second


def whole_root(n: int) -> int:
    """Return the square root, rounded down."""
    low, high = 0, n + 1
    for _ in range(12):
        if high - low <= 1:
            break
        middle = (low + high) // 2
        if middle * middle <= n:
            low = middle
        else:
            high = middle
    return low


def find_place(values: list[int], wanted: int) -> int:
    """Return where a value stands in ordered ones; -1 if it doesn't."""
    low, high = 0, len(values)
    for _ in range(8):
        if low >= high:
            break
        middle = (low + high) // 2
        if values[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < len(values) and values[low] == wanted else -1


def leap_days(first: int, last: int) -> int:
    """Return how many years of a range, both ends included, are leap years."""
    count = 0
    for year in range(first, last + 1):
        if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0):
            count = count + 1
    return count


def run_lengths(values: list[int]) -> list[int]:
    """Return how long each run of equal values is."""
    lengths: list[int] = []
    start = 0
    for place in range(1, len(values) + 1):
        if place == len(values) or values[place] != values[start]:
            lengths.append(place - start)
            start = place
    return lengths


def pascal_row(n: int) -> list[int]:
    """Return row n of Pascal's triangle."""
    row = [1]
    for k in range(n):
        row.append(row[k] * (n - k) // (k + 1))
    return row


def best_profit(prices: list[int]) -> int:
    """Return the most that buying once and selling later earns."""
    profit, lowest = 0, prices[0]
    for price in prices[1:]:
        profit = max(profit, price - lowest)
        lowest = min(lowest, price)
    return profit


def balance_point(values: list[int]) -> int:
    """Return the first place with equal sums on its left and on its right; -1 if there is none."""
    left, right = 0, sum(values)
    for place, value in enumerate(values):
        right = right - value
        if left == right:
            return place
        left = left + value
    return -1


def edit_distance(first: str, second: str) -> int:
    """Return how many letters must be put in, left out or changed to get from one word to another."""
    costs = list(range(len(second) + 1))
    for row, letter in enumerate(first):
        diagonal, costs[0] = costs[0], row + 1
        for column, other in enumerate(second):
            changed = diagonal if letter == other else diagonal + 1
            diagonal = costs[column + 1]
            costs[column + 1] = min(changed, costs[column] + 1, costs[column + 1] + 1)
    return costs[len(second)]


def count_inversions(values: list[int]) -> int:
    """Return how many pairs are in the wrong order."""
    count = 0
    for i in range(len(values)):
        for j in range(i + 1, len(values)):
            if values[i] > values[j]:
                count = count + 1
    return count


def power_mod(base: int, exponent: int, modulus: int) -> int:
    """Return a power's remainder."""
    result = 1
    for _ in range(6):
        if exponent % 2 == 1:
            result = result * base % modulus
        base = base * base % modulus
        exponent = exponent // 2
    return result


def fair_change(cents: int) -> list[int]:
    """Return how many quarters, dimes, nickels and cents an amount is, taking the largest first."""
    quarters = cents // 25
    cents = cents % 25
    dimes = cents // 10
    cents = cents % 10
    return [quarters, dimes, cents // 5, cents % 5]


def count_peaks(values: list[int]) -> int:
    """Return how many values, the ends left out, are greater than both of their neighbours."""
    count = 0
    for place in range(1, len(values) - 1):
        if values[place] > values[place - 1] and values[place] > values[place + 1]:
            count = count + 1
    return count


def perfect_or_not(n: int) -> int:
    """Return -1, 0 or 1 where the proper divisors of a number come to less, as much or more than it."""
    total = 0
    for divisor in range(1, n // 2 + 1):
        if n % divisor == 0:
            total = total + divisor
    return 0 if total == n else 1 if total > n else -1


def window_sums(values: list[int], width: int) -> list[int]:
    """Return the sum of each window of a width."""
    sums = []
    for start in range(len(values) - width + 1):
        total = 0
        for place in range(start, start + width):
            total = total + values[place]
        sums.append(total)
    return sums


def triangle_kind(a: int, b: int, c: int) -> int:
    """Return how many sides of a triangle are alike: 1, 2 or 3; 0 if there is no such triangle."""
    if a + b <= c or a + c <= b or b + c <= a:
        return 0
    alike = 1
    if a == b or b == c:
        alike = alike + 1
    if a == c:
        alike = alike + 1
    return alike


_WALKS = [
    [3, 1, 2],
    [1, 2, 3, 4],
    [5, 5, 1],
    [2, 9, 4, 9, 1],
    [7, 3],
    [1, 4, 2, 6, 3, 8],
    [4, 3, 2, 1],
    [2, 2, 3, 3, 3],
]

SMALL_PROGRAMS: dict[str, tuple[Callable[..., Any], list[Any]]] = {
    "gcd": (gcd, [(12, 18), (7, 0), (0, -4), (17, 5), (-12, 8), (100, 75), (0, 0), (9, 27)]),
    "is_prime": (is_prime, [1, 2, 9, 13, 25, 29, 49, 97]),
    "digit_root": (digit_root, [0, 9, 10, 38, 99, 493, 1999, 123456]),
    "collatz_steps": (collatz_steps, [1, 2, 3, 5, 6, 7, 9, 12]),
    "insertion_sort": (insertion_sort, [(walk,) for walk in _WALKS]),
    "second_largest": (second_largest, [(walk,) for walk in _WALKS if len(set(walk)) > 1]),
    "whole_root": (whole_root, [0, 1, 3, 4, 15, 16, 99, 1000]),
    "find_place": (
        find_place,
        [
            ([1, 3, 5, 7], 5),
            ([1, 3, 5, 7], 1),
            ([1, 3, 5, 7], 7),
            ([1, 3], 2),
            ([], 1),
            ([4], 4),
            ([2, 4, 6], 9),
            ([0, 8], 0),
        ],
    ),
    "leap_days": (
        leap_days,
        [(4, 4), (1, 3), (1900, 1904), (1996, 2004), (100, 100), (390, 410), (7, 7), (1600, 1700)],
    ),
    "run_lengths": (run_lengths, [(walk,) for walk in _WALKS]),
    "pascal_row": (pascal_row, [0, 1, 2, 3, 4, 5, 6, 7]),
    "best_profit": (best_profit, [(walk,) for walk in _WALKS]),
    "balance_point": (
        balance_point,
        [([1, 2, 3, 3],), ([2, 1, -1],), ([1, 2, 3],), ([5],), ([0, 4],), ([3, 1, 3],), ([1, 1, 2, 9, 4],), ([7, 7],)],
    ),
    "edit_distance": (
        edit_distance,
        [
            ("", "abc"),
            ("abc", ""),
            ("kitten", "sitting"),
            ("ab", "ba"),
            ("a", "a"),
            ("flaw", "lawn"),
            ("x", "yz"),
            ("same", "sane"),
        ],
    ),
    "count_inversions": (count_inversions, [(walk,) for walk in _WALKS]),
    "power_mod": (
        power_mod,
        [(2, 10, 1000), (3, 0, 7), (5, 3, 13), (7, 7, 10), (2, 1, 9), (10, 5, 17), (4, 6, 11), (6, 9, 100)],
    ),
    "fair_change": (fair_change, [0, 4, 9, 24, 30, 41, 68, 99]),
    "count_peaks": (count_peaks, [(walk,) for walk in _WALKS]),
    "perfect_or_not": (perfect_or_not, [1, 2, 6, 8, 12, 15, 18, 28]),
    "window_sums": (
        window_sums,
        [
            ([1, 2, 3], 1),
            ([1, 2, 3], 2),
            ([1, 2, 3], 3),
            ([4, 0, 5, 1], 2),
            ([9], 1),
            ([1, 2], 3),
            ([2, 7, 1, 8, 2], 3),
            ([5, 6], 2),
        ],
    ),
    "triangle_kind": (
        triangle_kind,
        [(3, 4, 5), (2, 2, 3), (3, 2, 2), (2, 3, 2), (4, 4, 4), (1, 2, 3), (5, 1, 1), (1, 9, 2)],
    ),
}
