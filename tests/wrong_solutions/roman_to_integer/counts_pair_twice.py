VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
PAIRS = {"IV": 4, "IX": 9, "XL": 40, "XC": 90, "CD": 400, "CM": 900}


def roman_to_integer(numeral):
    total = 0
    for i, letter in enumerate(numeral):
        total += PAIRS.get(numeral[i : i + 2], VALUES[letter])
    return total
