"""Looks around, writes a script that follows the rules, runs it and looks at what came of it."""

SCRIPT = r"""
import csv, datetime, hashlib, os, re, shutil

INBOX, SORTED = "/workspace/inbox", "/workspace/sorted"
KINDS = {"documents": "pdf doc docx odt txt md", "images": "jpg png gif webp", "data": "csv tsv json xml",
         "archives": "zip 7z gz tgz tar"}
DATE = re.compile(r"(?<!\d)(\d{4})([-_]?)(\d\d)\2(\d\d)(?!\d)")


def clean(name):
    return re.sub(r"[^a-z0-9._-]+", "_", re.sub("[A-Z]", lambda m: m[0].lower(), name))


def category(name):
    extension = os.path.splitext(name)[1][1:]
    return next((kind for kind, all_of in KINDS.items() if extension in all_of.split()), "other")


def folder_of(name):
    for year, _, month, day in DATE.findall(name):
        try:
            datetime.date(int(year), int(month), int(day))
        except ValueError:
            continue
        if 2000 <= int(year) <= 2039:
            return f"{category(name)}/{year}/{month}"
    return f"{category(name)}/undated"


def unique(stem, extension, taken):
    candidate, number = stem + extension, 2
    while candidate in taken:
        candidate, number = f"{stem}-{number}{extension}", number + 1
    taken.add(candidate)
    return candidate


def digest(path):
    with open(os.path.join(INBOX, path), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


paths = sorted(
    os.path.relpath(os.path.join(place, name), INBOX) for place, _, names in os.walk(INBOX) for name in names
)
digests = {path: digest(path) for path in paths}
empty = hashlib.sha256().hexdigest()
bundles, taken, rows = {}, set(), {}
for path in paths:
    if os.path.basename(path) == ".keep-together":
        bundles[os.path.dirname(path)] = None
for folder in sorted(bundles):
    bundles[folder] = unique("projects/" + clean(os.path.basename(folder)), "", taken)
loose = []
for path in paths:
    name = os.path.basename(path)
    home = next((folder for folder in bundles if path.startswith(folder + "/")), None)
    if home:
        rows[path] = ["bundled", bundles[home] + path[len(home):]]
    elif digests[path] == empty or name in (".DS_Store", "Thumbs.db") or re.search(r"^~\$|\.(tmp|part)$", name):
        rows[path] = ["junk", ""]
    else:
        loose.append(path)
keeper = {}
for path in sorted(loose, key=lambda path: (len(path), path)):
    keeper.setdefault(digests[path], path)
for path in loose:
    if keeper[digests[path]] == path:
        name = re.sub(r"\.jpeg$", ".jpg", clean(os.path.basename(path)))
        stem, extension = os.path.splitext(name)
        rows[path] = ["moved", unique(f"{folder_of(name)}/{stem}", extension, taken)]
for path in loose:
    if keeper[digests[path]] != path:
        rows[path] = ["duplicate", rows[keeper[digests[path]]][1]]
for path, (action, target) in rows.items():
    if action in ("moved", "bundled"):
        os.makedirs(os.path.dirname(os.path.join(SORTED, target)), exist_ok=True)
        shutil.copy2(os.path.join(INBOX, path), os.path.join(SORTED, target))
shutil.rmtree(INBOX)
os.mkdir(INBOX)
with open(os.path.join(SORTED, "manifest.csv"), "w", newline="", encoding="utf-8") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["source", "action", "target", "sha256"])
    writer.writerows([path, *rows[path], digests[path]] for path in paths)
print(len(paths), "files")
"""


def solve():
    seen = yield {"name": "list_files", "arguments": {"path": "inbox"}}
    assert "alice" in seen
    yield {"name": "bash", "arguments": {"command": "find inbox -type f | wc -l; find inbox -name .keep-together"}}
    yield {"name": "write_file", "arguments": {"path": "/workspace/tidy.py", "content": SCRIPT}}
    seen = yield {"name": "bash", "arguments": {"command": "python3 tidy.py && head -5 sorted/manifest.csv"}}
    assert "source,action" in seen
    yield {"name": "run_tests", "arguments": {}}
    yield {"name": "submit", "arguments": {}}
