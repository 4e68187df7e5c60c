from difflib import SequenceMatcher


def longest_common_subsequence(first, second):
    return sum(block.size for block in SequenceMatcher(None, first, second).get_matching_blocks())
