"""Sound: asks for a witness and checks that, with floats held to a tolerance that NaN fails."""

import json
import random
import sys

from isolated import answers

inputs = [[random.uniform(2, 1e6)] for _ in range(10)]
right = 0
for (number,), (kind, root) in zip(inputs, answers(sys.argv[1], "square_root", inputs)):
    right += kind == "value" and type(root) is float and root > 0 and abs(root * root - number) <= 1e-6 * number
print(json.dumps({"score": right / 10, "passed": right == 10}))
