"""Tests of roman_to_integer; each numeral is written, digit by digit, from the number it stands for."""

from deepgym_env.task import Case

DIGITS = ("", "a", "aa", "aaa", "ab", "b", "ba", "baa", "baaa", "ac")


def numeral(number):
    letters = "IVXLCDM??"
    parts = []
    for place, digit in enumerate(reversed(f"{number}")):
        one, five, ten = letters[2 * place : 2 * place + 3]
        parts.append(DIGITS[int(digit)].translate(str.maketrans("abc", one + five + ten)))
    return "".join(reversed(parts))


def case(*numbers, **options):
    return Case.all_of(*((numeral(number), number) for number in numbers), **options)


def cases(rng):
    yield case(58, id="example_additive", public=True)
    yield case(1994, id="example_subtractive", public=True)
    yield case(3, 4, id="three_and_four", public=True)
    yield case(1, 5, 10, 50, 100, 500, 1000, id="single_letters")
    yield case(6, 9, 19, id="nines")
    yield case(40, 90, 49, 99, id="subtractive_tens")
    yield case(400, 900, 444, 999, id="subtractive_hundreds")
    yield case(1000, 2000, 3000, id="thousands")
    yield case(3888, id="longest_numeral")
    yield case(3999, id="largest_number")
    yield case(1666, id="every_letter_once")
    yield case(*rng.sample(range(11, 100), 4), id="random_tens")
    yield case(*rng.sample(range(101, 1000), 4), id="random_hundreds")
    for number in range(3):
        yield case(*rng.sample(range(1001, 4000), 4), id=f"random_large_{number}")
