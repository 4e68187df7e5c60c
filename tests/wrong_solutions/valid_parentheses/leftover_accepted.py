def valid_parentheses(text):
    stack = []
    for c in text:
        if c in "([{":
            stack.append(c)
        elif not stack or stack.pop() + c not in ("()", "[]", "{}"):
            return False
    return True
