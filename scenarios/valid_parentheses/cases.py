"""Tests of valid_parentheses; the oracle strikes out empty pairs until none is left."""

from deepgym_env.task import Case

PARTNER = {"(": ")", "[": "]", "{": "}"}


def balanced(text):
    while (shorter := text.replace("()", "").replace("[]", "").replace("{}", "")) != text:
        text = shorter
    return not text


def case(*texts, **options):
    return Case.all_of(*((text, balanced(text)) for text in texts), **options)


def drawn(rng, pairs):
    """Return a balanced text of that many pairs."""
    text, still_open = "", []
    while pairs or still_open:
        if pairs and (not still_open or rng.random() < 0.55):
            still_open.append(rng.choice("([{"))
            text += still_open[-1]
            pairs -= 1
        else:
            text += PARTNER[still_open.pop()]
    return text


def other_kind(rng, text):
    """Replace one bracket by one of another kind that faces the same way."""
    place = rng.randrange(len(text))
    family = "([{" if text[place] in "([{" else ")]}"
    return text[:place] + rng.choice(family.replace(text[place], "")) + text[place + 1 :]


def without_one(rng, text):
    place = rng.randrange(len(text))
    return text[:place] + text[place + 1 :]


def cases(rng):
    yield case("{[]()}", "([)]", id="example", public=True)
    yield case("()", "(]", ")(", id="one_pair", public=True)
    yield case("", "(", id="empty")
    yield case("[]", "]", "}{", id="closes_too_early")
    yield case("(){}", "(){", "((", id="left_open")
    yield case("{}", "{}}", "[[]]]", id="one_too_many_closed")
    yield case("([{}])", "([{]})", "{(})", id="crossed")
    yield case("()[]{}", "([{)]}", id="side_by_side")
    yield case("[()()]", "[())(]", id="right_counts_wrong_order")
    yield case("(([]){})", "(([]){}", "([]){})", id="mixed_nesting")
    for number in range(3):
        text = drawn(rng, rng.randint(4, 15))
        yield case(text, other_kind(rng, text), id=f"random_other_kind_{number}")
    for number in range(2):
        text = drawn(rng, rng.randint(4, 15))
        yield case(text, without_one(rng, text), id=f"random_one_missing_{number}")
    down = "".join(rng.choices("([{", k=50)) * 100
    up = "".join(PARTNER[bracket] for bracket in reversed(down))
    yield Case.all_of((down + up, True), (down + up[:-1], False), (down + up[1:], False), id="deep")
