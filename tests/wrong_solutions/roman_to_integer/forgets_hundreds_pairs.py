VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def roman_to_integer(numeral):
    total = sum(VALUES[letter] for letter in numeral)
    for pair, excess in (("IV", 2), ("IX", 2), ("XL", 20), ("XC", 20), ("CM", 200)):
        if pair in numeral:
            total -= excess
    return total
