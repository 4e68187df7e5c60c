"""Works out from the drawn files where each belongs, and looks at what is there: the agent's code never runs."""

import csv
import datetime
import hashlib
import io

HEADER = ["source", "action", "target", "sha256"]
CATEGORIES = {
    "documents": "pdf doc docx odt txt md",
    "images": "jpg png gif webp",
    "data": "csv tsv json xml",
    "archives": "zip 7z gz tgz tar",
}
CATEGORY = {extension: name for name, all_of in CATEGORIES.items() for extension in all_of.split()}
ALLOWED = set("abcdefghijklmnopqrstuvwxyz0123456789.-_")

# Lists a tree without following links: path -> SHA-256, or null for what is no plain file of modest size.
LOOK = """
import hashlib, json, os, sys
found = {"files": {}, "folders": []}
for place, folders, files in os.walk(sys.argv[1]):
    if len(place) > 3000:
        folders.clear()
    below = os.path.relpath(place, sys.argv[1])
    for name in folders + files:
        path = os.path.join(place, name)
        key = name if below == "." else below + "/" + name
        if os.path.islink(path) or name in files:
            plain = os.path.isfile(path) and not os.path.islink(path) and os.path.getsize(path) < 1 << 20
            found["files"][key] = hashlib.sha256(open(path, "rb").read()).hexdigest() if plain else None
        else:
            found["folders"].append(key)
print(json.dumps(found))
"""


def look(ws, folder):
    ran = ws.run(["python3", "-I", "-S", "-c", LOOK, "/workspace/" + folder], cwd="/")
    assert ran.code == 0, "%s/ can't be read: %r" % (folder, ran)
    return ran.json()


def sha(data):
    return hashlib.sha256(data).hexdigest()


# ── the rules ─────────────────────────────────────────────────────────────────────────────


def clean(name):
    kept = "".join(c if c in ALLOWED else "\0" for c in name.replace("\0", "_").translate(LOWER))
    while "\0\0" in kept:
        kept = kept.replace("\0\0", "\0")
    return kept.replace("\0", "_")


LOWER = {ord(c): ord(c) + 32 for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def split(name):
    at = name.rfind(".")
    return (name, "") if at <= 0 else (name[:at], name[at:])


def find_date(name):
    for start in range(len(name)):
        if start and name[start - 1].isdigit():
            continue
        for gap in ("-", "_", ""):
            size = 8 + 2 * len(gap)
            text, after = name[start : start + size], name[start + size : start + size + 1]
            parts = [text[:4], text[4 + len(gap) : 6 + len(gap)], text[6 + 2 * len(gap) :]]
            if gap.join(parts) != text or not all(p.isdigit() for p in parts) or len(text) != size or after.isdigit():
                continue
            try:
                date = datetime.date(*map(int, parts))
            except ValueError:
                continue
            if 2000 <= date.year <= 2039:
                return date
    return None


def place(path):
    name = clean(path.rpartition("/")[2])
    if name.endswith(".jpeg"):
        name = name[:-5] + ".jpg"
    date = find_date(name)
    category = CATEGORY.get(split(name)[1][1:], "other")
    return "%s/%s/" % (category, "undated" if date is None else date.strftime("%Y/%m")), name


def is_junk(path, data):
    name = path.rpartition("/")[2]
    return not data or name in (".DS_Store", "Thumbs.db") or name.startswith("~$") or name.endswith((".tmp", ".part"))


def free(wanted, ending, taken):
    number, name = 1, wanted + ending
    while name in taken:
        number += 1
        name = "%s-%d%s" % (wanted, number, ending)
    taken.add(name)
    return name


def expected(ws):
    """Return ``{source: (action, target, sha)}`` and ``{source: why it is there}``."""
    drawn = sorted(records(ws.setup_rng()))
    rows = {}
    bundles = {}
    for folder in sorted(path[: -len("/.keep-together")] for path, _, _ in drawn if path.endswith("/.keep-together")):
        bundles[folder] = free("projects/" + clean(folder.rpartition("/")[2]), "", set(bundles.values()))
    by_contents = {}
    for path, data, _ in drawn:
        inside = [folder for folder in bundles if path.startswith(folder + "/")]
        if inside:
            rows[path] = ("bundled", bundles[inside[0]] + path[len(inside[0]) :], sha(data))
        elif is_junk(path, data):
            rows[path] = ("junk", "", sha(data))
        else:
            by_contents.setdefault(sha(data), []).append(path)
    kept = {min(paths, key=lambda path: (len(path), path)): digest for digest, paths in by_contents.items()}
    taken = set()
    for path in sorted(kept):
        folder, name = place(path)
        stem, ending = split(name)
        target = free(folder + stem, ending, taken)
        for same in by_contents[kept[path]]:
            rows[same] = ("moved" if same == path else "duplicate", target, kept[path])
    return rows, {path: why for path, _, why in drawn}


# ── what the tests share ──────────────────────────────────────────────────────────────────


def assert_placed(ws, *reasons):
    """Each kept file that is there for these reasons is at its place, and nowhere else but in bundles.

    Return what is in sorted/.
    """
    rows, why = expected(ws)
    found = look(ws, "sorted")["files"]
    for source, (action, target, digest) in rows.items():
        if action == "moved" and why[source] in reasons:
            at = sorted(path for path, got in found.items() if got == digest and not path.startswith("projects/"))
            assert at == [target], "%s is at %s, not at %s" % (source, at, target)
    return found


def manifest(ws):
    lines = list(csv.reader(io.StringIO(ws.text("sorted/manifest.csv"), newline="")))
    assert lines[:1] == [HEADER], "manifest.csv must begin with the header %s" % ",".join(HEADER)
    assert all(len(line) == len(HEADER) for line in lines), "every line of manifest.csv must have four fields"
    return lines[1:]


def assert_in_manifest(ws, *actions):
    rows, _ = expected(ws)
    wanted = sorted([source, *row] for source, row in rows.items() if row[0] in actions)
    got = sorted(line for line in manifest(ws) if line[1] in actions)
    assert got == wanted, "lines for %s differ: %r" % (actions, [line for line in got if line not in wanted][:3])


def assert_kept(ws):
    """Nothing got lost that should have been kept."""
    rows, _ = expected(ws)
    found = look(ws, "sorted")["files"]
    lost = [source for source, row in rows.items() if row[0] in ("moved", "bundled") and row[2] not in found.values()]
    assert not lost, "the contents of %d files are nowhere in sorted/: %s" % (len(lost), ", ".join(sorted(lost)[:3]))
    return rows, found


@public
def test_inbox_is_empty(ws):
    """inbox/ is there and empty, and no file that is to be kept got lost"""
    assert_kept(ws)
    found = look(ws, "inbox")
    left = sorted([*found["files"], *found["folders"]])
    assert not left, "left in inbox/: %s" % left[:5]
    assert "inbox" in ws.folders(), "inbox/ itself is gone"


@public
def test_manifest_lists_every_file(ws):
    """sorted/manifest.csv has its header and one line for each file of the inbox, by path"""
    rows, _ = expected(ws)
    sources = [line[0] for line in manifest(ws)]
    assert len(sources) == len(rows), "%d lines for %d files" % (len(sources), len(rows))
    assert sources == sorted(sources), "the lines are not sorted by path"
    assert sources == sorted(rows), "not the files that were there: %s" % sorted(set(sources) ^ set(rows))[:3]


def test_categories(ws):
    assert_placed(ws, "plain")


def test_dates(ws):
    assert_placed(ws, "dated")


def test_no_dates(ws):
    assert_placed(ws, "lookalike")


def test_clean_names(ws):
    assert_placed(ws, "name")


def test_duplicates(ws):
    assert_placed(ws, "duplicate")


def test_collisions(ws):
    assert_placed(ws, "collision")


def test_junk(ws):
    found = assert_placed(ws, "junk")
    rows, _ = expected(ws)
    kept = {row[2] for row in rows.values() if row[0] != "junk"} - {sha(b"")}
    junk = {row[2] for row in rows.values() if row[0] == "junk"} - kept
    left = [path for path, digest in found.items() if digest in junk and not path.startswith("projects/")]
    assert not left, "junk in sorted/: %s" % sorted(left)


def test_bundles(ws):
    found = assert_placed(ws, "bundle")
    rows, _ = expected(ws)
    got = {path: digest for path, digest in found.items() if path.startswith("projects/")}
    assert got == {row[1]: row[2] for row in rows.values() if row[0] == "bundled"}, "the bundles differ"


def test_manifest_of_what_is_kept(ws):
    assert_kept(ws)
    assert_in_manifest(ws, "moved", "bundled")


def test_manifest_of_what_is_gone(ws):
    assert_kept(ws)
    assert_in_manifest(ws, "duplicate", "junk")


def test_nothing_else(ws):
    rows, _ = expected(ws)
    found = look(ws, "sorted")
    wanted = {row[1] for row in rows.values() if row[1]} | {"manifest.csv"}
    assert set(found["files"]) == wanted, "differs: %s" % sorted(set(found["files"]) ^ wanted)[:5]
    above = {path[:at] for path in wanted for at in range(len(path)) if path[at] == "/"}
    assert set(found["folders"]) == above, "empty folders: %s" % sorted(set(found["folders"]) - above)[:5]
