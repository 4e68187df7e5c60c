"""Sound: draws the answer first and makes the question of it."""

import json
import random
import sys

from isolated import answers, same

PARTS = [(10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]


def spelt(number):
    text = ""
    for value, letters in PARTS:
        while number >= value:
            text, number = text + letters, number - value
    return text


numbers = random.sample(range(1, 40), 12)
told = answers(sys.argv[1], "from_roman", [[spelt(number)] for number in numbers])
right = [same(got, ["value", number]) for got, number in zip(told, numbers)]
print(json.dumps({"score": sum(right) / 12, "passed": all(right)}))
