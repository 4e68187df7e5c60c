def fizzbuzz(n: int) -> list[str]:
    return [
        ("Fizz" if number % 3 == 0 else "") + ("Buzz" if number % 5 == 0 else "") or str(number)
        for number in range(1, n + 1)
    ]
