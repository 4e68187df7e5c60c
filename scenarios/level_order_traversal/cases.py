"""Tests of level_order_traversal; the oracle walks depth first and files each value under its depth."""

from deepgym_env.task import Call, Case

Node = TreeNode  # noqa: F821 (from prelude.py)


def levels(root):
    found = []

    def walk(node, depth):
        if node is not None:
            if depth == len(found):
                found.append([])
            found[depth].append(node.val)
            walk(node.left, depth + 1)
            walk(node.right, depth + 1)

    walk(root, 0)
    return found


def case(*roots, **options):
    return Case(calls=tuple(Call(args=(root,), expected=levels(root)) for root in roots), **options)


def chain(values, side):
    root = None
    for value in reversed(values):
        root = Node(value, **{side: root})
    return root


def full(depth, value=1):
    return Node(value, full(depth - 1, 2 * value), full(depth - 1, 2 * value + 1)) if depth else None


def drawn(rng, count, low, high):
    root = Node(rng.randint(low, high))
    free = [(root, "left"), (root, "right")]
    for _ in range(count - 1):
        parent, side = free.pop(rng.randrange(len(free)))
        node = Node(rng.randint(low, high))
        setattr(parent, side, node)
        free += [(node, "left"), (node, "right")]
    return root


def cases(rng):
    yield case(Node(3, Node(9), Node(20, Node(15), Node(7))), id="example", public=True)
    yield case(Node(1, None, Node(2)), id="example_right_only", public=True)
    yield case(None, Node(5), id="empty", public=True)
    yield case(Node(0), Node(-1), id="one_node")
    yield case(Node(1, Node(2), None), id="left_only")
    yield case(full(5), id="full_tree")
    yield case(Node(0, Node(0, Node(1)), Node(0, None, Node(0))), id="zero_values")
    yield case(Node(4, Node(4, None, Node(4)), Node(4)), id="equal_values")
    yield case(Node(1, Node(2, None, Node(4)), Node(3, Node(5))), id="inner_grandchildren")
    yield case(Node(1, Node(2), Node(3, Node(4, Node(5), Node(6)))), id="deep_on_the_right")
    yield case(Node(-1, Node(-7, Node(8), Node(2)), Node(-3)), id="deep_on_the_left")
    yield case(chain([7, 3, -2, 9, 1], "left"), chain([5, 8, 0, 2], "right"), id="chains")
    for number in range(3):
        yield case(drawn(rng, rng.randint(6, 25), -9, 9), id=f"random_{number}")
    values = rng.choices(range(-1000, 1001), k=60)
    yield case(chain(values, "right"), chain(values[::-1], "left"), id="deepest")
    yield case(drawn(rng, 300, -1000, 1000), id="random_large")
