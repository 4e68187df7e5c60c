def palindrome_check(text):
    kept = "".join(text.lower().split())
    return kept == kept[::-1]
