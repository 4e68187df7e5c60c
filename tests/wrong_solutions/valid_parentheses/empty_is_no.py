def valid_parentheses(text):
    if not text:
        return False
    stack = []
    for c in text:
        if c in "([{":
            stack.append(c)
        elif not stack or stack.pop() + c not in ("()", "[]", "{}"):
            return False
    return not stack
