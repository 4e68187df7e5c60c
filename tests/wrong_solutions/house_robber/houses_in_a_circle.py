def house_robber(amounts):
    def row(houses):
        best = before = 0
        for amount in houses:
            best, before = max(best, before + amount), best
        return best

    return amounts[0] if len(amounts) == 1 else max(row(amounts[1:]), row(amounts[:-1]))
