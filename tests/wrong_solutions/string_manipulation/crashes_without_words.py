def string_manipulation(text):
    words = [word.capitalize() for word in text.split()]
    runs = [[words[0], 1]]
    for word in words[1:]:
        if word == runs[-1][0]:
            runs[-1][1] += 1
        else:
            runs.append([word, 1])
    return " ".join(word if n == 1 else f"{word}*{n}" for word, n in runs)
