"""Something of a submission's in the process of code that tests it, where no line of the submission runs.

To use it is to ask the submission's process (:mod:`deepgym_env.judge.respondent`), and what comes back is
data. Besides being imported it is run as part of other source, so it finds the codec among what is loaded.

- :class:`Remote`: something of the submission's that is no data: a function, a class, an object.
- :class:`Link`: asks the submission's process.
"""

from __future__ import annotations

import builtins
import os
import sys
from collections import deque
from typing import Any, Callable, Dict, List, Tuple

__all__ = ["Link", "Remote"]

_CAP = 1 << 24
_SHOWN = 1 << 16  # a larger answer is shown to nobody
_PARTS: Dict[Any, Tuple[Any, ...]] = {  # of a reply, behind its kind
    "value": (object, list),
    "callback": (int, list, dict),
    "raised": ((int, type(None)), list, str, list),
}


class Ended(BaseException):
    """The submission's process has ended: a status, and what is to be said of it."""


class Remote:
    """Something of the submission's; every use of it happens there.

    What is found there by itself (called, read, iterated over, measured, shown) works. It is never equal
    to anything but itself. What was asked for by its name is true, as every function and class is; anything
    else has no truth value: it isn't data, and what the submission says of itself decides nothing.

    Its target is a name, or the number of an object and of the process that has it.
    """

    __slots__ = ("_link", "_target")

    def __init__(self, link: Link, target: Any) -> None:
        object.__setattr__(self, "_link", link)
        object.__setattr__(self, "_target", target)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._link.use("call", self._target, list(args), kwargs)

    def __getattr__(self, name: str) -> Any:
        return self._link.use("get", self._target, [name])

    def __setattr__(self, name: str, value: Any) -> None:
        self._link.use("set", self._target, [name, value])

    def __len__(self) -> int:
        size: int = self._link.use("len", self._target, [])
        return size

    def __getitem__(self, key: Any) -> Any:
        return self._link.use("item", self._target, [key])

    def __setitem__(self, key: Any, value: Any) -> None:
        self._link.use("put", self._target, [key, value])

    def __contains__(self, value: Any) -> bool:
        found: bool = self._link.use("has", self._target, [value])
        return found is True

    def __iter__(self) -> Any:
        return self._link.use("iter", self._target, [])

    def __next__(self) -> Any:
        return self._link.use("next", self._target, [])

    def __str__(self) -> str:
        text: str = self._link.use("str", self._target, [])
        return text

    __repr__ = __str__

    def __bool__(self) -> bool:
        if isinstance(self._target, str):
            return True
        raise TypeError("the submission's answer is no data, so it is neither true nor false")

    def __eq__(self, other: object) -> bool:
        return type(other) is Remote and other._target == self._target

    def __hash__(self) -> int:
        return hash(self._target)


class Link:
    """Asks the submission's process, and answers what it asks while it works."""

    def __init__(self, ask: Callable[..., Any]) -> None:
        self.ask = ask
        self.classes: Dict[str, Any] = {}  # of the prelude, which both processes have
        self.functions: List[Any] = []  # passed as arguments
        self.raised: List[BaseException] = []  # by these functions
        self.returned = ""
        self.process = 0  # of the submission's: its number
        self.ended: Any = None  # the test is over, whatever it does with the exception that says so
        self.codec: Any = sys.modules["runner.codec"]
        self.standard: Any = sys.modules["runner.standard"]

    def use(self, operation: str, target: Any, args: List[Any], kwargs: Any = None) -> Any:
        """Do something with what ``target`` names; return what came of it."""
        kwargs = kwargs or {}
        kind, *parts = self._exchange([operation, self._named(target), args, kwargs])
        while kind == "callback":
            kind, *parts = self._exchange(self._call_back(*parts))
        try:
            if kind == "value":
                for at, new in parts[1]:
                    _update(kwargs[at] if isinstance(at, str) else args[at], new)
                return parts[0]
            error = self._exception(*parts)
        except Exception:
            raise self._end("tampered", "sent an answer that can't be read") from None
        raise _stopped(error) if isinstance(error, StopIteration) and operation != "next" else error

    def _named(self, target: Any) -> Any:
        """Return what the submission's process calls a target."""
        return target[1] if isinstance(target, tuple) else target

    def _call_back(self, number: int, given: List[Any], named: Dict[Any, Any]) -> List[Any]:
        try:
            return ["returned", self.functions[number](*given, **named)]
        except Exception as error:
            self.raised.append(error)
            return ["failed", len(self.raised) - 1, type(error).__name__, str(error)[:1000]]

    def _exchange(self, request: List[Any]) -> List[Any]:
        if self.ended is not None:
            raise self.ended
        kind, *reply = self._ask(self.codec.encode(request, _CAP, self._crossing, True))
        if kind != "reply":
            raise self._end(*reply)
        try:
            tree = self.codec.parse(reply[0])
            answer = self.codec.build(tree, self.classes, self._resolve, made=self.standard.MADE)
        except self.codec.CodecError:
            answer = None
        if not _is_reply(answer):
            raise self._end("tampered", "sent an answer that can't be read")
        if request[0] == "call" and answer[0] == "value":
            self.returned = reply[0] if len(reply[0]) < _SHOWN else ""
        return list(answer)

    def _ask(self, text: str) -> Any:
        try:
            return self.ask("ask", text)
        except BaseException:  # too deep or no memory left: half a reply may be unread, and is nobody else's
            os._exit(1)

    def _end(self, status: str, why: str) -> Ended:
        end = self.ended = Ended(status, why)
        return end

    def _crossing(self, value: Any) -> Any:
        """Return what crosses for a value of no built-in type: a number, even for the submission's own.

        Python's own types and functions cross as negative ones: both processes have the same.
        """
        if type(value) is Remote:
            if isinstance(value._target, str):
                return self.use("this", value._target, [])
            return self.codec.Opaque(self._named(value._target) * 2)
        if type(value) in self.classes.values():
            return value
        number = self.standard.number_of(value, harmless=False)
        if number is not None:
            return self.codec.Opaque(-1 - number)
        parts = self.standard.parts(value)
        if parts is not value:
            return parts
        if not callable(value) or isinstance(value, type):
            raise TypeError("a %s can't be passed to the submission: it is no data" % type(value).__name__)
        self.functions.append(value)
        return self.codec.Opaque(len(self.functions) * 2 - 1)

    def _resolve(self, number: int) -> Any:
        if number < 0:
            return self.standard.with_number(-1 - number, harmless=True)
        return self.functions[number // 2] if number % 2 else Remote(self, (self.process, number // 2))

    def _exception(self, own: Any, names: List[str], message: str, args: List[Any]) -> BaseException:
        """Return the exception a use of the submission raised, as near as it can be made here."""
        if own is not None:
            raised: BaseException = self.raised[own]
            return raised
        known = (getattr(builtins, name, None) for name in names)
        kind = next((one for one in known if isinstance(one, type) and issubclass(one, Exception)), Exception)
        try:
            error = kind(*args)
        except Exception:
            error = Exception(message)
        told: Any = error
        told.of_submission_ = "%s: %s" % (names[0], message) if message else names[0]
        return error


def _stopped(error: BaseException) -> BaseException:
    """Return what Python makes of a StopIteration that isn't an iterator's: it would end the test's own loops."""
    told: Any = RuntimeError("StopIteration was raised")
    told.of_submission_ = getattr(error, "of_submission_", "StopIteration")
    return told  # type: ignore[no-any-return]


def _is_reply(answer: Any) -> bool:
    if type(answer) is not list or not answer or type(answer[0]) is not str:
        return False
    kinds = _PARTS.get(answer[0], ())
    return len(answer) == len(kinds) + 1 > 1 and all(map(isinstance, answer[1:], kinds))


def _update(old: Any, new: Any) -> None:
    """Make a mutable argument what the submission has made of it, keeping the objects it is made of."""
    if type(old) is not type(new):
        return
    if type(old) in (list, deque, bytearray):
        kept = [_merged(*pair) for pair in zip(old, new)]
        kept += list(new)[len(kept) :]
        old.clear()
        old.extend(kept)
    elif isinstance(old, dict):
        merged = {key: _merged(old[key], value) if key in old else value for key, value in new.items()}
        old.clear()
        old.update(merged)
    elif isinstance(old, set):
        old.clear()
        old.update(new)
    elif type(old) is tuple:
        for pair in zip(old, new):
            _update(*pair)
    elif _has_fields(old):
        _update(old.__dict__, new.__dict__)


def _has_fields(value: Any) -> bool:
    return not callable(value) and hasattr(value, "__dict__")


def _merged(old: Any, new: Any) -> Any:
    if type(old) is type(new) and (type(old) in (list, deque, bytearray, dict, set) or _has_fields(old)):
        _update(old, new)
        return old
    return new
