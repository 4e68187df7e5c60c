def house_robber(amounts):
    taken, total = set(), 0
    for i in sorted(range(len(amounts)), key=lambda i: -amounts[i]):
        if i - 1 not in taken and i + 1 not in taken:
            taken.add(i)
            total += amounts[i]
    return total
