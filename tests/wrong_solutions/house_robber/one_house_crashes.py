def house_robber(amounts):
    if not amounts:
        return 0
    best = [amounts[0], max(amounts[0], amounts[1])]
    for amount in amounts[2:]:
        best.append(max(best[-1], best[-2] + amount))
    return best[-1]
