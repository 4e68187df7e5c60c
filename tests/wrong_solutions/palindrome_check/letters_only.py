def palindrome_check(text):
    kept = [c.lower() for c in text if c.isalpha()]
    return kept == kept[::-1]
