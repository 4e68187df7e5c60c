def reverse_string(text):
    return text.encode("ascii", "ignore")[::-1].decode("ascii")
