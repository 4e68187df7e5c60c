"""Tests of longest_common_subsequence; the oracle seeks the longest rising chain of matching places.

The answer of the largest case is known by construction.
"""

from bisect import bisect_left

from deepgym_env.task import Call, Case


def longest_chain(first, second):
    last = []
    for letter in first:
        for place in reversed([place for place, other in enumerate(second) if other == letter]):
            index = bisect_left(last, place)
            last[index : index + 1] = [place]
    return len(last)


def case(*pairs, **options):
    calls = (Call(args=(first, second), expected=longest_chain(first, second)) for first, second in pairs)
    return Case(calls=tuple(calls), **options)


def drawn(rng, alphabet, count):
    return "".join(rng.choices(alphabet, k=count))


def hidden(rng, common, noise, count):
    letters = list(common)
    for letter in rng.choices(noise, k=count):
        letters.insert(rng.randint(0, len(letters)), letter)
    return "".join(letters)


def cases(rng):
    yield case(("abcde", "ace"), id="example", public=True)
    yield case(("abcba", "abcbca"), id="example_repeated_letters", public=True)
    yield case(("abc", "xyz"), ("abc", "xaz"), id="nothing_in_common", public=True)
    yield case(("", ""), ("", "abcd"), ("abcd", ""), ("a", "a"), id="empty")
    yield case(("a", "b"), ("b", "b"), ("ab", "b"), id="single_letters")
    yield case(("banana", "banana"), id="equal")
    yield case(("abcdefg", "gfedcba"), ("abcdefg", "gabfedc"), id="same_letters_reversed")
    yield case(("aaaaaaa", "aaaa"), ("aaaa", "aabaa"), id="one_letter_repeated")
    yield case(("xaybzcwd", "abcd"), ("abcd", "xaybzc"), id="scattered")
    yield case(("oxcpqrsvwf", "shmtulqrypy"), id="not_contiguous")
    yield case(("abxxcdef", "cdefyabz"), ("dabc", "abcd"), id="two_competing_blocks")
    yield case(("bcacbcab", "bccabccb"), ("acbacb", "bcabca"), id="greedy_goes_astray")
    for number in range(3):
        first, second = drawn(rng, "abc", rng.randint(6, 20)), drawn(rng, "abc", rng.randint(6, 20))
        yield case((first, second), (first + "d", "d" + second), (first, first), id=f"random_small_{number}")
    yield case((drawn(rng, "abcdef", 60), drawn(rng, "abcdef", 60)), id="random_medium")
    common = drawn(rng, "abcd", rng.randint(120, 150))
    first, second = hidden(rng, common, "efgh", 100), hidden(rng, common, "uvwx", 90)
    yield Case.of(first, second, expected=len(common), id="largest")
