from collections import Counter


def string_manipulation(text):
    counts = Counter(word.capitalize() for word in text.split())
    return " ".join(word if n == 1 else f"{word}*{n}" for word, n in counts.items())
