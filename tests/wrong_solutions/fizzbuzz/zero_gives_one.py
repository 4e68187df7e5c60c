def fizzbuzz(n):
    said, number = [], 1
    while True:
        said.append("Fizz" * (number % 3 == 0) + "Buzz" * (number % 5 == 0) or str(number))
        if number >= n:
            return said
        number += 1
