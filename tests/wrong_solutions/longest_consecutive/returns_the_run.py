def longest_consecutive(numbers):
    values = set(numbers)
    longest = []
    for value in values:
        if value - 1 not in values:
            run = [value]
            while run[-1] + 1 in values:
                run.append(run[-1] + 1)
            longest = max(longest, run, key=len)
    return longest
