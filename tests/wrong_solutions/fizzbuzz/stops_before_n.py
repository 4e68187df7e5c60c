def fizzbuzz(n):
    words = {(True, True): "FizzBuzz", (True, False): "Fizz", (False, True): "Buzz"}
    return [words.get((i % 3 == 0, i % 5 == 0), str(i)) for i in range(1, n)]
