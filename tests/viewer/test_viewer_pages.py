"""The pages: what they hold, where their links lead, and that no text of an episode becomes a part of them."""

from __future__ import annotations

import json
import re
from urllib.parse import urljoin, urlsplit

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient
from page_shape import Page
from viewer_episodes import ATTACKS, EVIL, hostile, made_up, turn, write_log

from deepgym_env.viewer import RunFolder, render_static
from deepgym_env.viewer.app import create_viewer_router

ALSO = {("span", "class"), ("p", "class"), ("tr", ""), ("table", "class"), ("details", "open"), ("strong", "")}
"""What the honest log of these tests happens not to need: classes, folds, and the report of lines that are none."""
PAGES = ("", "run", "episode?id={0}", "compare?a={0}&b={1}")


def addresses(log):
    ids = [each.id for each in RunFolder(log).summaries]
    return [each.format(*ids) for each in PAGES]


@pytest.fixture
def fine(tmp_path):
    """A log of two honest episodes with something of everything."""
    signs = {"suspicious": True, "suspect": ["sys._getframe"]}
    return write_log(
        tmp_path / "fine.jsonl",
        made_up(
            turn("def f(): 1", "no\x00", "passed", "timeout", hack_report=signs, reward_components={"a": 1, "b": 2}),
            turn({"name": "submit", "arguments": {"code": "def f(): 2"}}, "x" * 20_000, "passed", "passed", before=0.5),
        ),
        made_up(turn("?", "no", action_valid=False), turn("a", "b", has_verdict=False), end="truncated"),
    )


def test_every_page_is_there_and_says_nothing_to_anybody_else(client, fine, page):
    http = client(fine)
    for address in addresses(fine):
        response = http.get(f"/{address}")
        assert response.status_code == 200
        policy = response.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert page(fine, f"/{address}").comments == []
    for name in ("viewer.css", "viewer.js", "viewer.svg"):
        assert http.get(f"/{name}").headers["x-content-type-options"] == "nosniff"
    assert http.get("/docs").status_code == http.get("/openapi.json").status_code == 404


def test_the_list_tells_of_each_episode(page, played):
    shown = page(played, "/")
    assert "4 episodes" in shown.text
    assert "12 of 15" not in shown.text
    assert len([each for each in shown.all("a") if "data-nav" in each]) == 4
    only = page(played, "/?task=debug_fix")
    assert "1 of 4 episodes" in only.text
    assert "No episode is like that" in page(played, "/?q=nothing+like+this").text


def test_the_log_of_the_example_has_pages(page, demo):
    assert "4 episodes" in page(demo, "/").text
    for address in addresses(demo):
        page(demo, f"/{address}")


def test_what_is_typed_into_a_search_stays_text(client, fine):
    for attack in ATTACKS.values():
        query = attack.encode("utf-8", "replace").decode()
        response = client(fine).get("/", params={"q": query, "task": query})
        assert response.status_code == 200
        assert "<script>alert" not in response.text
        assert "onerror=alert('image')>" not in response.text


def test_an_episode_turn_by_turn(page, played):
    runs = RunFolder(played)
    summary = next(each for each in runs.summaries if each.seed == 0 and each.task == "reverse_string")
    shown = page(played, f"/episode?id={summary.id}")
    assert "Let me see." in shown.text
    assert "malformed action" in shown.text
    assert "return s[::-1]" in shown.text
    assert "they add up to 100%" in shown.text
    titles = [each["title"] for each in shown.all("td") if "title" in each]
    tests = len(runs.episode(summary.id).turns[0].info["tests"])
    assert len(titles) == 3 * tests
    assert any(title.endswith("turn 2: wrong answer") for title in titles)
    assert any(title.endswith("turn 3: passed, gained") for title in titles)
    assert "All changes" in shown.text


def test_a_long_text_is_cut_and_can_be_had_whole(client, page, fine):
    identity = RunFolder(fine).summaries[0].id
    shown = page(fine, f"/episode?id={identity}")
    assert "4,000 of 20,000 characters left out" in shown.text
    whole = client(fine).get("/raw", params={"id": identity, "turn": 2, "part": "observation"})
    assert whole.text == "x" * 20_000
    assert whole.headers["content-type"] == "text/plain; charset=utf-8"
    assert whole.headers["content-disposition"] == f'attachment; filename="{identity}-2-observation.txt"'
    line = client(fine).get("/raw", params={"id": identity, "part": "line"})
    assert json.loads(line.text)["task"] == "toy"
    assert client(fine).get("/raw", params={"id": identity, "part": "prompt"}).text == "Write f."


def test_ten_megabytes_make_no_large_page(client, tmp_path):
    text = "<script>\x1b\u202e" * 1_100_000
    log = write_log(tmp_path / "log", made_up(turn({"name": "submit", "arguments": {"code": text}}, text, "crashed")))
    (identity,) = [each.id for each in RunFolder(log).summaries]
    response = client(log).get("/episode", params={"id": identity})
    assert len(response.content) < 500_000
    raw = client(log).get("/raw", params={"id": identity, "turn": 1, "part": "observation"})
    assert raw.text == text


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_episodes_add_nothing_to_a_page(client, page, fine, tmp_path, attack):
    """What a page is made of doesn't depend on what an episode says: that is known from honest ones."""
    honest = set().union(*(page(fine, f"/{address}").shape for address in addresses(fine)))
    honest |= ALSO
    folder = tmp_path / "runs"
    folder.mkdir()
    name = re.sub(r"[/\x00\ud800-\udfff]", "_", ATTACKS[attack])[:60]
    write_log(folder / f"{name}.jsonl", hostile(attack), made_up(turn("a", ATTACKS[attack], "passed")))
    (folder / "data.jsonl").write_text(ATTACKS[attack], errors="replace")
    texts = dict.fromkeys(("id", "sha256", "status", "details", "task"), ATTACKS[attack])
    cases = [{"id": ATTACKS[attack], "status": ATTACKS[attack], "score": 0.0}]
    result = {**texts, "score": 0.0, "passed": False, "has_verdict": True, "cases": cases, "seed": 0}
    (folder / "results.jsonl").write_text(json.dumps({**result, "reward_components": {ATTACKS[attack]: 1}}) + "\n")
    for address in addresses(folder):
        shown = page(folder, f"/{address}")
        assert shown.shape <= honest, shown.shape - honest
        assert shown.comments == []
        assert shown.all("script") == [{"src": "viewer.js"}]
        for tag in ("a", "form", "link"):
            for each in shown.all(tag):
                place = each.get("href") or each.get("action") or "./"
                assert re.match(r"(\./|episode\?|run|compare|raw\?|viewer\.(css|svg)|#)", place), place
                assert urlsplit(urljoin("http://127.0.0.1/ui/", place)).netloc == "127.0.0.1"
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]", shown.text)


def test_templates_are_data_in_an_episode(page, tmp_path):
    log = write_log(tmp_path / "log", hostile("template"), made_up())
    identity = RunFolder(log).summaries[-1].id
    for address in ("", "run", f"episode?id={identity}", f"compare?a={identity}&b={identity}"):
        assert "{{ 7 * 7 }}{% include 'base.html' %}${7*7}" in page(log, f"/{address}").text


def test_what_is_not_there_and_what_makes_no_sense(client, fine):
    http = client(fine)
    identity = RunFolder(fine).summaries[0].id
    for address, code, message in [
        ("/episode?id=<b>", 404, "no episode &#39;&lt;b&gt;&#39; here"),
        ("/episode", 404, "no episode"),
        (f"/compare?a={identity}", 404, "no episode"),
        (f"/compare?pick={identity}", 400, "choose two episodes"),
        ("/?sort=<b>", 400, "sort must be one of newest"),
        ("/run?task=<b>", 200, "no episodes here yet"),
        (f"/raw?id={identity}&turn=9&part=action", 404, "there is no turn"),
        (f"/raw?id={identity}&turn=-1&part=action", 404, "there is no turn"),
        (f"/raw?id={identity}&turn=1&part=info", 400, "part must be one of"),
    ]:
        response = http.get(address)
        assert response.status_code == code, address
        assert message in response.text, response.text
        assert "content-security-policy" in response.headers
        assert "<b>" not in response.text


def test_a_log_without_episodes_says_so(page, tmp_path):
    assert "There are no episodes here yet" in page(tmp_path, "/").text
    assert "There are no episodes here yet" in page(tmp_path, "/run").text


def test_places_that_could_not_be_read_are_told_on_the_page(page, fine):
    with fine.open("a") as file:
        file.write("<b>foreign</b>\n")
    text = page(fine, "/").text
    assert "1 place in the logs could not be read" in text
    assert "fine.jsonl, line 3: no episode" in text


def test_new_episodes_are_there_on_the_next_page(client, fine):
    http = client(fine)
    assert "2 episodes" in http.get("/").text
    write_log(fine, made_up(seed=77))
    assert "3 episodes" in http.get("/").text


def test_the_loopback_server_answers_to_no_other_name(client, fine):
    http = client(fine)
    for host in ("127.0.0.1:8050", "localhost", "[::1]:8050"):
        assert http.get("/", headers={"host": host}).status_code == 200, host
    assert http.get("/", headers={"host": f"{EVIL}:8050"}).status_code == 400
    assert client(fine, hosts=["*"]).get("/", headers={"host": EVIL}).status_code == 200


def test_the_router_works_under_a_prefix_behind_keys(fine):
    from fastapi import Depends, Header

    def check(key: str = Header("")) -> None:
        if key != "secret":
            raise HTTPException(401)

    app = FastAPI()
    app.include_router(create_viewer_router(fine), prefix="/ui", dependencies=[Depends(check)])
    http = TestClient(app)
    for address in (*addresses(fine), "viewer.js", "raw?part=line"):
        assert http.get(f"/ui/{address}").status_code == 401
        assert http.get(f"/ui/{address}", headers={"key": "secret"}).status_code in (200, 404)
    assert 'href="/' not in http.get("/ui/", headers={"key": "secret"}).text
    assert http.get("/ui", headers={"key": "secret"}).url.path == "/ui/"


# ── one file ─────────────────────────────────────────────────────────────────────────────


def test_one_file_holds_everything_and_names_nothing_else(played):
    html = render_static(played)
    shown = Page(html)
    ids = [each.id for each in RunFolder(played).summaries]
    assert {f"e-{each}" for each in ids} | {"episodes", "run"} <= {each.get("id") for each in shown.all("section")}
    places = {each["id"] for _, each in shown.elements if each.get("id")}
    for each in shown.all("a"):
        assert each["href"].startswith("#")
        assert each["href"][1:] in places
    assert not [each for _, each in shown.elements if "src" in each or "style" in each]
    assert shown.all("link") == []
    (policy,) = [each["content"] for each in shown.all("meta") if "http-equiv" in each]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


@pytest.mark.parametrize("attack", ATTACKS)
def test_one_file_of_hostile_episodes_has_one_script(tmp_path, fine, attack):
    honest = Page(render_static(fine)).shape
    honest |= ALSO
    shown = Page(render_static(write_log(tmp_path / "log", hostile(attack))))
    assert shown.shape <= honest, shown.shape - honest
    assert len(shown.all("script")) == len(shown.all("style")) == 1


def test_of_too_many_episodes_one_file_holds_the_latest(tmp_path):
    log = write_log(tmp_path / "log", *(made_up(seed=seed, wall={"began": float(seed)}) for seed in range(30)))
    page = len(render_static(write_log(tmp_path / "one", made_up())))
    shown = Page(render_static(log, max_bytes=page))
    kept = [each for each in shown.all("section") if (each.get("id") or "").startswith("e-")]
    assert 0 < len(kept) < 30
    assert f"{30 - len(kept)} more are in the log" in shown.text
    ids = [each.id for each in RunFolder(log).summaries]
    assert [each["id"] for each in kept] == [f"e-{each}" for each in ids[::-1][: len(kept)]]
