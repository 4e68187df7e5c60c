def valid_parentheses(text: str) -> bool:
    opener = {")": "(", "]": "[", "}": "{"}
    still_open: list[str] = []
    for bracket in text:
        if bracket not in opener:
            still_open.append(bracket)
        elif not still_open or still_open.pop() != opener[bracket]:
            return False
    return not still_open
