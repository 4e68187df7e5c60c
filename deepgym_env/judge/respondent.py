"""What answers for a submission when test code uses it: runs in the submission's own process.

The judge trusts nothing of it: all it can forge are the submission's own answers. Its source runs
before the submission, in the same module, so it imports the standard library only (Python 3.8+).

- :func:`make_respondent_`: returns the function that does what one request asks for.
"""

from __future__ import annotations

from typing import Any

__all__ = ["make_respondent_"]


def make_respondent_() -> Any:
    """Return ``respond(text, ask)``, with all it uses taken before the submission runs.

    ``text`` is one encoded request, ``ask`` calls a function of the test's; the reply is encoded as well.
    """
    import sys

    codec: Any = sys.modules["runner.codec"]
    standard: Any = sys.modules["runner.standard"]
    shapes = {name: made for name, made in vars(sys.modules["solution"]).items() if isinstance(made, type)}
    bases: Any = (int, float, complex, bytes, tuple, list, dict, set, frozenset)
    objects: Any = []  # answered by number, as they are no data
    before = dict(vars(sys.modules["solution"]))
    unchanging = (str, int, float, complex, bytes, type(None))

    class Failed(Exception):
        """A function of the test's raised."""

    def crossing(value: Any) -> Any:
        """Return what crosses for a value of no built-in type: data if it is data but for its class."""
        kind = type(value)
        if kind in shapes.values():
            return value
        parts = standard.parts(value)
        if parts is not value:
            return parts
        if isinstance(value, str):
            return str.__str__(value)
        for base in bases:
            if isinstance(value, base):
                return base(value)
        if kind.__module__ == "numpy" and getattr(value, "shape", None) == ():
            return value.item()
        number = standard.number_of(value, harmless=True)
        if number is not None:
            return codec.Opaque(-1 - number)
        return reference(value)

    def reference(value: Any) -> Any:
        for number, known in enumerate(objects):
            if known is value:
                return codec.Opaque(number * 2)
        objects.append(value)
        return codec.Opaque(len(objects) * 2 - 2)

    def encode(value: Any) -> str:
        return str(codec.encode(value, 1 << 26, crossing, True))

    def target_of(name: Any) -> Any:
        if name is None:
            return sys.modules["solution"]
        return objects[name] if isinstance(name, int) else getattr(sys.modules["solution"], name)

    def names_in(module: Any) -> Any:
        """Return what the submission has made of the module: data by name, names of functions, other names."""
        data, functions, others = {}, [], []
        for name, value in list(vars(module).items()):
            if type(name) is not str or name[:2] == "__" or before.get(name, before) is value or name == "respond_":
                continue
            try:
                if type(value) is type(names_in):
                    functions.append(name)
                elif callable(value):
                    others.append(name)
                else:
                    encode(value)
                    data[name] = value
            except codec.CodecError:
                others.append(name)
        return [data, functions, others]

    operations: Any = {
        "this": lambda target, args, kwargs: target,
        "call": lambda target, args, kwargs: target(*args, **kwargs),
        "get": lambda target, args, kwargs: getattr(target, args[0]),
        "set": lambda target, args, kwargs: setattr(target, args[0], args[1]),
        "len": lambda target, args, kwargs: len(target),
        "item": lambda target, args, kwargs: target[args[0]],
        "put": lambda target, args, kwargs: target.__setitem__(args[0], args[1]),
        "has": lambda target, args, kwargs: args[0] in target,
        "iter": lambda target, args, kwargs: iter(target),
        "next": lambda target, args, kwargs: next(target),
        "str": lambda target, args, kwargs: str(target),
        "names": lambda target, args, kwargs: names_in(target),
    }

    def respond(text: str, ask: Any) -> str:
        def resolve(number: int) -> Any:
            if number < 0:
                return standard.with_number(-1 - number, harmless=False)
            return callback(number // 2) if number % 2 else objects[number // 2]

        def decode(text: str) -> Any:
            return codec.build(codec.parse(text), shapes, resolve, made=standard.MADE)

        def callback(number: int) -> Any:
            def function(*args: Any, **kwargs: Any) -> Any:
                reply = decode(ask(encode(["callback", number, list(args), kwargs])))
                while reply[0] not in ("returned", "failed"):  # it uses the submission itself
                    reply = decode(ask(perform(*reply)))
                if reply[0] == "failed":
                    error: Any = Failed("%s: %s" % (reply[2], reply[3]))
                    error.number = reply[1]
                    raise error
                return reply[1]

            return function

        return perform(*decode(text))

    def perform(operation: str, name: Any, args: Any, kwargs: Any) -> str:
        given = [*enumerate(args), *kwargs.items()]
        changing = [(at, value) for at, value in given if not isinstance(value, unchanging) and not callable(value)]
        before = [encode(value) for _, value in changing]
        try:
            target = target_of(name)
            value = operations[operation](target, args, kwargs)
            if operation == "call" and type(value) is target and isinstance(value, (list, dict, set)):
                value = reference(value) if target.__module__ == "solution" else value  # made for its methods
        except BaseException as error:
            if isinstance(error, MemoryError) or type(error).__name__ == "_TooMuchOutput":
                raise
            names = [base.__name__ for base in type(error).__mro__]
            data = [argument for argument in error.args if isinstance(argument, (str, int, float))]
            return encode(["raised", getattr(error, "number", None), names, str(error)[:1000], data])
        after = [(at, value) for (at, value), text in zip(changing, before) if encode(value) != text]
        return encode(["value", value, [list(pair) for pair in after]])

    return respond
