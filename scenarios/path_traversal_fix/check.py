"""Asks for files of a tree made for each test: what is outside never comes back, what is inside does."""

import io
import itertools
import json
import zipfile

BUILD = """
import json, os, sys
files, folders, links = json.load(sys.stdin)
for path in folders + [os.path.dirname(path) for path in files]:
    os.makedirs(path, exist_ok=True)
for path in sorted(files):
    with open(path, "wb") as file:
        file.write(bytes.fromhex(files[path]))
for path, target in links:
    os.symlink(target, path)
"""
DUMP = """
import json, os
found = {}
for folder, folders, files in os.walk("."):
    for name in folders + files:
        path = os.path.join(folder, name)
        if os.path.islink(path):
            found[path[2:]] = "link to " + os.readlink(path)
        elif os.path.isdir(path):
            found[path[2:]] = "folder"
        elif os.path.isfile(path) and os.path.getsize(path) < 10000:
            found[path[2:]] = open(path, "rb").read().hex()
        else:
            found[path[2:]] = "something else"
print(json.dumps(found))
"""
WORDS = ["amber", "basalt", "copper", "delta", "ember", "flint", "garnet", "harbor", "indigo", "jasper"]
NOT_FOUND = (404, "text/plain; charset=utf-8", b"Not Found\n")
BAD = (400, "text/plain; charset=utf-8", b"Bad Request\n")


class Site:
    """A share with files around it, their names and contents drawn for one test; paths are relative to ``base``."""

    def __init__(self, ws):
        assert ws.exists("fileshare.py"), "there is no fileshare.py"
        self.ws = ws
        words = ws.rng.sample(WORDS, 6)
        self.base, self.share, self.folder, self.page = "site_" + words[0], "srv/" + words[1], words[2], words[3]
        self.root = "/workspace/%s/%s" % (self.base, self.share)
        self.beside = "%s-%s" % (words[1], words[4])  # a folder beside the share, its name begins like the share's
        self.secret = self.token()
        self.files = {"srv/%s/keys.txt" % self.beside: self.secret, "secret.txt": self.secret}
        self.folders = [self.share + "/empty"]
        self.links = []
        self.add("index.html", self.token())
        self.add(self.folder + "/index.html", self.token())
        self.add("%s/%s.txt" % (self.folder, self.page), self.token())
        self.add("uploads/kept.bin", self.token())

    def token(self):
        return b"%d" % self.ws.rng.randrange(10**12)

    def add(self, path, data):
        """Add a file to the share."""
        self.files[self.share + "/" + path] = data

    def link(self, path, target):
        """Add a link to the share."""
        self.links.append([self.share + "/" + path, target])

    def build(self):
        files = {"%s/%s" % (self.base, path): data.hex() for path, data in self.files.items()}
        folders = ["%s/%s" % (self.base, path) for path in self.folders]
        links = [["%s/%s" % (self.base, path), target] for path, target in self.links]
        ran = self.ws.run(["python3", "-I", "-S", "-c", BUILD], stdin=json.dumps([files, folders, links]))
        assert ran.code == 0, "the tree could not be made: %r" % (ran,)

    def served(self, path, kind="text/plain; charset=utf-8"):
        return 200, kind, self.files[self.share + "/" + path]

    def good(self):
        """Requests that are to be served, with their answers."""
        page, index = "%s/%s.txt" % (self.folder, self.page), self.folder + "/index.html"
        index_served = self.served(index, "text/html; charset=utf-8")
        return [("/" + page, self.served(page)), ("/%s/?x=/.." % self.folder, index_served)]

    def answers(self, cases, root=None):
        """Each request is answered as it should be, and some that are always served are."""
        cases = [*self.good(), *cases]
        answers = self.ws.calls("fileshare.py", "respond", [(root or self.root, target) for target, _ in cases])
        for at, (target, expected) in enumerate(cases):
            message = "respond(root, %.200r): got %.200r, expected %.200r" % (target, answers[at], expected)
            assert same(answers[at], expected), message

    def holds(self, more):
        """The files are those the tree was built with and, in the share, some more; nothing else has changed."""
        expected = {path: data.hex() for path, data in self.files.items()}
        expected.update(("%s/%s" % (self.share, path), data.hex()) for path, data in more.items())
        expected.update((path, "link to " + target) for path, target in self.links)
        for path in [*expected, *self.folders]:
            for end in range(len(path)):
                if path[end] == "/":
                    expected[path[:end]] = "folder"
        expected.update((path, "folder") for path in self.folders)
        ran = self.ws.run(["python3", "-I", "-S", "-c", DUMP], cwd="/workspace/" + self.base)
        got = ran.json()
        for path in sorted({*got, *expected}):
            assert got.get(path) == expected.get(path), "%s: %.100r, expected %.100r" % (
                path,
                got.get(path),
                expected.get(path),
            )


def same(got, expected):
    return isinstance(got, tuple) and got == expected and [type(v) for v in got] == [type(v) for v in expected]


def missing(targets):
    return [(target, NOT_FOUND) for target in targets]


def climbing(ws, path):
    """Spellings of ``..``, ``/`` and the letters of a path, with which some climb out of the share."""
    dots = ["..", "%2e%2e", ".%2E", "%2e.", "....//..", "..././.."]
    slashes = ["/", "%2f", "//", "/./", "%2F"]
    for dot, slash in itertools.product(dots, slashes):
        spelled = "".join("%%%02x" % ord(char) if ws.rng.random() < 0.2 else char for char in path)
        yield "/" + slash.join([dot] * ws.rng.choice([1, 1, 2]) + [spelled])
        yield "/" + slash.join([ws.rng.choice(WORDS), dot, dot, spelled])


@public
def test_exploit_of_the_advisory(ws):
    """/....//public-old/keys.txt is not found, and what is in the share is served"""
    site = Site(ws)
    site.build()
    site.answers([("/....//%s/keys.txt" % site.beside, NOT_FOUND)])


@public
def test_upload_with_a_path(ws):
    """store(root, "../x.txt", data) is a bad request and writes nothing; a plain name is stored"""
    site = Site(ws)
    site.build()
    name, data = ws.rng.choice(WORDS) + ".txt", site.token()
    got = ws.calls("fileshare.py", "store", [(site.root, "../" + name, b"x"), (site.root, name, data)])
    assert got == [400, 201], "got %r, expected [400, 201]" % (got,)
    site.holds({"uploads/" + name: data})


def test_dots_in_every_spelling(ws):
    site = Site(ws)
    site.build()
    targets = [*climbing(ws, site.beside + "/keys.txt"), *climbing(ws, "../secret.txt")]
    inside = "/%s/../%s/%s.txt" % (site.share[4:], site.folder, site.page)
    back = ["/..%s" % inside, "/../%s/%s/%s.txt" % (site.share[4:], site.folder, site.page)]
    site.answers([(inside, site.good()[0][1]), *missing(targets), *missing(back)])


def test_decoded_once(ws):
    site = Site(ws)
    names = ["100%25 off.txt", "%2e%2e.txt", "50%2fhalf.txt"]
    for name in names:
        site.add(name, site.token())
    site.build()
    kept = [("/" + name.replace("%", "%25").replace(" ", "%20"), site.served(name)) for name in names]
    twice = ["/%%252e%%252e%%252f%s%%252fkeys.txt" % site.beside, "/%%252e%%252e/%s/keys.txt" % site.beside]
    once = ["/100%25 off.txt", "/%s/%%2525" % site.folder, "/%s%%252f%s.txt" % (site.folder, site.page)]
    site.answers([*kept, *missing(twice + once)])


def test_absolute_paths(ws):
    site = Site(ws)
    site.add("etc/hostname.txt", site.token())
    site.build()
    secret = "/workspace/%s/srv/%s/keys.txt" % (site.base, site.beside)
    slashes = ["/", "%2f", "%2F", "//", "/%2f/"]
    own = "/%s/%s/%s.txt" % (site.root, site.folder, site.page)
    kept = [("/%setc//hostname.txt" % slash, site.served("etc/hostname.txt")) for slash in slashes]
    site.answers([*kept, *missing([own, *("/%s" % slash + secret for slash in slashes), "//etc/passwd"])])


def test_spellings_of_the_root(ws):
    site = Site(ws)
    site.links.append(["current", site.share])
    site.links.append(["srv/" + site.share[4:] + "-link", "../current"])
    site.build()
    root, base = site.root, site.base
    exploits = missing(["/....//%s/keys.txt" % site.beside, "//workspace/%s/secret.txt" % base, "/.env"])
    for spelled in (
        root + "/",
        root[len("/workspace/") :],
        base + "/current",
        root + "-link/",
        root + "/../" + site.share[4:],
    ):
        site.answers(exploits, spelled)


def test_symbolic_links(ws):
    site = Site(ws)
    top = "/workspace/" + site.base
    page = "%s/%s.txt" % (site.folder, site.page)
    site.add(".private/notes.txt", site.secret)
    for path, target in (
        ("latest.txt", page),
        (site.folder + "/top.html", "../index.html"),
        ("absolute.txt", site.root + "/" + page),
        ("again.txt", "latest.txt"),
        ("section", site.folder),
        ("out.txt", "../../secret.txt"),
        ("out_absolute.txt", top + "/secret.txt"),
        ("twice.txt", "out.txt"),
        ("beside", "../" + site.beside),
        (site.folder + "/up", ".."),
        ("way_up", "../.."),
        ("notes.txt", ".private/notes.txt"),
        ("notes", ".private"),
        ("circle.txt", "circle.txt"),
        ("nowhere.txt", "nothing.txt"),
    ):
        site.link(path, target)
    site.build()
    there = ["latest.txt", "absolute.txt", "again.txt", "section/%s.txt" % site.page, "%s/up/%s" % (site.folder, page)]
    kept = [("/" + path, site.served(page)) for path in there]
    kept.append(("/%s/top.html" % site.folder, site.served("index.html", "text/html; charset=utf-8")))
    gone = ["/out.txt", "/out_absolute.txt", "/twice.txt", "/beside/keys.txt", "/way_up/secret.txt"]
    hidden = ["/notes.txt", "/notes/notes.txt", "/circle.txt", "/nowhere.txt"]
    site.answers([*kept, *missing(gone + hidden)])


def test_hidden_files(ws):
    site = Site(ws)
    for path in (".env", ".git/config", site.folder + "/.htpasswd", ".well/known.txt", "..a.txt", ".x/index.html"):
        site.add(path, site.secret)
    plain = [site.folder + "/a.b..txt", "b./c.txt", "d..e/f.txt"]
    for path in plain:
        site.add(path, site.token())
    site.build()
    spelled = ["/.env", "/%2eenv", "/.git/config", "/%2Egit/config", "/a/../.git/./config", "//.well/known.txt"]
    spelled += [
        "/%s/.htpasswd" % site.folder,
        "/%s%%2f.htpasswd" % site.folder,
        "/..a.txt",
        "/.x",
        "/.x/",
        "/.x/../.env",
    ]
    back = "/.git/../%s/%s.txt" % (site.folder, site.page)
    kept = [("/" + path, site.served(path)) for path in plain]
    site.answers([*kept, (back, site.good()[0][1]), *missing(spelled)])


def test_bad_requests(ws):
    site = Site(ws)
    site.add("größe.txt", site.token())
    site.add("a+b.txt", site.token())
    site.build()
    page = "%s/%s.txt" % (site.folder, site.page)
    bad = ["", "?", page, "..", "/%", "/%4", "/%zz", "/" + page + "%", "/%+1%20", "/" + page + "%00", "/%00", "/a\0b"]
    bad += ["/%e4.txt", "/%c0%ae%c0%ae/" + site.beside, "/%ff", "/a\\b", "/..\\" + site.beside, "/%5c..%5Csecret.txt"]
    kept = [("/gr%C3%B6%c3%9fe.txt", site.served("größe.txt")), ("/größe.txt", site.served("größe.txt"))]
    kept += [("/a+b.txt?%zz%00\\", site.served("a+b.txt")), ("/a%2Bb.txt", site.served("a+b.txt"))]
    long = missing(["/" + "a" * 300, "/" + "a/" * 3000])
    site.answers([*kept, *((target, BAD) for target in bad), *long])


def test_what_is_served(ws):
    """Coupled with two of the holes, as it works before."""
    site = Site(ws)
    kinds = {"style.CSS": "text/css; charset=utf-8", "data.json": "application/json", "x.png": "image/png"}
    kinds.update({"blob.bin": "application/octet-stream", "README": "application/octet-stream"})
    for path in kinds:
        site.add("assets dir/" + path, site.token() + b"\0\xff\r\n")
    site.build()
    kept = [("/assets%20dir/" + path, site.served("assets dir/" + path, kind)) for path, kind in kinds.items()]
    index = [site.served("index.html", "text/html; charset=utf-8"), site.good()[1][1]]
    kept += [
        ("/", index[0]),
        ("/?a?b", index[0]),
        ("/" + site.folder, index[1]),
        ("/nothing/..//%s/." % site.folder, index[1]),
    ]
    gone = ["/empty", "/empty/", "/assets dir/", "/index.html/x", "/Index.html"]
    site.answers([*kept, *missing(gone), ("/....//%s/keys.txt" % site.beside, NOT_FOUND), ("/%00", BAD)])


def test_uploaded_names(ws):
    site = Site(ws)
    site.link("uploads/dangling.txt", "../../made.txt")
    site.link("uploads/outside.txt", "../../../secret.txt")
    site.folders.append(site.share + "/uploads/folder")
    site.build()
    names = [
        "..",
        ".",
        "",
        ".htaccess",
        "a/b.txt",
        "/tmp/a.txt",
        "../../x.txt",
        "folder/x.txt",
        "a\\b",
        "..\\x",
        "a\0.txt",
        "a" * 101,
    ]
    taken = ["kept.bin", "dangling.txt", "outside.txt", "folder"]
    plain = ["a..b.txt", "%2e%2e%2fx.txt", "größe 1.txt", "b" * 100, "c~"]
    new = {name: site.token() + b"\0\xff" for name in plain}
    requests = [(name, b"evil", status) for each, status in ((names, 400), (taken, 409)) for name in each]
    requests += [(name, new[name], 201) for name in plain] + [(plain[0], b"again", 409)]
    got = ws.calls("fileshare.py", "store", [(site.root, name, data) for name, data, _ in requests])
    for at, (name, _, status) in enumerate(requests):
        assert got[at] == status, "store(root, %r): got %r, expected %r" % (name, got[at], status)
    site.holds({"uploads/" + name: data for name, data in new.items()})


def packed(entries, link=None):
    """A ZIP file; an entry that ends with a slash is a folder."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = (0o120777 if name == link else 0o40755 if name.endswith("/") else 0o100644) << 16
            info.create_system = 3
            archive.writestr(info, data)
    return buffer.getvalue()


def unpacked(ws, site, requests):
    got = ws.calls("fileshare.py", "unpack", [(site.root, name, archive) for name, archive, _ in requests])
    for at, (name, _, answer) in enumerate(requests):
        assert isinstance(got[at], tuple), "unpack of %r: got %r, expected %r" % (name, got[at], answer)
        assert got[at] == answer, "unpack of %r: got %r, expected %r" % (name, got[at], answer)


def test_archives_that_climb(ws):
    site = Site(ws)
    site.build()
    evil = [
        "../evil.txt",
        "../../evil.txt",
        "../../../evil.txt",
        "a/../../evil.txt",
        "a/../evil.txt",
        "..",
        "../",
        "a/../",
    ]
    evil += [
        "/workspace/%s/evil.txt" % site.base,
        "//evil.txt",
        ".hidden",
        "a/.git/config",
        ".git/",
        "a\\..\\evil.txt",
        "a/./b",
    ]
    requests = []
    for number, name in enumerate(evil):
        entries = [("first.txt", b"1"), (name, b"" if name.endswith("/") else b"evil"), ("last.txt", b"2")]
        ws.rng.shuffle(entries)
        requests.append(("pack%d" % number, packed(entries), (400, [])))
    link = packed([("a.txt", b"a"), ("way", b"../../.."), ("way/evil.txt", b"evil")], link="way")
    good = packed([("b..c/d.txt", b"fine"), ("a.txt", b"too")])
    requests += [("linked", link, (400, [])), ("good", good, (201, ["a.txt", "b..c/d.txt"]))]
    unpacked(ws, site, requests)
    site.folders.append(site.share + "/uploads/good/b..c")
    site.holds({"uploads/good/a.txt": b"too", "uploads/good/b..c/d.txt": b"fine"})


def test_archives_by_name(ws):
    site = Site(ws)
    site.link("uploads/dangling", "../../made")
    site.link("uploads/outside", "../../" + site.beside)
    site.build()
    word, data = ws.rng.choice(WORDS), site.token() + b"\0\xff"
    archive = packed([("docs/", b""), ("docs/%s/x.bin" % word, data), ("void/", b""), ("a.txt", b"a")])
    names = ["", ".", "..", "../x", "../../" + site.beside, "a/b", "/tmp/pack", ".pack", "a\\b", "a\0", "x" * 101]
    requests = [(name, archive, (400, [])) for name in names]
    requests += [(name, archive, (409, [])) for name in ("dangling", "outside", "kept.bin")]
    requests += [("torn", archive[:-30], (400, [])), ("text", b"no archive", (400, [])), ("nothing", b"", (400, []))]
    files = ["a.txt", "docs/%s/x.bin" % word]
    requests += [("pack 1", archive, (201, files)), ("pack 1", archive, (409, [])), ("y" * 100, archive, (201, files))]
    unpacked(ws, site, requests)
    new = {}
    for name in ("pack 1", "y" * 100):
        site.folders.append("%s/uploads/%s/void" % (site.share, name))
        new.update({"uploads/%s/a.txt" % name: b"a", "uploads/%s/docs/%s/x.bin" % (name, word): data})
    site.holds(new)
