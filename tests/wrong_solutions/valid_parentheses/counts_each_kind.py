def valid_parentheses(text):
    depth = {"()": 0, "[]": 0, "{}": 0}
    for c in text:
        for pair in depth:
            if c in pair:
                depth[pair] += 1 if c == pair[0] else -1
                if depth[pair] < 0:
                    return False
    return not any(depth.values())
