"""Tests of python_sorting; the oracle inserts each record behind all that may precede it."""

from deepgym_env.task import Call, Case

NAMES = ("Bo", "al", "Al", "Zoe", "bo", "Cy", "di")
TEAMS = ("red", "blue", "Blue", "green")


def precedes(one, other, keys):
    for key in keys:
        name = key.lstrip("-")
        if one[name] != other[name]:
            return (one[name] < other[name]) != key.startswith("-")
    return False


def inserted(records, keys):
    in_order = []
    for record in records:
        place = len(in_order)
        while place and precedes(record, in_order[place - 1], keys):
            place -= 1
        in_order.insert(place, record)
    return in_order


def case(*pairs, **options):
    calls = (Call(args=(records, keys), expected=inserted(records, keys)) for records, keys in pairs)
    return Case(calls=tuple(calls), **options)


def drawn(rng, count):
    return [
        {"name": rng.choice(NAMES), "team": rng.choice(TEAMS), "age": rng.randint(-2, 3), "ticket": ticket}
        for ticket in rng.sample(range(100), count)
    ]


def dealt_out(rng):
    """Return 500 records in 10 groups and the same records group by group, as dealt."""
    groups = {(level, city): [] for level in range(5, 0, -1) for city in ("Oslo", "Rome")}
    records = []
    for ticket in rng.sample(range(500), 500):
        level, city = rng.choice(tuple(groups))
        records.append({"city": city, "level": level, "ticket": ticket})
        groups[level, city].append(records[-1])
    return records, [record for group in groups.values() for record in group]


def cases(rng):
    people = [{"name": "Bo", "age": 30}, {"name": "Al", "age": 41}, {"name": "Cy", "age": 30}]
    marks = [{"mark": mark, "seat": seat} for seat, mark in zip("dbcae", (2, 1, 2, 1, 2), strict=True)]
    words = [{"word": word} for word in ("pear", "Zoo", "apple", "Pear", "pea", "")]
    numbers = [{"n": n, "word": str(n)} for n in (10, 9, -1, 0, 100, -20)]
    yield case((people, ["-age", "name"]), (people, ["age"]), id="example", public=True)
    yield case((marks, ["-mark"]), id="descending_is_stable", public=True)
    yield case((marks, []), id="no_keys", public=True)
    yield case(([], ["age"]), (people[:1], ["-name"]), id="empty_and_one_record")
    yield case((marks, ["mark"]), id="ascending_is_stable")
    yield case((marks, ["mark", "seat"]), (marks, ["seat", "mark"]), id="first_key_matters_most")
    yield case((words, ["word"]), (words, ["-word"]), id="upper_case_first")
    yield case((numbers, ["n"]), (numbers, ["word"]), id="numbers_and_numerals")
    yield case((people, ["-name"]), (people, ["age", "-name"]), id="descending_text")
    for number in range(3):
        records = drawn(rng, rng.randint(8, 12))
        one, other = rng.sample(("name", "team", "age"), 2)
        yield case((records, [one, f"-{other}"]), (records, [f"-{one}", other]), id=f"random_two_keys_{number}")
    records = drawn(rng, 12)
    yield case((records, ["-team", "-name", "age"]), id="random_three_keys")
    yield case((records, ["-age", "team", "-name", "ticket"]), id="random_four_keys")
    records, expected = dealt_out(rng)
    yield Case.of(records, ["-level", "city"], expected=expected, id="largest")
