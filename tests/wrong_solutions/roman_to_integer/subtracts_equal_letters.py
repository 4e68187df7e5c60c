VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def roman_to_integer(numeral):
    total = 0
    for i, letter in enumerate(numeral):
        if i + 1 < len(numeral) and VALUES[letter] <= VALUES[numeral[i + 1]]:
            total -= VALUES[letter]
        else:
            total += VALUES[letter]
    return total
