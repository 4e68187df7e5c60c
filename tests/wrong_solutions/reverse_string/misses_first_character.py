def reverse_string(text):
    return "".join(text[i] for i in range(len(text) - 1, 0, -1))
