def fizzbuzz(n):
    said = []
    for number in range(1, n + 1):
        if number % 3 == 0:
            said.append("Fizz")
        elif number % 5 == 0:
            said.append("Buzz")
        elif number % 15 == 0:
            said.append("FizzBuzz")
        else:
            said.append(str(number))
    return said
