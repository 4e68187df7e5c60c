"""Tests of coin_change; the oracle searches breadth-first over reachable sums."""

from deepgym_env.task import Call, Case


def fewest_coins(coins, amount):
    reached, frontier, count = {0}, {0}, 0
    while frontier and amount not in reached:
        count += 1
        frontier = {total + coin for total in frontier for coin in coins if total + coin <= amount} - reached
        reached |= frontier
    return count if amount in reached else -1


def call(coins, amount):
    return Call(args=(coins, amount), expected=fewest_coins(coins, amount))


def case(*calls, **options):
    return Case(calls=tuple(call(coins, amount) for coins, amount in calls), **options)


def reachable(rng, coins, picks):
    return sum(rng.choices(coins, k=picks))


def cases(rng):
    yield case(([1, 2, 5], 11), id="example", public=True)
    yield case(([2], 3), id="impossible", public=True)
    yield case(([7], 0), id="zero_amount", public=True)
    yield case(([1, 3, 4], 6), id="greedy_fails")
    yield case(([5, 10], 3), ([5, 10], 15), id="amount_below_every_coin")
    yield case(([186, 419, 83, 408], 979), id="large_coins")
    yield case(([9], 81), id="one_coin_exactly")
    yield case(([25, 10, 1], 30), id="greedy_fails_unsorted")
    yield case(([500], 1000), ([3, 500], 999), id="largest_amount")
    for number in range(3):
        coins = rng.sample(range(2, 30), rng.randint(2, 5))
        yield case(
            (coins, reachable(rng, coins, rng.randint(2, 9))), (coins, rng.randint(1, 120)), id=f"random_small_{number}"
        )
    for number in range(2):
        coins = [6 * coin for coin in rng.sample(range(2, 12), 3)]
        total = reachable(rng, coins, rng.randint(3, 8))
        yield case((coins, total), (coins, total + rng.randint(1, 5)), id=f"random_impossible_{number}")
    for number in range(2):
        coins = rng.sample(range(20, 100), rng.randint(4, 8))
        yield case((coins, reachable(rng, coins, rng.randint(6, 10))), id=f"random_large_{number}")
