"""Tests of string_manipulation; the oracle reads one character at a time and counts as it goes."""

from deepgym_env.task import Case

POOL = ("the", "cat", "o'neil", "3rd", "well-known", "a", "x2y", "don't", "42")
GAPS = (" ", " ", "  ", "\t", "\n", " \n\t ")


def tidied(text):
    words, counts, word = [], [], ""
    for character in text + " ":
        if character not in " \t\n":
            word += character.lower() if word else character.upper()
        elif word:
            if words and words[-1] == word:
                counts[-1] += 1
            else:
                words.append(word)
                counts.append(1)
            word = ""
    pieces = [f"{word}*{count}" if count > 1 else word for word, count in zip(words, counts, strict=True)]
    return " ".join(pieces)


def case(*texts, **options):
    return Case.all_of(*((text, tidied(text)) for text in texts), **options)


def drawn(rng, runs):
    text = rng.choice(("", *GAPS))
    for _ in range(runs):
        word = rng.choice(POOL)
        for _ in range(rng.choice((1, 1, 2, 3))):
            text += "".join(rng.choice((character, character.upper())) for character in word) + rng.choice(GAPS)
    return text


def cases(rng):
    yield case("  the THE\t cat the", id="example", public=True)
    yield case("3RD o'NEIL", id="not_first_characters", public=True)
    yield case("", " \t\n ", "a", id="no_words")
    yield case("gREEN", id="one_word")
    yield case("  padded   inside\n\nand\tout \n", id="white_space_collapsed")
    yield case("no no", "no no no", "no No nO NO", id="one_run")
    yield case("a b a b b a", id="runs_start_again")
    yield case("well-KNOWN don't X2Y", id="hyphens_and_digits")
    yield case("one two two", id="run_at_the_end")
    yield case("go " * 12 + "on", id="two_digit_count")
    yield case("no nob nobody o no", id="prefixes_differ")
    yield case("-a -A 'b 'B", id="starts_with_a_sign")
    for number in range(3):
        yield case(drawn(rng, rng.randint(4, 12)), id=f"random_{number}")
    times = rng.randint(1000, 1200)
    yield Case.of("eCHO " * times + "end", expected=f"Echo*{times} End", id="long_run")
