"""Tests of group_anagrams; the oracle adds each word to the first group whose letters it has.

The groups of the largest case are known by construction.
"""

from collections import Counter

from deepgym_env.task import Call, Case


def grouped(words):
    groups = []
    for word in words:
        letters = Counter(word)
        for group_letters, group in groups:
            if group_letters == letters:
                group.append(word)
                break
        else:
            groups.append((letters, [word]))
    return [group for _, group in groups]


def case(*lists, **options):
    return Case(calls=tuple(Call(args=(each,), expected=grouped(each)) for each in lists), **options)


def shuffled(rng, word):
    return "".join(rng.sample(word, len(word)))


def drawn(rng, alphabet, count, longest):
    return ["".join(rng.choices(alphabet, k=rng.randint(0, longest))) for _ in range(count)]


def cases(rng):
    yield case(["eat", "tea", "tan", "ate", "nat", "bat"], id="example", public=True)
    yield case(["ab", "ba", "ab"], id="repeated_word", public=True)
    yield case([], [""], id="empty", public=True)
    yield case(["a"], ["a", "", "b", ""], id="short_words")
    yield case(["aab", "abb", "ab", "bba", "baa"], id="same_letters_other_counts")
    yield case(["ac", "bb", "ca", "aad", "abc"], id="same_sum_of_letters")
    yield case(["abc", "def", "ghi"], id="no_partners")
    yield case(["stop", "tops", "opts", "pots", "spot"], id="one_group")
    yield case(["xy", "ab", "yx", "ba", "xy"], id="groups_interleaved")
    yield case(["aaaaaaaaaaab", "aaaaaaaaaabb", "baaaaaaaaaaa", "abbbbbbbbbbb"], id="counts_above_nine")
    long = "abcdefghijklmnopqrst"
    yield case([long, long[::-1], long[:-1] + "s", shuffled(rng, long)], id="twenty_letters")
    for number in range(3):
        yield case(drawn(rng, "abc", 15, 3), id=f"random_short_{number}")
    bases = drawn(rng, "aabbcdeio", 8, 9)
    yield case([shuffled(rng, rng.choice(bases)) for _ in range(24)], id="random_partners")
    words = [long[:7] + "x" * count for count in range(10)]
    groups = [[word[turn:] + word[:turn] for turn in range(4)] * 25 for word in words]
    yield Case.of([word for row in zip(*groups, strict=True) for word in row], expected=groups, id="largest")
