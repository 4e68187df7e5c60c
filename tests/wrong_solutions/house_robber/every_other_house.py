def house_robber(amounts):
    return max(sum(amounts[::2]), sum(amounts[1::2]))
