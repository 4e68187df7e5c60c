class TreeNode:
    def __init__(self, val=0, left=None, right=None):
        self.val = val
        self.left = left
        self.right = right

    def __repr__(self):
        if self.left is None and self.right is None:
            return f"TreeNode({self.val!r})"
        return f"TreeNode({self.val!r}, {self.left!r}, {self.right!r})"
