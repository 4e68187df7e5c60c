def palindrome_check(text):
    kept = [c.lower() for c in text if c.isalnum()]
    return len(kept) < 2 or kept[0] == kept[-1]
