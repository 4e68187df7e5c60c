VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def roman_to_integer(numeral):
    total = 0
    for letter, following in zip(numeral, numeral[1:], strict=False):
        total += -VALUES[letter] if VALUES[letter] < VALUES[following] else VALUES[letter]
    return total
