"""Has real pytest run a suite's tests, one by one, in the submission's process (Python 3.8+).

pytest is loaded before the submission, set up when the suite comes, in a folder nobody could guess, without
conftest files, settings or plugins but its own, and asked for each test's reports directly: what would be
printed, written or exited with isn't looked at. Methods of a TestCase are run by unittest, which they are
written for: to pytest a failed subtest isn't the test's failure.

- :func:`make_host_`: the framework for :func:`~deepgym_env.judge.proctor.make_proctor_`.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Tuple

__all__ = ["make_host_"]

_OPTIONS = (
    "--noconftest --import-mode=importlib --capture=no -p no:cacheprovider -p no:terminal"
    " -p no:faulthandler -p no:legacypath -p no:doctest -p no:junitxml -p no:pastebin -p no:stepwise"
).split()


def make_host_(
    given: Dict[str, Any], run_case: Callable[[Any, str], Tuple[str, str]]
) -> Tuple[Callable[..., Any], Callable[[str], Tuple[str, str]], List[str]]:
    """Return what loads a suite, what runs one test of it, and the modules these stand on."""
    import os
    import sys

    import _pytest.config
    import _pytest.main
    import _pytest.runner
    import _pytest.unittest

    for name in _pytest.config.default_plugins:
        __import__("_pytest." + name)
    prepare, Session = _pytest.config._prepareconfig, _pytest.main.Session
    run_item, environ = _pytest.runner.runtestprotocol, os.environ
    CaseItem = _pytest.unittest.TestCaseFunction
    places: List[str] = list(given["suite_files"])
    items: Dict[str, List[Any]] = {}
    may_fail: Dict[int, bool] = {}  # by the item: what the suite itself says, not who calls pytest.xfail
    sessions: List[Any] = []
    mark = "markers = task(taskno): the step of an exercise"

    def load(source: str, solution: Any, names: List[str]) -> List[Any]:
        file = places.pop(0)
        folder = os.path.dirname(file)
        os.mkdir(folder)
        with open(file, "w", encoding="utf-8") as out:
            out.write(("from %s import %s\n" % (given["module"], ", ".join(names)) if names else "") + source)
        settings = os.path.join(folder, "settings.ini")
        with open(settings, "w", encoding="utf-8") as out:
            out.write("[pytest]\n%s\n" % mark)
        for name in [name for name in environ if name.startswith("PYTEST_")]:
            del environ[name]
        environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        arguments = ["-c", settings, "--rootdir", folder, "--basetemp", os.path.join(folder, "tmp")]
        arguments += ["--log-file", os.path.join(folder, "log"), *_OPTIONS, file]
        config = prepare(arguments, [])
        config._do_configure()
        session = Session.from_config(config)
        config.hook.pytest_sessionstart(session=session)
        sessions.append(session)
        return collect(session)

    def collect(session: Any) -> List[Any]:
        classes = []
        for item in session.perform_collect():
            of = getattr(item, "cls", None)
            name = getattr(item, "originalname", None) or item.name
            may_fail[id(item)] = item.get_closest_marker("xfail") is not None
            items.setdefault("%s.%s" % (of.__name__, name) if of else name, []).append(item)
            if of is not None and of not in classes:
                classes.append(of)
        return classes

    def run(name: str) -> Tuple[str, str]:
        if name not in items:
            return "missing", "the suite has no test %r" % name
        for item in items[name]:
            if isinstance(item, CaseItem):
                return run_case(item.cls, item.name)
            try:
                reports = run_item(item, log=False, nextitem=None)
            except BaseException as error:
                return "exception", type(error).__name__
            status, message = verdict(reports, may_fail[id(item)])
            if status != "passed":
                return status, message
        return "passed", ""

    def verdict(reports: List[Any], expects_failure: bool) -> Tuple[str, str]:
        for report in reports:
            if report.outcome == "skipped" and not (expects_failure and hasattr(report, "wasxfail")):
                return "wrong_answer", "skipped, which counts as failed"
            if report.outcome == "failed":
                text = told(report)
                wrong = report.when == "call" and ("AssertionError" in text or text.startswith(("assert ", "Failed")))
                return ("wrong_answer" if wrong else "exception"), text
        phases = [report.when for report in reports]
        return ("passed", "") if phases == ["setup", "call", "teardown"] else ("exception", "the test was not run")

    def told(report: Any) -> str:
        crash = getattr(report.longrepr, "reprcrash", None)
        return str(crash.message if crash is not None else report.longrepr)

    watched = [name for name in sys.modules if name.split(".")[0] in ("_pytest", "pytest", "pluggy")]
    return load, run, watched
