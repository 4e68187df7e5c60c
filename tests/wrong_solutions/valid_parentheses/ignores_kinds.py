def valid_parentheses(text):
    depth = 0
    for c in text:
        depth += 1 if c in "([{" else -1
        if depth < 0:
            return False
    return depth == 0
