"""Counts words."""


def count_words(text):
    """Return how often each word is in a text, as a dict; words are told apart in lower case."""
    counts = {}
    for word in text.split():
        counts[word] = 1
    return counts
