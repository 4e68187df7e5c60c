"""``deepgym doctor``."""

import json

from deepgym_env import DeepGym
from deepgym_env.cli.inputs import Level
from deepgym_env.sandbox.isolation import LEVELS


def test_it_reports_what_the_engine_has(deepgym):
    with DeepGym(workers=1, min_isolation="none") as engine:
        isolation = engine.isolation()
    shown = deepgym("doctor", "--min-isolation", "none", "--json")
    assert shown.exit_code == 0, shown.output
    report = json.loads(shown.stdout)
    assert (report["ok"], report["level"], report["python"]) == (True, isolation.level, isolation.python)
    assert [(layer["name"], layer["active"]) for layer in report["layers"]] == [
        (layer.name, layer.active) for layer in isolation.layers
    ]
    text = deepgym("doctor", "--min-isolation", "none").stdout
    for layer in isolation.layers:
        assert layer.name in text
        assert layer.purpose in text
    assert isolation.level in text
    assert isolation.python in text
    assert report["kernel"] in text
    assert (report["trial"], report["error"]) == ("passed", None)
    sessions = report["sessions"]
    assert sessions["ok"]
    assert {"bash", "python3"} <= set(sessions["tools"])
    assert sessions["layers"]["namespaces"]
    assert sessions["layers"]["seccomp"]
    assert not sessions["layers"]["landlock"]
    assert "work, with bash" in text


def test_a_sandbox_that_judges_nothing_is_not_well(deepgym, monkeypatch):
    judge = DeepGym.run
    monkeypatch.setattr(DeepGym, "run", lambda self, task, code: judge(self, task, "raise MemoryError"))
    result = deepgym("doctor")
    assert result.exit_code == 1
    assert "error: the sandbox starts but can't judge a submission: 0 of" in result.stderr
    assert json.loads(deepgym("doctor", "--json").stdout)["ok"] is False


def test_below_the_level_asked_for_it_exits_with_1_and_says_how_to_get_there(deepgym, weak_sandbox):
    result = deepgym("doctor", "--min-isolation", "full")
    assert result.exit_code == 1
    assert "namespaces is missing: switched off" in result.stdout
    assert "fix: allow user namespaces" in result.stdout
    assert "seccomp is missing" not in result.stdout
    assert result.stderr == "error: isolation is 'none', 'full' was asked for; the fixes are listed above\n"
    assert deepgym("doctor").exit_code == 1, "the default level is process"
    report = json.loads(deepgym("doctor", "--json").stdout)
    assert (report["ok"], report["level"], report["asked"]) == (False, "none", "process")
    assert deepgym("doctor", "--min-isolation", "none").exit_code == 0


def test_no_sandbox_at_all_exits_with_1_with_error_and_fix(deepgym, no_sandbox):
    result = deepgym("doctor")
    assert (result.exit_code, result.stdout) == (1, "")
    error, fix = result.stderr.splitlines()
    assert error.startswith("error: the sandbox can't start: can't start /nonexistent/python")
    assert fix.startswith("fix: ")
    report = json.loads(deepgym("doctor", "--json").stdout)
    assert (report["ok"], report["level"]) == (False, None)
    assert report["error"]
    assert report["remedy"]


def test_where_a_backend_is_away_the_fix_is_the_errors(deepgym, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    monkeypatch.setenv("DEEPGYM_MODE", "docker")
    result = deepgym("doctor")
    assert result.exit_code == 1
    assert "start it (`systemctl start docker`), or set DOCKER_HOST" in result.stderr
    assert f"'{tmp_path}/docker.sock'" in result.stderr
    assert "fix: what the error says" in result.stderr


def test_levels_are_the_sandboxs():
    assert [level.value for level in Level] == list(LEVELS)


def test_where_sessions_can_not_be_had_it_says_why(deepgym, weak_sandbox):
    sessions = json.loads(deepgym("doctor", "--min-isolation", "none", "--json").stdout)["sessions"]
    assert not sessions["ok"]
    assert "needs namespaces" in sessions["error"]
    assert "can't be had" in deepgym("doctor", "--min-isolation", "none").stdout
