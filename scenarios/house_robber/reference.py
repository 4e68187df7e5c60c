def house_robber(amounts: list[int]) -> int:
    best, best_without_last = 0, 0
    for amount in amounts:
        best, best_without_last = max(best, best_without_last + amount), best
    return best
