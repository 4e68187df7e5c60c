from itertools import groupby


def string_manipulation(text):
    runs = ((word.capitalize(), len(list(run))) for word, run in groupby(text.split()))
    return " ".join(word if n == 1 else f"{word}*{n}" for word, n in runs)
