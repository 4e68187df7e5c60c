"""Tests of anagram_check; the oracle crosses each character out once, and pairs yes with no."""

from deepgym_env.task import Call, Case

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789'!"


def uses_the_same(first, second):
    left = [character.lower() for character in second if character != " "]
    for character in first.replace(" ", "").lower():
        if character not in left:
            return False
        left.remove(character)
    return not left


def case(*pairs, **options):
    return Case(calls=tuple(Call(args=pair, expected=uses_the_same(*pair)) for pair in pairs), **options)


def respelt(rng, characters):
    """Shuffle, change case at random and sprinkle spaces."""
    return "".join(
        (character.upper() if rng.random() < 0.3 else character) + " " * (rng.random() < 0.2)
        for character in rng.sample(characters, len(characters))
    )


def yes_and_no(rng, length):
    """Return a pair of anagrams and a pair that one exchanged character keeps from being one."""
    characters = rng.choices(ALPHABET, k=length)
    place = rng.randrange(length)
    other = list(characters)
    other[place] = rng.choice([character for character in ALPHABET if character != characters[place]])
    return (
        (respelt(rng, characters), respelt(rng, characters)),
        (respelt(rng, characters), respelt(rng, other)),
    )


def cases(rng):
    yield case(("Dormitory", "dirty room"), ("Dormitory", "dirty rooms"), id="example", public=True)
    yield case(("aab", "abb"), ("aab", "aba"), id="counts_matter", public=True)
    yield case(("", ""), ("", "a"), ("a", ""), id="empty")
    yield case(("   ", ""), (" ", "b"), id="only_spaces")
    yield case(("same", "same"), ("same", "sane"), id="anagram_of_itself")
    yield case(("Tea", "EAT"), ("Tea", "TEE"), id="case_ignored")
    yield case(("a b c", "cba"), ("a b c", "cb"), id="inner_spaces")
    yield case(("abc", "abcc"), ("abcc", "abc"), ("abcc", "ccba"), id="one_more")
    yield case(("ad", "bc"), ("ad", "da"), id="equal_code_sums")
    yield case(("a1b2", "2b1a"), ("a1b2", "3b1a"), ("a1", "a"), id="digits_count")
    yield case(("it's", "its"), ("it's", "'sit"), ("a-b", "ab!"), id="punctuation_counts")
    for number in range(3):
        yield case(*yes_and_no(rng, rng.randint(6, 20)), id=f"random_{number}")
    block = "".join(rng.choices(ALPHABET, k=50))
    long, turned = block * 99, block[::-1] * 99
    yes, no = (long + "xy", "y" + turned + "x"), (long + "xy", "y" + turned + "y")
    yield Case(calls=(Call(args=yes, expected=True), Call(args=no, expected=False)), id="long")
