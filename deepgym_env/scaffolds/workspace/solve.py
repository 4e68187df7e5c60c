"""Solves the task: the scripted agent that shows it can be solved. Never shown to an agent."""


def solve():
    """Yield one action per turn; receive what the environment answered."""
    seen = yield {"name": "read_file", "arguments": {"path": "words.py"}}
    assert "count_words" in seen
    old = "    for word in text.split():\n        counts[word] = 1\n"
    new = "    for word in text.lower().split():\n        counts[word] = counts.get(word, 0) + 1\n"
    yield {"name": "edit_file", "arguments": {"path": "words.py", "old": old, "new": new}}
    yield {"name": "run_tests", "arguments": {}}
    yield {"name": "submit", "arguments": {}}
