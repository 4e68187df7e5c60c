from itertools import groupby


def string_manipulation(text):
    runs = ((word, len(list(run))) for word, run in groupby(w[0].upper() + w[1:] for w in text.split()))
    return " ".join(word if n == 1 else f"{word}*{n}" for word, n in runs)
