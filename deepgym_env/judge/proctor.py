"""Runs the tests of a suite in the submission's own process, one at a time as the judge asks for them.

All it uses is taken before the submission is loaded, and runs with built-ins of its own. It says of each
test what came of it and signs that with a key the submission isn't told; the judge believes none of it
unless its canaries fared as they must (:mod:`deepgym_env.judge.suite`). It has no classes: those could be
found by asking their bases. Its source runs before the submission (Python 3.8+, stdlib only).

- :func:`make_proctor_`: returns the function the judge asks.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Tuple

__all__ = ["make_proctor_"]

_TOLD = 1000
SUITE_FILE = "test_suite.py"


def make_proctor_(given: Dict[str, Any], make_seal: Any, framework: Any) -> Any:
    """Return ``proctor(name, suite)``, which runs one test and tells ``[status, message, signature]``.

    Args:
        given: What the judge says beforehand: ``key, seed, module, files, core, others``.
        make_seal: Makes a seal of modules.
        framework: What loads a suite, what runs one test of it, and what modules these stand on.
    """
    import os
    import sys
    from _blake2 import blake2b

    modules, chdir, seed = sys.modules, os.chdir, sys.modules["runner.child"]._seed
    solution = modules["solution"]
    key = bytes.fromhex(given["key"])
    home = os.getcwd()
    load, run, watched = framework
    broken, mend, watch = make_seal([*given["core"], *watched], given["others"])
    state: Dict[str, Any] = {"failed": None}

    def write(files: Dict[str, str]) -> None:
        for path, text in files.items():
            with open(os.path.join(home, path), "w", encoding="utf-8") as file:
                file.write(text)

    def begin(suite: Dict[str, Any]) -> None:
        mend()
        write({**given["files"], **suite["files"]})
        modules[given["module"]] = solution
        try:
            load(suite["canaries"], solution, [])  # they can be run even where the suite can't
            for made in load(suite["source"], solution, suite["names"]):
                watch(made)
        except BaseException as error:
            state["failed"] = describe(error)

    def describe(error: BaseException) -> str:
        try:
            return "the suite can't be loaded: %s: %s" % (type(error).__name__, str(error)[:_TOLD])
        except BaseException:
            return "the suite can't be loaded"

    def outcome(name: str, suite: Optional[Dict[str, Any]]) -> Tuple[str, str]:
        why = broken()
        if not why and suite is not None:
            begin(suite)
        if not why:
            chdir(home)
            seed(int.from_bytes(blake2b(("%s:%s" % (given["seed"], name)).encode(), digest_size=4).digest(), "little"))
            status, message = run(name)
            if status == "missing":
                status, message = "exception", state["failed"] or message
            why = broken()
        return ("tampered", "changed %s, which tests rely on" % why) if why else (status, message)

    def proctor(name: str, suite: Optional[Dict[str, Any]] = None) -> List[str]:
        status, message = outcome(name, suite)
        message = message[:_TOLD].encode("utf-8", "backslashreplace").decode()
        told = "\0".join([name, status, message]).encode()
        return [status, message, blake2b(told, key=key, digest_size=16).hexdigest()]

    write(given["files"])
    sys.path.append(home)
    if given["module"] not in modules:
        modules[given["module"]] = solution
    return proctor


def make_unittest_(given: Dict[str, Any]) -> Tuple[Callable[..., Any], Callable[[str], Tuple[str, str]], List[str]]:
    """Return what loads a suite of unittest's, what runs one test of it, and no module more to seal."""
    import builtins
    import sys
    import types
    import unittest

    made: Dict[str, Any] = {}
    suite_name = given["names"][0]
    module = types.ModuleType(suite_name)
    space = vars(module)
    space["__builtins__"] = dict(vars(builtins))  # of the suite's own: what others make of theirs is nothing to it
    space["__file__"] = SUITE_FILE
    modules, TestCase, run_case = sys.modules, unittest.TestCase, make_case_runner_()

    def load(source: str, solution: Any, names: List[str]) -> List[Any]:
        space.update({name: vars(solution)[name] for name in names if name in vars(solution)})
        exec(compile(source, SUITE_FILE, "exec", dont_inherit=True), space)
        made.update((name, value) for name, value in space.items() if issubclass(type(value), type))
        if "setUpModule" in space or "tearDownModule" in space or "__name__" in source:
            modules[suite_name] = module
        return [value for value in made.values() if issubclass(value, TestCase) and value.__module__ == suite_name]

    def run(name: str) -> Tuple[str, str]:
        kind, _, method = name.partition(".")
        if kind not in made:
            return "missing", "the suite has no class %r" % kind
        outcome: Tuple[str, str] = run_case(made[kind], method)
        return outcome

    return load, run, []


def make_case_runner_() -> Callable[[Any, str], Tuple[str, str]]:
    """Return what runs one method of a TestCase, with the fixtures of its class, and says what came of it."""
    import unittest

    TestSuite, TestResult = unittest.TestSuite, unittest.TestResult

    def run_case(made: Any, method: str) -> Tuple[str, str]:
        result = TestResult()
        try:
            TestSuite([made(method)]).run(result)
        except BaseException as error:
            return "exception", type(error).__name__
        return verdict(result)

    def verdict(result: Any) -> Tuple[str, str]:
        if result.errors:
            line = last(result.errors[0][1])
            return ("memory_limit" if line.startswith("MemoryError") else "exception"), line
        if result.failures:
            return "wrong_answer", last(result.failures[0][1])
        if result.unexpectedSuccesses:
            return "wrong_answer", "passed, where the suite expects a failure"
        if result.skipped:
            return "wrong_answer", "skipped, which counts as failed"
        return ("passed", "") if result.testsRun == 1 else ("exception", "the test was not run")

    def last(text: str) -> str:
        """Return what an exception says, behind the lines of its traceback."""
        lines = text.splitlines()
        places = [at for at, line in enumerate(lines) if line.startswith("  ")]
        return "\n".join(lines[places[-1] + 1 if places else 0 :])

    return run_case
