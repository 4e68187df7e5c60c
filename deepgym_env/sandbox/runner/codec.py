"""Values as data: the one codec that child and judge share (stdlib only, Python 3.8+).

Text is canonical JSON: equal values of equal types encode to the same text, so the judge can
compare text and never needs ``==`` on anything the submission made. JSON's own types stand for
``None``, ``bool``, ``int`` below 2**53, finite ``float``, ``str`` and ``list``; all else is an
object ``{"$": tag, ...}``. Types are kept exactly: a subclass of ``int`` is no ``int``.

- :func:`encode`: value to text, within a size and a depth.
- :func:`parse`: text to a *tree* (what ``json`` makes of it); executes nothing.
- :func:`build`: tree to value, objects made by the classes given and without calling them.
"""

from __future__ import annotations

import enum
import json
import math
from collections import Counter, OrderedDict, defaultdict, deque

TYPE_CHECKING = False
if TYPE_CHECKING:  # what typing costs to import, every call of a workspace's code would pay
    from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple

__all__ = ["MAX_DEPTH", "CodecError", "Encoded", "Made", "Opaque", "Record", "TooLarge", "build", "encode", "parse"]

MAX_DEPTH = 180
_NATIVE_INT = 1 << 53
_DICTS = {dict: "dict", OrderedDict: "OrderedDict", defaultdict: "defaultdict", Counter: "Counter"}
_LISTS = {tuple: "tuple", deque: "deque"}
_SETS = {set: "set", frozenset: "frozenset"}
_LEAVES = frozenset((int, float, str, bool, type(None)))
_STRINGS = {str}
_NUMBERS = {int, float}
_string = json.encoder.encode_basestring_ascii


class CodecError(ValueError):
    """The value is no plain data, or the text is no encoded value."""


class TooLarge(CodecError):
    """The encoded value would exceed the size asked for."""


class Opaque:
    """Stands for a function argument while encoding: becomes ``{"$": "query", "v": number}``."""

    def __init__(self, number: int) -> None:
        self.number = number


class Made:
    """Stands for an object that is made anew where it is built, of plain data, by what goes by that name."""

    def __init__(self, name: str, parts: List[Any]) -> None:
        self.name = name
        self.parts = parts


class Encoded:
    """Stands for a value by its canonical text, which costs less to keep than a large value."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text if len(self.text) <= 200 else "%s…" % self.text[:199]


class Record:
    """An object whose class is unknown here: its type's name and its fields; encoded as that object is."""

    def __init__(self, type_name: str, fields: Dict[str, Any]) -> None:
        self.type_name = type_name
        self.fields = fields

    def __repr__(self) -> str:
        inner = ", ".join("%s=%r" % pair for pair in self.fields.items())
        return "%s(%s)" % (self.type_name, inner)


def encode(
    value: Any,
    max_bytes: int = 1 << 20,
    replace: Optional[Callable[[Any], Any]] = None,
    in_order: bool = False,
) -> str:
    """Return the canonical text of ``value``.

    Args:
        value: What to encode.
        max_bytes: Size of the text.
        replace: Called with each part that isn't of a built-in type; returns what to encode instead,
            or the part itself.
        in_order: Keep the order of dicts, which a submission can see; canonical text is sorted.

    Raises:
        TooLarge: If the text would be longer than ``max_bytes``.
        CodecError: If a part is no plain data, or nested deeper than ``MAX_DEPTH``.
    """
    return _Encoder(max_bytes, replace, in_order).text(value, MAX_DEPTH)


class _Encoder:
    """Writes text while it counts: a shared part counts each time, so sharing can't explode."""

    def __init__(self, max_bytes: int, replace: Optional[Callable[[Any], Any]], in_order: bool) -> None:
        self.left = max_bytes
        self.replace = replace
        self.arranged: Callable[[Iterable[str]], List[str]] = list if in_order else sorted

    def spend(self, text: str) -> str:
        self.left -= len(text) + 1
        if self.left < 0:
            raise TooLarge("the value is too large")
        return text

    def text(self, value: Any, depth: int) -> str:
        kind = type(value)
        if kind is int:
            if -_NATIVE_INT < value < _NATIVE_INT:
                return self.spend(repr(value))
            if value.bit_length() > 4 * self.left:
                raise TooLarge("the integer is too large")
            return self.spend('{"$":"int","v":"%x"}' % value)
        if kind is str:
            if len(value) > self.left:
                raise TooLarge("the string is too large")
            return self.spend(_string(value))
        if value is None:
            return self.spend("null")
        if kind is bool:
            return self.spend("true" if value else "false")
        if kind is float:
            return self.spend(repr(value) if math.isfinite(value) else '{"$":"float","v":"%r"}' % value)
        if depth == 0:
            raise CodecError("the value is nested too deeply or contains itself")
        if kind is list:
            return "[%s]" % ",".join(self.items(value, depth))
        return self.tagged(value, kind, depth)

    def items(self, values: Iterable[Any], depth: int) -> List[str]:
        self.spend("[]")
        if type(values) is list or type(values) is tuple:
            texts = self.leaves(values)
            if texts is not None:
                return texts
        return [self.text(value, depth - 1) for value in values]

    def leaves(self, values: Sequence[Any]) -> Optional[List[str]]:
        """Return the texts of many numbers or strings at once; None if they are something else."""
        kinds = set(map(type, values))
        strings = kinds == _STRINGS
        if not kinds or not (strings or kinds <= _NUMBERS):
            return None
        if len(values) + (sum(map(len, values)) if strings else 0) > self.left:
            raise TooLarge("the value is too large")
        if not strings and not (-_NATIVE_INT < min(values) <= max(values) < _NATIVE_INT):
            return None
        if float in kinds and not all(map(math.isfinite, values)):
            return None
        texts = list(map(_string if strings else repr, values))
        self.left -= sum(map(len, texts)) + len(texts)
        if self.left < 0:
            raise TooLarge("the value is too large")
        return texts

    def pairs(self, pairs: Iterable[Tuple[Any, Any]], depth: int) -> List[str]:
        self.spend("[]")
        below = depth - 1
        return [self.spend("[") + "%s,%s]" % (self.text(key, below), self.text(value, below)) for key, value in pairs]

    def tagged(self, value: Any, kind: Any, depth: int) -> str:
        if kind in _DICTS:
            return self.tag(_DICTS[kind], self.arranged(self.pairs(list(value.items()), depth)))
        if kind in _LISTS:
            return self.tag(_LISTS[kind], self.items(value, depth))
        if kind in _SETS:
            return self.tag(_SETS[kind], sorted(self.items(value, depth)))
        if kind is bytes or kind is bytearray:
            return self.spend('{"$":"%s","v":"%s"}' % (kind.__name__, value.hex()))
        if kind is complex:
            return self.tag("complex", ['"%r"' % value.real, '"%r"' % value.imag])
        if kind is range:
            return self.tag("range", self.items([value.start, value.stop, value.step], depth))
        if kind is Opaque:
            return '{"$":"query","v":%d}' % value.number
        if kind is Made:
            head = self.spend('{"$":"made","type":%s,"v":' % _string(value.name))
            return "%s[%s]}" % (head, ",".join(self.items(value.parts, depth)))
        if kind is Encoded:
            return self.spend(value.text)
        if kind is Record:
            pairs = sorted(self.pairs(list(value.fields.items()), depth))
            return self.typed("object", value.type_name, "[%s]" % ",".join(pairs))
        return self.instance(value, kind, depth)

    def tag(self, tag: str, parts: List[str]) -> str:
        head = self.spend('{"$":"%s","v":' % tag)
        return "%s[%s]}" % (head, ",".join(parts))

    def instance(self, value: Any, kind: Any, depth: int) -> str:
        if self.replace is not None:
            other = self.replace(value)
            if other is not value:
                return self.text(other, depth - 1)
        if isinstance(value, BaseException):
            return self.typed("exception", kind.__name__, self.text(str(value)[:1000], depth))
        if isinstance(value, enum.Enum):
            return self.typed("enum", kind.__name__, self.text(value.name, depth))
        if isinstance(value, tuple) and hasattr(kind, "_fields"):
            pairs = self.pairs([(field, value[at]) for at, field in enumerate(kind._fields)], depth)
            return self.typed("namedtuple", kind.__name__, "[%s]" % ",".join(pairs))
        pairs = sorted(self.pairs(_fields_of(value, kind), depth))
        return self.typed("object", kind.__name__, "[%s]" % ",".join(pairs))

    def typed(self, tag: str, name: str, content: str) -> str:
        head = self.spend('{"$":"%s","type":%s,"v":' % (tag, _string(name)))
        return head + content + "}"


def _fields_of(value: Any, kind: Any) -> List[Tuple[str, Any]]:
    """Return the plain attributes of an instance of an ordinary class."""
    if isinstance(value, type) or callable(value) or kind.__module__ in ("builtins", "types"):
        raise CodecError("a %s is no plain data" % kind.__name__)
    slots = [name for base in kind.__mro__ for name in _slot_names(base)]
    if not slots and not hasattr(value, "__dict__"):
        raise CodecError("a %s.%s is no plain data" % (kind.__module__, kind.__name__))
    fields = dict(getattr(value, "__dict__", {}))
    fields.update((name, getattr(value, name)) for name in slots if hasattr(value, name))
    if not all(type(name) is str for name in fields):
        raise CodecError("an attribute's name must be a str")
    return list(fields.items())


def _slot_names(base: type) -> List[str]:
    slots = base.__dict__.get("__slots__", ())
    slots = (slots,) if isinstance(slots, str) else slots
    return [name for name in slots if name not in ("__dict__", "__weakref__")]


def parse(text: str) -> Any:
    """Return the tree of encoded text, which may be hostile.

    Raises:
        CodecError: If it is no JSON, nested too deeply, or holds numbers ``encode`` never writes.
    """
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise CodecError("not an encoded value: %s" % error) from None


def _small_int(digits: str) -> int:
    if len(digits) > 17:
        raise CodecError("integer too long")
    return int(digits)


def _short_float(digits: str) -> float:
    if len(digits) > 40:
        raise CodecError("float too long")
    return float(digits)


def _no_constant(name: str) -> Any:
    raise CodecError("%s is no encoded value" % name)


# Made once: json.loads() makes one for each text, which costs more than most texts do.
_DECODER = json.JSONDecoder(parse_int=_small_int, parse_float=_short_float, parse_constant=_no_constant)


def build(
    tree: Any,
    classes: Optional[Dict[str, Any]] = None,
    query: Optional[Callable[[int], Any]] = None,
    max_keys: Optional[int] = None,
    made: Optional[Dict[str, Callable[..., Any]]] = None,
) -> Any:
    """Return the value of a tree.

    Args:
        tree: What :func:`parse` returned.
        classes: Classes by name for objects; others become :class:`Record`.
        query: Called with a number, returns the function argument of that number.
        max_keys: How many values sets, dicts and ranges may hold in all, which bounds what
            colliding hashes and short text for much data can cost.
        made: What makes objects of plain data, by the names of :class:`Made`.

    Raises:
        CodecError: If the tree is malformed.
    """
    try:
        return _Builder(classes or {}, query, max_keys, made or {}).value(tree)
    except CodecError:
        raise
    except (TypeError, ValueError, LookupError, RecursionError, AttributeError, ArithmeticError) as error:
        raise CodecError("malformed value: %s" % error) from None


class _Builder:
    def __init__(
        self,
        classes: Dict[str, Any],
        query: Optional[Callable[[int], Any]],
        keys_left: Optional[int],
        made: Dict[str, Callable[..., Any]],
    ) -> None:
        self.classes = classes
        self.made = made
        self.query = query
        self.keys_left = keys_left
        self.built = 0  # values so far
        self.makers: Dict[str, Callable[[Any], Any]] = {
            "int": lambda node: int(node["v"], 16),
            "float": lambda node: float(node["v"]),
            "complex": lambda node: complex(float(node["v"][0]), float(node["v"][1])),
            "bytes": lambda node: bytes.fromhex(node["v"]),
            "bytearray": lambda node: bytearray.fromhex(node["v"]),
            "tuple": lambda node: tuple(self.items(node)),
            "deque": lambda node: deque(self.items(node)),
            "range": lambda node: self.range(node),
            "set": lambda node: set(self.hashed(self.items, node)),
            "frozenset": lambda node: frozenset(self.hashed(self.items, node)),
            "dict": lambda node: dict(self.hashed(self.pairs, node)),
            "OrderedDict": lambda node: OrderedDict(self.hashed(self.pairs, node)),
            "defaultdict": lambda node: defaultdict(None, self.hashed(self.pairs, node)),
            "Counter": lambda node: Counter(dict(self.hashed(self.pairs, node))),
            "query": lambda node: self.argument(node["v"]),
            "made": lambda node: self.made[node["type"]](*self.items(node)),
            "enum": lambda node: self.enum(node),
            "namedtuple": lambda node: self.namedtuple(node),
            "object": lambda node: self.object(node),
            "exception": lambda node: Record(str(node["type"]), {"message": self.value(node["v"])}),
        }

    def value(self, node: Any) -> Any:
        self.built += 1
        if type(node) is list:
            if _LEAVES.issuperset(map(type, node)):
                self.built += len(node)
                return node[:]
            return [self.value(item) for item in node]
        if type(node) is dict:
            return self.makers[node["$"]](node)
        return node

    def argument(self, number: int) -> Any:
        if self.query is None:
            raise CodecError("a function argument where none can be")
        return self.query(number)

    def items(self, node: Any) -> List[Any]:
        return [self.value(item) for item in node["v"]]

    def pairs(self, node: Any) -> List[Tuple[Any, Any]]:
        return [(self.value(key), self.value(value)) for key, value in node["v"]]

    def hashed(self, read: Callable[[Any], List[Any]], node: Any) -> List[Any]:
        """Return the members of a set or dict, all that is in them charged."""
        before = self.built
        members = read(node)
        self.charge(self.built - before)
        return members

    def range(self, node: Any) -> range:
        made = range(*self.items(node))
        self.charge(abs((made.stop - made.start) // made.step))
        return made

    def charge(self, values: int) -> None:
        if self.keys_left is not None:
            self.keys_left -= values
            if self.keys_left < 0:
                raise CodecError("too many members")

    def known(self, node: Any, base: type) -> Any:
        """Return the class that a node names, if it is known; what is no ``base`` is not called."""
        known = self.classes.get(node["type"])
        if known is not None and not issubclass(known, base):
            raise CodecError("%r is no %s" % (node["type"], base.__name__))
        return known

    def enum(self, node: Any) -> Any:
        known = self.known(node, enum.Enum)
        return known[node["v"]] if known else Record(str(node["type"]), {"name": node["v"]})

    def namedtuple(self, node: Any) -> Any:
        known = self.known(node, tuple)
        pairs = self.pairs(node)
        return known(*(value for _, value in pairs)) if known else Record(str(node["type"]), dict(pairs))

    def object(self, node: Any) -> Any:
        known = self.known(node, object)
        if known is None:
            return Record(str(node["type"]), dict(self.pairs(node)))
        made = known.__new__(known)
        for name, value in self.pairs(node):
            if callable(getattr(known, name, None)):  # what its class does is not for the sender to say
                raise CodecError("the field %r hides a method" % name)
            object.__setattr__(made, name, value)
        return made
