"""Tests of reverse_string; the oracle pushes character after character onto the front of a deque."""

from collections import deque

from deepgym_env.task import Case

LETTERS = "abcdefghijkmnopqrstuvwxyzABCXYZ0123456789"
MIXED = LETTERS + " \t\n.,;!?-_'\"()éßжλ日本"


def turned_round(text):
    characters = deque()
    for character in text:
        characters.appendleft(character)
    return "".join(characters)


def case(*texts, **options):
    return Case.all_of(*((text, turned_round(text)) for text in texts), **options)


def drawn(rng, alphabet, length):
    return "".join(rng.choices(alphabet, k=length))


def cases(rng):
    yield case("Hello, you", id="example", public=True)
    yield case(" ab", id="leading_space", public=True)
    yield case("", "x", id="empty_and_one_character")
    yield case("ab", id="two_characters")
    yield case("Level", id="upper_case_first")
    yield case("one two three", id="several_words")
    yield case("  padded both ends   ", id="white_space_kept")
    yield case("first\nsecond\tthird\n", id="newlines_and_tabs")
    yield case("naïve café, 日本語 λ", id="non_ascii")
    yield case(drawn(rng, LETTERS, 2 * rng.randint(3, 10)), id="random_even")
    yield case(drawn(rng, LETTERS, 2 * rng.randint(3, 10) + 1), id="random_odd")
    for number in range(2):
        yield case(drawn(rng, MIXED, rng.randint(20, 80)), id=f"random_mixed_{number}")
    yield case(drawn(rng, LETTERS, 100) * 100, id="largest")
