def reverse_string(text):
    return " ".join(word[::-1] for word in text.split(" "))
