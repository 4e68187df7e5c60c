def reverse_string(text):
    return " ".join(text.split(" ")[::-1])
