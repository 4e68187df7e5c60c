def level_order_traversal(root):
    levels, level = [], [root] if root else []
    while level:
        levels.append([node.val for node in level])
        level = [child for node in level if node.left and node.right for child in (node.left, node.right)]
    return levels
