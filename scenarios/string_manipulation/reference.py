from itertools import groupby


def string_manipulation(text: str) -> str:
    pieces = []
    for word, run in groupby(word.capitalize() for word in text.split()):
        count = len(list(run))
        pieces.append(word if count == 1 else f"{word}*{count}")
    return " ".join(pieces)
