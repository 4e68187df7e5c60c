def house_robber(amounts):
    best = list(amounts[:2])
    for amount in amounts[2:]:
        best.append(max(best[-1], best[-2] + amount))
    return best[-1] if best else 0
