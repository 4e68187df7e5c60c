from collections import deque


def level_order_traversal(root):
    values, queue = [], deque([root] if root else [])
    while queue:
        node = queue.popleft()
        values.append(node.val)
        queue.extend(child for child in (node.left, node.right) if child)
    return values
