"""Tests of palindrome_check; the oracle peels equal ends off a deque, and pairs yes with no."""

from collections import deque

from deepgym_env.task import Case

LETTERS = "abcdefghijklmnopqrstuvwxyz"
KEPT = set(LETTERS + LETTERS.upper() + "0123456789")


def reads_both_ways(text):
    ends = deque(character.lower() for character in text if character in KEPT)
    while len(ends) > 1:
        if ends.popleft() != ends.pop():
            return False
    return True


def case(*texts, **options):
    return Case.all_of(*((text, reads_both_ways(text)) for text in texts), **options)


def decorated(rng, characters):
    """Change case at random and sprinkle characters that don't count."""
    return "".join(
        (character.upper() if rng.random() < 0.5 else character) + rng.choice(("", "", " ", ",", "_", "-!"))
        for character in characters
    )


def yes_and_no(rng, half, middle):
    """Return a palindrome and a copy in which exactly one character lost its partner."""
    good = [*half, *middle, *reversed(half)]
    bad = list(good)
    spoilt = rng.randrange(len(half))
    bad[spoilt] = rng.choice([letter for letter in LETTERS if letter != good[spoilt]])
    return decorated(rng, good), decorated(rng, bad)


def cases(rng):
    yield case("Never odd or even!", "Never even or odd!", id="example", public=True)
    yield case("1a, 2", "1a, 1", id="digits_count", public=True)
    yield case("", "ab", id="empty")
    yield case(" .,!?- ", "a .,!?- b", id="nothing_left")
    yield case("x", "xy", "xx", id="one_or_two_letters")
    yield case("Aa", "aB", id="case_ignored")
    yield case("_ab, ba", "ab_ba_c", id="underscore_ignored")
    yield case("0P", "0p0", id="digit_is_no_letter")
    yield case("abca", "abba", id="ends_agree_middle_differs")
    yield case("abcdcbx", "xbcdcbx", id="only_ends_differ")
    yield case("A man, a plan,\na canal:\tPanama", "A man, a plan, a canoe: Panama", id="sentence")
    for number in range(3):
        half = rng.choices(LETTERS + "0123456789", k=rng.randint(3, 9))
        middle = rng.choices(LETTERS, k=number % 2)
        yield case(*yes_and_no(rng, half, middle), id=f"random_{number}")
    block = "".join(rng.choices(LETTERS, k=50))
    long = block * 49 + " " + (block * 49)[::-1]
    yield Case.all_of((long, True), ("a" + long + "b", False), id="long")
