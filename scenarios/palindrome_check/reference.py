def palindrome_check(text: str) -> bool:
    kept = [character for character in text.lower() if character.isascii() and character.isalnum()]
    return kept == kept[::-1]
