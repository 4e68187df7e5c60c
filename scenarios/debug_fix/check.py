"""Calls the functions; each test needs a bug to be gone, so that the untouched module passes none."""

import statistics


def close(got, expected):
    assert isinstance(got, (int, float)) and not isinstance(got, bool), "got %r" % (got,)
    assert abs(got - expected) < 1e-9, "got %r, expected %r" % (got, expected)


def numbers(ws, count):
    return [ws.rng.randint(-50, 50) for _ in range(count)]


@public
def test_median_of_an_even_number(ws):
    """median([4, 1, 3, 2]) is 2.5"""
    close(ws.call("stats.py", "median", [4, 1, 3, 2]), 2.5)


@public
def test_moving_average_has_its_last_window(ws):
    """moving_average([1, 2, 3, 4], 2) is [1.5, 2.5, 3.5]"""
    got = ws.call("stats.py", "moving_average", [1, 2, 3, 4], 2)
    assert got == [1.5, 2.5, 3.5], "got %r" % (got,)


def test_mean_of_nothing(ws):
    values = [numbers(ws, n) for n in range(1, 8)]
    *got, raised = ws.calls("stats.py", "mean", [(v,) for v in values] + [([],)])
    for value, given in zip(got, values):
        close(value, statistics.fmean(given))
    assert isinstance(raised, Raised) and raised.type == "ValueError", "mean([]) gave %r" % (raised,)


def test_median(ws):
    values = [numbers(ws, n) for n in (1, 2, 3, 6, 8, 9)]
    for got, given in zip(ws.calls("stats.py", "median", [(v,) for v in values]), values):
        close(got, statistics.median(given))


def test_median_of_nothing(ws):
    raised = ws.call("stats.py", "median", [])
    assert isinstance(raised, Raised) and raised.type == "ValueError", "got %r" % (raised,)


def test_median_leaves_its_argument(ws):
    source = "import stats\nv = [3, 1, 2, 5]\nm = stats.median(v)\nprint(v == [3, 1, 2, 5], m)"
    ran = ws.run(["python3", "-c", source])
    assert ran.stdout.split() == ["True", "2.5"], repr(ran)


def test_mode_of_several(ws):
    values = []
    for _ in range(12):
        few = ws.rng.sample(range(1000), 4)
        values.append(few + few[::-1] + [ws.rng.randint(2000, 3000)])
    for got, given in zip(ws.calls("stats.py", "mode", [(v,) for v in values]), values):
        assert got == given[0], "mode(%r) gave %r" % (given, got)


def test_moving_average(ws):
    cases = [(numbers(ws, n), w) for n, w in ((5, 1), (6, 3), (9, 4), (4, 4))]
    for got, (given, window) in zip(ws.calls("stats.py", "moving_average", cases), cases):
        expected = [sum(given[i : i + window]) / window for i in range(len(given) - window + 1)]
        assert isinstance(got, list) and len(got) == len(expected), "got %r" % (got,)
        for one, other in zip(got, expected):
            close(one, other)


def test_window_out_of_range(ws):
    larger, *raised = ws.calls("stats.py", "moving_average", [([1, 2], 5), ([1, 2], 0), ([], 0), ([1, 2, 3], -1)])
    assert larger == [], "a window larger than the list gave %r" % (larger,)
    for got in raised:
        assert isinstance(got, Raised) and got.type == "ValueError", "got %r" % (got,)
