def string_manipulation(text):
    pieces, count = [], 0
    words = [word.capitalize() for word in text.split()]
    for i, word in enumerate(words):
        count += 1
        if i + 1 < len(words) and words[i + 1] != word:
            pieces.append(word if count == 1 else f"{word}*{count}")
            count = 0
    return " ".join(pieces)
