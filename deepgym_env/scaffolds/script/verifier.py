"""Judges a solution: `verifier.py SOLUTION_PATH` prints a verdict as JSON.

It runs in a sandbox of its own. The solution runs in another one: what is called here of `solution` runs there,
and what it returns comes back as data.
"""

import json
import os
import random
from collections import Counter

import solution

EDGES = [[], [7], [1, 2], [2, 2], [1, 1, 2, 2], [1, 1, 1, 2], [1, 1, 1, 2, 2], [-1, 0, -1]]


def is_right(numbers):
    answer = solution.__ENTRY_POINT__(list(numbers))
    if max(Counter(numbers).values(), default=0) > (len(numbers) + 1) // 2:
        return answer == []
    if not isinstance(answer, list) or sorted(map(repr, answer)) != sorted(map(repr, numbers)):
        return False
    return all(one != other for one, other in zip(answer, answer[1:]))


def share(all_numbers):
    return sum(map(is_right, all_numbers)) / len(all_numbers)


rng = random.Random(os.environ["DEEPGYM_SEED"])
drawn = [[rng.randint(0, 5) for _ in range(rng.randint(2, 200))] for _ in range(10)]
drawn += [[1] * size + [rng.randint(2, 9) for _ in range(size - 2)] for size in (5, 50, 100)]  # there is no order
scores = {"examples": share([[1, 1, 2], [1, 1]]), "edges": share(EDGES), "random": share(drawn)}
cases = [{"id": name, "passed": score == 1, "score": score} for name, score in scores.items()]
print(
    json.dumps(
        {
            "score": sum(scores.values()) / len(scores),
            "passed": all(score == 1 for score in scores.values()),
            "cases": cases,
        }
    )
)
