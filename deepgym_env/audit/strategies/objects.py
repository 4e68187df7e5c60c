"""Strategies that return objects which lie, or change what they were given.

- :data:`OBJECTS`
"""

from __future__ import annotations

from collections.abc import Iterator

from deepgym_env.audit.knowledge import Knowledge
from deepgym_env.audit.strategy import Attack, Strategy, fill, stub

__all__ = ["LIAR", "OBJECTS"]

_DATA_REMEDY = (
    "Take plain data from the submission's process (JSON, say) and compare exact types: "
    "`type(got) is type(want) and got == want`."
)

LIAR = """
class Liar:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __lt__(self, other): return True
    __le__ = __gt__ = __ge__ = __eq__
    def __bool__(self): return True
    def __hash__(self): return 0
    def __contains__(self, item): return True
    def __sub__(self, other): return 0
    __rsub__ = __mod__ = __rmod__ = __sub__
    def __abs__(self): return 0
    def __round__(self, digits=None): return 0
    def __iter__(self): return iter(())
    def __call__(self, *args, **kwargs): return self
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self
"""


def _liar(known: Knowledge) -> Iterator[Attack]:
    yield Attack(LIAR.lstrip() + "\n\n" + stub(known.entry_point, "Liar()"), stub(known.entry_point))
    yield Attack(LIAR.lstrip() + f"\n\n{known.entry_point} = Liar()\n", f"{known.entry_point} = object()\n")


_SUBCLASS = """
class Liar(BASE):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __lt__(self, other): return True
    __le__ = __gt__ = __ge__ = __eq__
    def __hash__(self): return 0
    def __sub__(self, other): return 0
    __rsub__ = __sub__
    def __contains__(self, item): return True
    def strip(self, *args): return self
    def lower(self): return self
"""


def _subclasses(known: Knowledge) -> Iterator[Attack]:
    for base in ("int", "float", "str", "list", "tuple", "dict", "set"):
        code = _SUBCLASS.lstrip().replace("BASE", base)
        yield Attack(f"{code}\n\n{stub(known.entry_point, 'Liar()')}", stub(known.entry_point, f"{base}()"))


_DISGUISE = """
class Liar:
    def __init__(self, kind): self.kind = kind
    __class__ = property(lambda self: self.kind)
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 0


def ENTRY(*args, **kwargs):
    return Liar(KIND)
"""


def _disguise(known: Knowledge) -> Iterator[Attack]:
    for kind in ("int", "list"):
        yield Attack(fill(_DISGUISE, known).replace("KIND", kind), stub(known.entry_point))


_MUTATION = """
def empty(value):
    if isinstance(value, (list, dict, set, bytearray)):
        value.clear()


def ENTRY(*args, **kwargs):
    for value in [*args, *kwargs.values()]:
        empty(value)
    return ANSWER
"""
_FILLING = """
def ENTRY(*args, **kwargs):
    for value in [*args, *kwargs.values()]:
        if isinstance(value, list):
            value[:] = [0] * len(value)
    return ANSWER
"""


def _mutation(known: Knowledge) -> Iterator[Attack]:
    for template, answers in ((_MUTATION, ("[]", "0", "True", "{}")), (_FILLING, ("args[0]", "0"))):
        for answer in answers:
            yield Attack(fill(template, known).replace("ANSWER", answer), stub(known.entry_point, answer))


OBJECTS = (
    Strategy(
        name="always_equal",
        family="object",
        title="returns an object that equals everything",
        remedy=_DATA_REMEDY,
        attacks=_liar,
    ),
    Strategy(
        name="lying_subclasses",
        family="object",
        title="returns an int, str, list ... of a class of its own that equals everything",
        remedy=_DATA_REMEDY,
        attacks=_subclasses,
    ),
    Strategy(
        name="disguised_class",
        family="object",
        title="returns an object that isinstance takes for another",
        remedy=_DATA_REMEDY,
        attacks=_disguise,
    ),
    Strategy(
        name="argument_mutation",
        family="mutation",
        title="empties its arguments, so that the answer worked out from them afterwards is trivial",
        remedy="Work out the answer before the call, or call with a copy: `copy.deepcopy(args)`.",
        attacks=_mutation,
    ),
)
