def valid_parentheses(text):
    stack = []
    for c in text:
        if c in "([{":
            stack.append(c)
        elif stack.pop() + c not in ("()", "[]", "{}"):
            return False
    return not stack
