"""Sorts by extension and by what looks like a date, takes equal names for duplicates, and overwrites what collides."""

SCRIPT = r"""
import csv, hashlib, os, re, shutil

KINDS = {"documents": "pdf doc docx odt txt md", "images": "jpg png gif webp", "data": "csv tsv json xml",
         "archives": "zip 7z gz tgz tar"}
rows = []
for place, _, names in os.walk("inbox"):
    for name in names:
        path = os.path.join(place, name)
        new = re.sub(r"[^a-z0-9._-]+", "_", name.lower()).replace(".jpeg", ".jpg")
        extension = new.rpartition(".")[2]
        kind = next((k for k, all_of in KINDS.items() if extension in all_of.split()), "other")
        date = re.search(r"(\d{4})[-_]?(\d\d)[-_]?\d\d", new)
        target = os.path.join(kind, *(date.groups() if date else ["undated"]), new)
        data = open(path, "rb").read()
        junk = name in (".DS_Store", "Thumbs.db") or name.endswith(".tmp") or not data
        if not junk:
            os.makedirs(os.path.dirname("sorted/" + target), exist_ok=True)
            open("sorted/" + target, "wb").write(data)
        action = "junk" if junk else "moved"
        rows.append([path[6:], action, "" if junk else target, hashlib.sha256(data).hexdigest()])
with open("sorted/manifest.csv", "w", newline="") as file:
    csv.writer(file).writerows([["source", "action", "target", "sha256"], *sorted(rows)])
shutil.rmtree("inbox")
os.mkdir("inbox")
"""


def solve():
    yield {"name": "write_file", "arguments": {"path": "tidy.py", "content": SCRIPT}}
    yield {"name": "bash", "arguments": {"command": "python3 tidy.py"}}
    yield {"name": "submit", "arguments": {}}
