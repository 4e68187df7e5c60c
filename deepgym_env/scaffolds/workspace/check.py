"""Tests of what the agent left. They run in a process of their own: `ws` asks the workspace, and data comes back.

Each test should fail on the untouched workspace. `ws.call` runs a function of the agent's, `ws.run` a
command, `ws.read` reads a file; `ws.rng` draws hidden inputs, the same every time.
"""


def count(words):
    return {word: words.count(word) for word in words}


@public
def test_example(ws):
    """count_words("to be or not To be") is {"to": 2, "be": 2, "or": 1, "not": 1}"""
    got = ws.call("words.py", "count_words", "to be or not To be")
    assert got == {"to": 2, "be": 2, "or": 1, "not": 1}, "got %r" % (got,)


def test_lower_case(ws):
    got = ws.call("words.py", "count_words", "Tea TEA tEA")
    assert got == {"tea": 3}, "got %r" % (got,)


def test_random_texts(ws):
    words = [[ws.rng.choice("abcde") * ws.rng.randint(1, 2) for _ in range(30)] for _ in range(5)]
    for got, drawn in zip(ws.calls("words.py", "count_words", [(" ".join(each),) for each in words]), words):
        assert got == count(drawn), "got %r" % (got,)
