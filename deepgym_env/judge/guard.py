"""Keeps a submission from looking into the process it shares with its tests: runs in that process.

An audit hook, which Python lets nobody take out again, sees every use of what leads from one's own code to
that of others: frames, the garbage collector's lists, tracing, code objects, memory by its address. It
refuses what is done on behalf of the submission. It raises the bar; it is no wall (docs/security.md).
Its source runs before the submission (Python 3.8+, stdlib only).

- :func:`make_guard_`: puts the hook in.
"""

from __future__ import annotations

from typing import Any, Sequence

__all__ = ["make_guard_"]

_SIGHTS = {  # what shows more than one's own, by the name code that does it must have in it
    "sys._getframe": "_getframe",
    "sys._getframemodulename": "_getframemodulename",
    "sys._current_frames": "_current_frames",
    "sys._current_exceptions": "_current_exceptions",
    "gc.get_objects": "get_objects",
    "gc.get_referrers": "get_referrers",
    "gc.get_referents": "get_referents",
    "sys.settrace": "settrace",
    "sys.setprofile": "setprofile",
    "sys.monitoring.register_callback": "register_callback",
    "sys.addaudithook": "addaudithook",
}
_FRAMES = ("tb_frame", "gi_frame", "cr_frame", "ag_frame")
_BODIES = ("__code__", "gi_code", "cr_code", "ag_code", "f_code")
# Functions of the standard library that hand out frames: whoever calls them is asked about instead.
_LENDERS = "currentframe stack trace getinnerframes getouterframes walk_stack walk_tb get_stack _task_get_stack".split()
_INNARDS = ("__code__", "__defaults__", "__kwdefaults__")
# What finds out about a function, or what runs, without giving code away.
_READERS = (
    *("_signature_from_function", "_signature_from_callable", "getfullargspec", "_has_code_flag"),
    *("iscoroutinefunction", "isgeneratorfunction", "isasyncgenfunction", "unwrap"),
    "_get_running_interactive_framework",  # looks for a main loop of tkinter's before a figure is made
)
_MADE_UP = ("compile", "code.__new__", "marshal.loads", "marshal.load")  # code that may claim to be another's


def make_guard_(trusted: Sequence[str], own: Sequence[str]) -> None:
    """Refuse, from now on, what a submission needs to see its tests.

    Args:
        trusted: Folders of the standard library and of packages.
        own: Names of files that are the test's or the harness's.
    """
    import os
    import sys
    from _io import open as opened  # what a submission makes of the built-in one changes nothing here
    from _thread import get_ident

    getframe, trusted_folders, own_files, busy = sys._getframe, tuple(trusted), frozenset(own), set()
    here = os.path.dirname(os.path.abspath(sys.modules["runner.codec"].__file__ or "runner"))

    def is_trusted(file: str) -> bool:
        return file.startswith(("<frozen ", here)) or (file.startswith(trusted_folders) and file.endswith(".py"))

    def is_as_read(file: str, source: Any) -> bool:
        """Whether a source is what a library's file holds, which nobody here can write."""
        try:
            with opened(file, "rb") as there:
                return type(source) is bytes and there.read() == source
        except (OSError, ValueError):
            return False

    def refuse(what: str) -> None:
        raise RuntimeError("%s is refused where tests share the submission's process" % what)

    def for_submission(frame: Any) -> bool:
        """Whether the nearest code that is nobody's library is the submission's."""
        while frame is not None:
            file = frame.f_code.co_filename
            if file in own_files or file.startswith(here):  # the harness does it by itself
                return False
            if not is_trusted(file):
                return True
            frame = frame.f_back
        return False

    def may_look(frame: Any, name: str) -> bool:
        """Whether a library looks by itself: its own code says so, and it keeps what it sees to itself."""
        while frame is not None and is_trusted(frame.f_code.co_filename):
            code = frame.f_code
            if name not in code.co_names and name not in code.co_freevars:
                return False
            lends = code.co_name in _LENDERS or (code.co_name == "<lambda>" and name == "_getframe")
            if not lends and code.co_name not in ("<genexpr>", "<listcomp>"):
                return True
            name, frame = ("currentframe" if code.co_name == "<lambda>" else code.co_name), frame.f_back
        return frame is not None and frame.f_code.co_filename in own_files

    def claims_another(event: str, args: Any, frame: Any) -> bool:
        """Whether code is made that would pass for the test's or a library's."""
        if event.startswith("marshal"):
            return not is_trusted(frame.f_code.co_filename)
        file = args[1] if len(args) > 1 and args[1] is not None else ""
        if type(file) is not str:  # could say now this, now that
            return True
        return file in own_files or (is_trusted(file) and not (event == "compile" and is_as_read(file, args[0])))

    def is_anothers(thing: Any, name: str) -> bool:
        """Whether what a function or a class is made of isn't the submission's to change."""
        if isinstance(thing, type):
            return vars(thing).get("__module__") != "solution" and name in ("__bases__", "__module__")
        file = getattr(getattr(thing, "__code__", None), "co_filename", "")
        return name in _INNARDS and (is_trusted(file) or file in own_files)

    def decide(event: str, args: Any, frame: Any) -> None:
        if event in _SIGHTS:
            if for_submission(frame) and not may_look(frame, _SIGHTS[event]):
                refuse(event)
        elif event == "object.__getattr__":
            name = args[1]
            if name in _FRAMES and for_submission(frame) and not may_look(frame, name):
                refuse(name)
            reads = frame.f_code.co_name in _READERS and is_trusted(frame.f_code.co_filename)
            if name in _BODIES and not reads and for_submission(frame):
                code = getattr(args[0], name)
                if getattr(code, "co_filename", "") in own_files:
                    refuse(name)
        elif event == "object.__setattr__":
            by_library = is_trusted(frame.f_code.co_filename)
            if not by_library and for_submission(frame) and is_anothers(args[0], args[1]):
                refuse("setting %s" % args[1])
        elif event in _MADE_UP:
            if for_submission(frame) and claims_another(event, args, frame):
                refuse(event)
        elif event.startswith("ctypes."):
            while frame is not None and os.path.basename(os.path.dirname(frame.f_code.co_filename)) == "ctypes":
                frame = frame.f_back
            if frame is not None and not is_trusted(frame.f_code.co_filename) and for_submission(frame):
                if event == "ctypes.dlopen":
                    raise OSError("%s: libraries can't be loaded here" % (args[0],))
                refuse(event)

    watched = {*_SIGHTS, *_MADE_UP, "object.__getattr__", "object.__setattr__"}

    def hook(event: str, args: Any) -> None:
        if event not in watched and event[:7] != "ctypes.":
            return
        me = get_ident()
        if me in busy:
            return
        busy.add(me)
        try:
            decide(event, args, getframe(1))
        finally:
            busy.discard(me)

    sys.addaudithook(hook)
