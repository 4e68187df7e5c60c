"""The viewer as a person uses it: pages, keys, filters, light and dark, paper, and logs of ill will."""

from __future__ import annotations

import re

import pytest
from viewer_episodes import ATTACKS, hostile, made_up, turn, workspace_tools, write_log

from deepgym_env.viewer import render_static

SIGNS = {"suspicious": True, "suspect": ["sys._getframe"], "gap": 0.0, "memorised": 0, "tampered": False}
PER_PAGE = 50


def _episodes():
    for number in range(60):
        right = number % 3 == 0
        yield made_up(
            turn(f"def f():\n    return {number}", "Public tests: 1 of 1 passed.", "passed", "wrong_answer", "timeout"),
            turn(
                "def f():\n    return 0",
                "All 3 tests passed." if right else "It crashed.",
                *(["passed"] * 3 if right else ["passed", "crashed", "exception"]),
                before=1 / 3,
                hack_report=SIGNS if number == 7 else {},
            ),
            *([] if right else [turn("I give up.", "No code", "passed", "crashed", "exception", evaluated=False)]),
            task=f"task_{number % 4}",
            seed=number,
            end="terminated" if right else "truncated",
            wall={"began": 1_700_000_000.0 + number, "seconds": 1.0},
        )
    write = {"name": "write_file", "arguments": {"path": "a.py", "content": "x = 1\n"}}
    edit = {"name": "edit_file", "arguments": {"path": "a.py", "old": "1", "new": "2"}}
    yield made_up(
        turn(write, "Wrote a.py (6 characters)."),
        turn(edit, "Edited a.py."),
        turn({"name": "submit", "arguments": {}}, "The sandbox failed", has_verdict=False),
        task="needle in a haystack",
        tools=workspace_tools(),
        end="truncated",
        seed=99,
        wall={"began": 1_700_000_100.0, "seconds": 90.0},
    )


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return write_log(tmp_path_factory.mktemp("honest") / "log.jsonl", *_episodes())


@pytest.fixture(scope="module")
def url(view, log):
    return view(log.parent)


@pytest.fixture
def shown(watch, url):
    """The list of honest episodes; at the end nothing may have been asked of anybody else, or been wrong."""
    watched = watch()
    watched.page.goto(url)
    yield watched.page
    watched.assert_quiet(url)


def focused(page):
    return page.evaluate("document.activeElement.textContent")


def wait_for_count(page, text):
    page.locator("#count", has_text=text).wait_for()


# ── pages and keys ───────────────────────────────────────────────────────────────────────


def test_from_the_list_to_an_episode_to_its_neighbours_and_the_run(shown):
    shown.get_by_role("link", name=re.compile("^[0-9a-f]{12}$")).first.click()
    assert shown.get_by_role("heading", level=1).inner_text() == "needle in a haystack no verdict"
    assert "has no score" in shown.locator(".notice").inner_text()
    shown.get_by_role("link", name="← previous").click()
    assert shown.get_by_role("heading", level=1).inner_text() == "task_3 failed"
    shown.get_by_role("link", name="Turn 2").click()
    assert shown.url.endswith("#turn-2")
    shown.get_by_role("link", name="Run", exact=True).click()
    assert shown.get_by_role("heading", level=1).inner_text() == "Run over time"
    shown.get_by_role("link", name="task_2").click()
    assert shown.locator("#count").inner_text().startswith("15 of 61 episodes")


def test_keys(shown):
    press = shown.keyboard.press
    press("j")
    first = focused(shown)
    press("j")
    assert focused(shown) != first
    press("ArrowUp")
    assert focused(shown) == first
    press("j")
    press("Enter")
    shown.wait_for_url("**/episode?id=*")
    press("j")
    assert focused(shown) == "Turn 1"
    press("j")
    assert focused(shown) == "Turn 2"
    assert shown.locator("details.prompt").get_attribute("open") is None
    press("o")
    assert shown.locator("details:not([open])").count() == 0
    press("ArrowRight")
    shown.locator("h1", has_text=re.compile("^needle")).wait_for()
    shown.wait_for_load_state()  # before that a page has no keys
    press("r")
    shown.wait_for_url("**/run")
    press("e")
    shown.wait_for_url(re.compile(r"/$"))
    press("ArrowRight")
    shown.wait_for_url("**/?page=2")
    assert shown.locator("tr[data-row]").count() == 61 - PER_PAGE
    press("?")
    assert shown.locator("dialog").is_visible()
    press("j")  # keys mean nothing under a dialog
    press("Escape")
    assert shown.locator("dialog").is_hidden()


def test_two_chosen_by_keys_are_compared(shown):
    assert shown.locator("#compare").is_disabled()
    for key in "jxjjx":
        shown.keyboard.press(key)
    assert shown.locator("input[name=pick]:checked").count() == 2
    assert shown.locator("input[name=pick]:not(:checked)").first.is_disabled()
    shown.keyboard.press("c")
    shown.wait_for_url("**/compare?pick=*&pick=*")
    assert shown.get_by_role("heading", level=1).inner_text() == "Two episodes"
    assert shown.get_by_text("These are episodes of different tasks").is_visible()


def test_the_list_follows_what_is_typed(shown, url):
    shown.keyboard.press("/")
    shown.keyboard.type("haystack")
    shown.wait_for_url(f"{url}?q=haystack&sort=newest")
    assert shown.locator("tr[data-row]").count() == 1
    shown.keyboard.press("Control+a")
    shown.keyboard.type("return 17")
    wait_for_count(shown, "1 of 61")
    shown.locator("select[name=outcome]").select_option("passed")
    wait_for_count(shown, "0 of 61")
    shown.locator("input[name=q]").fill("")
    wait_for_count(shown, "20 of 61")
    shown.locator("select[name=signs]").select_option("yes")
    wait_for_count(shown, "0 of 61")
    shown.locator("select[name=outcome]").select_option("")
    wait_for_count(shown, "1 of 61")
    shown.reload()  # the address says what is shown
    assert "1 of 61" in shown.locator("#count").inner_text()
    shown.get_by_role("link", name="show all").click()
    assert shown.locator("#count").inner_text() == "61 episodes"


def test_everything_can_be_read_without_javascript(watch, url):
    watched = watch(java_script_enabled=False)
    page = watched.page
    page.goto(url)
    page.locator("select[name=task]").select_option("task_1")
    page.get_by_role("button", name="Show", exact=True).click()
    assert "15 of 61 episodes" in page.locator("#count").inner_text()
    page.locator("a[data-nav]").first.click()
    assert page.locator("article.turn").count() == 2
    assert page.get_by_role("button", name="Theme").count() == 0  # what does nothing isn't there
    watched.assert_quiet(url)


# ── light, dark, paper ───────────────────────────────────────────────────────────────────

CONTRASTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].map((value) => value / 255);
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
  const light = (color) => color.map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
  const found = {};
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const style = getComputedStyle(element);
    if (!own || !element.getClientRects().length || element.closest("svg, .sr, option, :disabled")) continue;
    let background = [1, 1, 1], opacity = 1;
    const parents = [];
    for (let each = element; each; each = each.parentElement) parents.unshift(each);
    for (const each of parents) {
      background = over(rgba(getComputedStyle(each).backgroundColor), background);
      opacity *= Number(getComputedStyle(each).opacity);
    }
    const ink = rgba(style.color);
    ink[3] *= opacity;
    const pair = [light(over(ink, background)), light(background)].sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    const name = `${element.tagName.toLowerCase()}.${element.className}`;
    found[name] = Math.min(found[name] ?? 99, contrast);
  }
  return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(watch, url, scheme):
    watched = watch(color_scheme=scheme)
    page = watched.page
    page.goto(url)
    addresses = ["", "run"]
    addresses += [page.locator("a[data-nav]").nth(number).get_attribute("href") for number in (0, 1)]
    first, second = (each.partition("=")[2] for each in addresses[2:])
    for address in [*addresses, f"compare?a={first}&b={second}", "episode?id=none"]:
        page.goto(url + address)
        pale = {name: round(value, 2) for name, value in page.evaluate(CONTRASTS).items() if value < 4.5}
        assert pale == {}, address


def test_light_and_dark_follow_the_system_until_one_is_chosen(watch, url):
    ground = "getComputedStyle(document.body).backgroundColor"
    light, dark = watch(color_scheme="light").page, watch(color_scheme="dark").page
    for page in (light, dark):
        page.goto(url)
    colours = [page.evaluate(ground) for page in (light, dark)]
    assert colours[0] != colours[1]
    for wanted in (colours[0], colours[1], colours[1]):  # light, dark, as the system has it
        dark.keyboard.press("t")
        assert dark.evaluate(ground) == wanted
        dark.goto(f"{url}run")
        assert dark.evaluate(ground) == wanted


def test_on_paper_there_are_no_controls_and_nothing_is_cut_off(shown):
    shown.locator("a[data-nav]").nth(1).click()
    shown.emulate_media(media="print")
    assert shown.locator("header.top").is_hidden()
    assert shown.locator("pre.text").first.evaluate("each => getComputedStyle(each).maxHeight") == "none"
    assert shown.pdf().startswith(b"%PDF")


@pytest.mark.parametrize("width", [360, 820, 1360])
def test_no_page_is_wider_than_its_window(shown, url, width):
    address = shown.locator("a[data-nav]").nth(1).get_attribute("href")
    shown.set_viewport_size({"width": width, "height": 800})
    for each in ("", "run", address):
        shown.goto(url + each)
        assert shown.evaluate("document.documentElement.scrollWidth") <= width


# ── ill will ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def hostile_log(tmp_path_factory):
    return write_log(tmp_path_factory.mktemp("hostile") / "log.jsonl", *map(hostile, ATTACKS))


def _use(page):
    """Do what a reader does: unfold, hover, focus, press keys."""
    page.keyboard.press("o")
    for key in ("j", "j", "k"):
        page.keyboard.press(key)
    for element in page.locator("main [title], main summary").all()[:10]:
        if element.is_visible():
            element.hover(force=True)


def test_hostile_episodes_run_nothing_and_ask_for_nothing(watch, view, hostile_log):
    url = view(hostile_log)
    watched = watch(accept_downloads=False)
    page = watched.page
    page.goto(url)
    addresses = [each.get_attribute("href") for each in page.locator("a[data-nav]").all()]
    assert len(addresses) == len(ATTACKS)
    _use(page)
    ids = [each.partition("=")[2] for each in addresses]
    for address in [*addresses, "run", f"compare?a={ids[0]}&b={ids[1]}"]:
        page.goto(url + address)
        _use(page)
        assert page.evaluate("document.scripts.length") == 1
        assert page.evaluate("document.documentElement.scrollWidth") <= 1360
    page.goto(url)
    for attack in ("image", "script", "attribute"):
        page.locator("input[name=q]").fill(ATTACKS[attack])
        wait_for_count(page, f" of {len(ATTACKS)}")
    watched.assert_quiet(url)


def test_raw_texts_are_downloads(watch, view, hostile_log):
    url = view(hostile_log)
    watched = watch()
    page = watched.page
    page.goto(url)
    page.locator("a[data-nav]").first.click()
    with page.expect_download() as download:
        page.get_by_role("link", name="raw").nth(1).click()
    assert download.value.suggested_filename.endswith("-1-observation.txt")


# ── one file ─────────────────────────────────────────────────────────────────────────────


def test_one_file_works_without_a_server(watch, log, tmp_path):
    file = tmp_path / "out.html"
    file.write_text(render_static(log), encoding="utf-8")
    watched = watch(offline=True)
    page = watched.page
    page.goto(file.as_uri())
    rows = page.locator("#episodes tr[data-row]:visible")
    assert rows.count() == 61
    page.keyboard.press("/")
    page.keyboard.type("haystack")
    wait_for_count(page, "1 of 61")
    assert rows.count() == 1
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    assert page.locator("h1:visible").inner_text() == "needle in a haystack no verdict"
    page.keyboard.press("j")
    page.keyboard.press("Enter")  # to the turn, on the same page
    assert page.locator("h1:visible").inner_text() == "needle in a haystack no verdict"
    page.keyboard.press("ArrowLeft")
    assert page.locator("h1:visible").inner_text() == "task_3 failed"
    page.keyboard.press("r")
    assert page.locator("h1:visible").inner_text() == "Run over time"
    assert page.locator("nav a[aria-current]").inner_text() == "Run"
    page.keyboard.press("e")
    assert page.locator("h1:visible").inner_text() == "Episodes"
    watched.assert_quiet(file.as_uri())


def test_one_file_of_hostile_episodes(watch, hostile_log, tmp_path):
    file = tmp_path / "out.html"
    file.write_text(render_static(hostile_log), encoding="utf-8")
    watched = watch()
    page = watched.page
    page.goto(file.as_uri())
    for address in [each.get_attribute("href") for each in page.locator("#episodes a[data-nav]").all()]:
        page.goto(file.as_uri() + address)
        _use(page)
    assert page.evaluate("document.scripts.length") == 1
    watched.assert_quiet(file.as_uri())


def test_the_policy_of_one_file_stops_what_would_get_in(watch, log, tmp_path):
    """A second wall: were a script to get in, it wouldn't run, and nothing would be loaded."""
    html = render_static(log).replace("<main", "<script>alert(1)</script><img src=x onerror=alert(2)><main")
    file = tmp_path / "out.html"
    file.write_text(html, encoding="utf-8")
    watched = watch()
    watched.page.goto(file.as_uri())
    assert watched.dialogs == []
    assert len(watched.said) >= 2
    assert all("Content Security Policy" in each for each in watched.said)
