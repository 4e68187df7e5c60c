def palindrome_check(text):
    kept = [c.lower() for c in text if c.isalnum()]
    return bool(kept) and kept == kept[::-1]
