def reverse_string(text):
    half = len(text) // 2
    front, back = text[:half], text[len(text) - half :]
    return "".join(reversed(back)) + "".join(reversed(front))
