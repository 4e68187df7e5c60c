def palindrome_check(text):
    kept = [c for c in text if c.isalnum()]
    return kept == kept[::-1]
