import re


def palindrome_check(text):
    kept = re.sub(r"\W", "", text).lower()
    return kept == kept[::-1]
