def valid_parentheses(text):
    partner = {"(": ")", "[": "]", "{": "}"}

    def end_of_group(i):
        while i < len(text) and text[i] in partner:
            close = end_of_group(i + 1)
            if close >= len(text) or text[close] != partner[text[i]]:
                return len(text) + 1
            i = close + 1
        return i

    return end_of_group(0) == len(text)
