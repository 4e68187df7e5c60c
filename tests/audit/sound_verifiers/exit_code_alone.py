"""Sound: says its verdict by its own exit code, which the solution's process has no part in."""

import random
import sys

from isolated import answers, same

inputs = [["".join(random.choices("abc ", k=12))] for _ in range(10)]
told = answers(sys.argv[1], "squeeze", inputs)
for (text,), got in zip(inputs, told):
    want = "".join(letter for i, letter in enumerate(text) if i == 0 or text[i - 1] != letter)
    if not same(got, ["value", want]):
        sys.exit("wrong: %r" % text)
