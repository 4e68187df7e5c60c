def house_robber(amounts):
    best = [0, amounts[0]]
    for amount in amounts[1:]:
        best.append(max(best[-1], best[-2] + amount))
    return best[-1]
