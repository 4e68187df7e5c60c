"""LeetCode's trees and linked lists, as data: what ``tree_node([1, None, 2])`` in a test stands for.

- :func:`linked_list`, :func:`binary_tree`: nodes, made of the values LeetCode writes them as.
- :data:`NODES`: the classes solutions get.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from deepgym_env.sandbox.runner.codec import Record

__all__ = ["NODES", "binary_tree", "linked_list"]

NODES = """
class ListNode:
    def __init__(self, val=0, next=None):
        self.val = val
        self.next = next


class TreeNode:
    def __init__(self, val=0, left=None, right=None):
        self.val = val
        self.left = left
        self.right = right
"""


def linked_list(values: Sequence[Any]) -> Record | None:
    """Return the first node of a linked list; None if it is empty."""
    head: Record | None = None
    for value in reversed(values):
        head = Record("ListNode", {"val": value, "next": head})
    return head


def binary_tree(values: Sequence[Any]) -> Record | None:
    """Return the root of a binary tree given level by level, None where a child is missing.

    Example:
        >>> binary_tree([1, None, 2])
        TreeNode(val=1, left=None, right=TreeNode(val=2, left=None, right=None))
    """
    if not values:
        return None
    root = _tree_node(values[0])
    parents, rest = deque([root]), deque(values[1:])
    while parents and rest:
        parent = parents.popleft()
        for side in ("left", "right"):
            value = rest.popleft() if rest else None
            if value is not None:
                parent.fields[side] = _tree_node(value)
                parents.append(parent.fields[side])
    return root


def _tree_node(value: Any) -> Record:
    return Record("TreeNode", {"val": value, "left": None, "right": None})
