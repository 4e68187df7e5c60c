"""Where the public benchmarks' files are, and rows of the form they are published in."""

from __future__ import annotations

import base64
import json
import os
import pickle
import zlib
from pathlib import Path
from typing import Any

DATA = Path(os.environ.get("DEEPGYM_DATA") or Path(__file__).parents[3] / "shared" / "data")
WHOLE = bool(os.environ.get("DEEPGYM_WHOLE_BENCHMARKS"))  # every task and every input, which takes many minutes

HUMANEVAL = {
    "task_id": "HumanEval/900",
    "prompt": "import math\n\n\ndef helper(x):\n    return x + 1\n\n\n"
    'def add_one(x):\n    """ Add one to x.\n    """\n',
    "entry_point": "add_one",
    "canonical_solution": "    return helper(x)\n",
    "test": "METADATA = {}\n\n\ndef check(candidate):\n    assert True, 'nothing'\n    assert candidate(1) == 2\n"
    "    assert candidate(2) == candidate(2)\n    for n in range(2):\n        assert candidate(n * 3) == 3 * n + 1\n",
}
MBPP = {
    "task_id": 12,
    "text": "Write a function to sort a list.",
    "code": "def sort_list(items):\r\n    return sorted(items)",
    "test_setup_code": "",
    "test_list": ["assert sort_list([2, 1]) == [1, 2]", "assert sort_list([]) == []", "assert sort_list([3]) == [3]"],
    "challenge_test_list": [],
}
SANITIZED = {
    "task_id": 605,
    "prompt": "Write a function to halve.",
    "code": "def half(x):\n    return x / 2",
    "test_imports": ["import math"],
    "test_list": ["assert math.isclose(half(3), 1.5, rel_tol=0.001)", "assert half(8) == 4"],
}
HUMANEVAL_PLUS = {
    **{name: HUMANEVAL[name] for name in ("prompt", "entry_point", "canonical_solution", "test")},
    "task_id": "HumanEval/901",
    "contract": "",
    "base_input": [[1], [5]],
    "plus_input": [[n] for n in (1, 2, 3, 4, 5, 6)],
    "atol": 0,
}
MBPP_PLUS = {
    "task_id": "Mbpp/950",
    "prompt": '"""\nWrite a function to reverse a tuple.\nassert reverse((1, 2)) == (2, 1)\n"""\n',
    "entry_point": "reverse",
    "canonical_solution": "\ndef reverse(items):\n    return items[::-1]\n",
    "base_input": [[[1, 2]], [[3]]],
    "plus_input": [[[4, 5, 6]], [[]]],
    "contract": "",
    "assertion": "\nassert reverse((1, 2)) == (2, 1)\nassert reverse((3,)) == (3,)\n",
    "atol": 0,
}
LEETCODE = {
    "task_id": "mirror-tree",
    "prompt": "from typing import *\nimport math\ninf = float('inf')\n\nclass TreeNode:\n    pass\n",
    "completion": "class Solution:\n    def mirror(self, root: Optional[TreeNode]) -> Optional[TreeNode]:\n"
    "        if root is None:\n            return None\n"
    "        return TreeNode(root.val, self.mirror(root.right), self.mirror(root.left))\n",
    "entry_point": "Solution().mirror",
    "test": "def check(candidate):\n"
    "    assert is_same_tree(candidate(root = tree_node([1, 2, None, 3])), tree_node([1, None, 2, None, 3]))\n"
    "    assert is_same_tree(candidate(root = tree_node([])), tree_node([]))\n",
    "query": "Mirror a tree of TreeNode.",
    "meta": {"difficulty": "Easy"},
}
APPS = {
    "problem_id": 4000,
    "question": "Print twice the number.\n\n-----Examples-----\nInput\n2\n\nOutput\n4\n",
    "solutions": json.dumps(["print 2 * input()", "print(2 * int(input()))"]),
    "input_output": json.dumps({"inputs": ["2\n", ["5"], "7\n"], "outputs": ["4\n", ["10"], "14\n"]}),
    "difficulty": "interview",
    "url": "https://example.org/problem/1",
    "starter_code": "",
}


def packed(tests: list[dict[str, str]]) -> str:
    """Return private tests as LiveCodeBench packs them."""
    return base64.b64encode(zlib.compress(pickle.dumps(json.dumps(tests)))).decode()


LIVECODEBENCH = {
    "question_title": "A. Double",
    "question_content": "Read a number from standard input and print it doubled.",
    "platform": "atcoder",
    "question_id": "abc301_a",
    "contest_id": "abc301",
    "contest_date": "2023-05-13T00:00:00",
    "starter_code": "",
    "difficulty": "easy",
    "public_test_cases": json.dumps([{"input": "2\n", "output": "4\n", "testtype": "stdin"}]),
    "private_test_cases": packed(
        [
            {"input": "7\n", "output": "14\n", "testtype": "stdin"},
            {"input": "2\n", "output": "4\n", "testtype": "stdin"},
        ]
    ),
    "metadata": "{}",
}
CODECONTESTS = {
    "name": "1575_A. Another Doubling Problem",
    "description": "Print twice the number.",
    "public_tests": {"input": ["2\n"], "output": ["4\n"]},
    "private_tests": {"input": ["5\n"], "output": ["10\n"]},
    "generated_tests": {"input": ["8\n", "2\n"], "output": ["16\n", "4\n"]},
    "source": 2,
    "difficulty": 7,
    "solutions": {
        "language": [1, 3, 2],
        "solution": ["print 2 * input()", "print(2 * int(input()))", "int main() { return 0; }"],
    },
    "incorrect_solutions": {"language": [3, 3], "solution": ["print(4)", "print(2 * float(input()) + 1e-9)"]},
    "cf_rating": 1100,
    "cf_tags": ["math", "brute force"],
    "time_limit": {"seconds": 1, "nanos": 500000000},
    "memory_limit_bytes": 512000000,
    "input_file": "",
    "output_file": "",
}
BIGCODEBENCH = {
    "task_id": "BigCodeBench/9000",
    "instruct_prompt": "Return the root of a number. You should write self-contained code starting with: ...",
    "complete_prompt": 'import math\n\ndef task_func(x):\n    """\n    Return the root.\n    """\n',
    "canonical_solution": "    return math.sqrt(x)",
    "code_prompt": "import math\ndef task_func(x):\n",
    "test": "import unittest\nfrom unittest.mock import patch\nclass TestCases(unittest.TestCase):\n"
    "    def test_case_1(self):\n        self.assertEqual(task_func(4), 2)\n"
    "    def test_case_2(self):\n        with patch('math.sqrt', return_value=9):\n"
    "            self.assertEqual(task_func(4), 9)\n"
    "    def test_case_3(self):\n        self.assertAlmostEqual(task_func(2), math.sqrt(2))\n",
    "entry_point": "task_func",
    "libs": "['math']",
}
EXERCISM = {
    "task_id": "two-times",
    "kind": "practice",
    "level": 5,
    "files": {
        ".meta/config.json": '{"files": {"solution": ["two_times.py"], "test": ["two_times_test.py"],'
        ' "example": [".meta/example.py"]}}',
        ".meta/example.py": "def two_times(n):\n    return 2 * n\n",
        ".docs/instructions.md": "# Instructions\n\nDouble it.\n",
        "two_times.py": "def two_times(n):\n    pass\n",
        "two_times_test.py": "import unittest\nfrom two_times import two_times\nfrom data import PAIRS\n\n\n"
        "class TwoTimesTest(unittest.TestCase):\n    def test_all(self):\n        for n, expected in PAIRS:\n"
        "            with self.subTest(n=n):\n                self.assertEqual(two_times(n), expected)\n",
        "data.py": "PAIRS = [(1, 2), (4, 8)]\n",
    },
}
ROWS: dict[str, list[dict[str, Any]]] = {
    "humaneval": [HUMANEVAL],
    "mbpp": [MBPP],
    "mbpp-sanitized": [SANITIZED],
    "humanevalplus": [HUMANEVAL_PLUS],
    "mbppplus": [MBPP_PLUS],
    "leetcode": [LEETCODE],
    "apps": [APPS],
    "livecodebench": [LIVECODEBENCH],
    "codecontests": [CODECONTESTS],
    "bigcodebench": [BIGCODEBENCH],
    "exercism": [EXERCISM],
}
IDS = {
    "humaneval": "HumanEval/900",
    "mbpp": "MBPP/12",
    "mbpp-sanitized": "MBPPSanitized/605",
    "humanevalplus": "HumanEvalPlus/901",
    "mbppplus": "MBPPPlus/950",
    "leetcode": "LeetCode/mirror-tree",
    "apps": "APPS/4000",
    "livecodebench": "LiveCodeBench/abc301_a",
    "codecontests": "CodeContests/1575_A-Another-Doubling-Problem",
    "bigcodebench": "BigCodeBench/9000",
    "exercism": "Exercism/two-times",
}
UNPUBLISHED = {"livecodebench": "print(2 * int(input()))"}
"""Solutions, where a benchmark publishes none."""
