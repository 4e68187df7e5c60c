"""Draws an inbox in which every rule of the prompt matters."""

FOLDERS = ["", "Bob", "Bob/Downloads", "Bob/old laptop/misc", "alice", "alice/Desktop", "alice/Documents", "carla/2023"]
WORDS = [
    *(
        "amber",
        "anchor",
        "basil",
        "cedar",
        "cobalt",
        "copper",
        "delta",
        "ember",
        "falcon",
        "garnet",
        "harbor",
        "indigo",
    ),
    *("jasper", "juniper", "kestrel", "lagoon", "linen", "maple", "marble", "meadow", "nectar", "nickel", "ocean"),
    *("olive", "onyx", "opal", "orchid", "pebble", "pepper", "quartz", "raven", "saffron", "sage", "sierra", "slate"),
    *("spruce", "summit", "tansy", "teal", "thistle", "timber", "topaz", "tulip", "umber", "velvet", "walnut", "zinc"),
]
EXTENSIONS = [
    *("pdf", "doc", "docx", "odt", "txt", "md", "jpg", "png", "gif", "webp", "csv", "tsv"),
    *("json", "xml", "zip", "7z", "gz", "tgz", "tar", "py", "ics", "log"),
]
DASHES, UNDERSCORES, NOTHING = "{:04}-{:02}-{:02}", "{:04}_{:02}_{:02}", "{:04}{:02}{:02}"


class Inbox:
    """Files with what they are there for; no two paths, and no two contents unless asked for."""

    def __init__(self, rng):
        self.rng = rng
        self.files = []  # (path, contents, what it is there for)
        self.stems = set()

    def stem(self):
        while True:
            stem = "-".join(self.rng.sample(WORDS, 2))
            if stem not in self.stems:
                self.stems.add(stem)
                return stem

    def extension(self):
        return self.rng.choice(EXTENSIONS)

    def day(self):
        return self.rng.randint(2000, 2039), self.rng.randint(1, 12), self.rng.randint(1, 28)

    def contents(self):
        words = " ".join(self.rng.choice(WORDS) for _ in range(self.rng.randint(3, 40)))
        return f"{self.rng.getrandbits(48):012x} {words}\n".encode()

    def put(self, why, name, folder=None, data=None):
        folder = self.rng.choice(FOLDERS) if folder is None else folder
        path = f"{folder}/{name}" if folder else name
        self.files.append((path, self.contents() if data is None else data, why))


def plain(inbox):
    for extension in EXTENSIONS:
        inbox.put("plain", f"{inbox.stem()}.{extension}")
    inbox.put("plain", f".{inbox.stem()}")
    inbox.put("plain", inbox.stem())
    inbox.put("plain", f"{inbox.stem()}.tar.gz")
    inbox.put("plain", f"{inbox.stem()}.pdf.py")


def dated(inbox):
    for shape in (DASHES, UNDERSCORES, NOTHING):
        inbox.put("dated", f"{inbox.stem()}-{shape.format(*inbox.day())}.{inbox.extension()}")
        inbox.put("dated", f"{shape.format(*inbox.day())}_{inbox.stem()}.{inbox.extension()}")
        inbox.put("dated", f"v{shape.format(*inbox.day())}{inbox.stem()}.{inbox.extension()}")
    inbox.put("dated", f"img_{NOTHING.format(*inbox.day())}_120000.jpg")
    inbox.put("dated", f"{inbox.stem()}-{DASHES.format(*inbox.day())}-to-{NOTHING.format(*inbox.day())}.csv")
    inbox.put("dated", f"{inbox.stem()} ({'{:04} {:02} {:02}'.format(*inbox.day())}).md")  # a date once it is clean
    inbox.put("dated", f"backup.{DASHES.format(*inbox.day())}")


def lookalikes(inbox):
    year, month, date = inbox.day()
    no_leap_year = inbox.rng.choice([2001, 2003, 2009, 2021, 2023, 2026])
    for text in (
        f"{year}-02-30",
        DASHES.format(year, inbox.rng.randint(13, 19), date),
        NOTHING.format(year, month, 0),
        f"{no_leap_year}-02-29",
        "1" + NOTHING.format(year, month, date),
        NOTHING.format(year, month, date) + "0815",
        f"{year}-{month:02}_{date:02}",
        f"{year}-{month:02}{date:02}",
        DASHES.format(1999, month, date),
        NOTHING.format(2040, month, date),
        f"{year}-{inbox.rng.randint(1, 9)}-{inbox.rng.randint(1, 9)}",
        f"{year}-{month:02}",
    ):
        inbox.put("lookalike", f"{inbox.stem()}-{text}.{inbox.extension()}")
    inbox.put("lookalike", f"{inbox.stem()}-2024-02-29.txt")
    inbox.put("lookalike", f"2023-06-31-{inbox.stem()}-{UNDERSCORES.format(year, month, date)}.pdf")


def odd_names(inbox):
    for shape in (
        "{} Final Draft.PDF",
        "Re: {}, second (2).docx",
        "Café {} – größer.Txt",
        "{} & Söhne!!.csv",
        "{}__x  y.PNG",
        "HOLIDAY {}.jpeg",
        "{}.jpeg.JPEG",
        '{} 20190704, "Q3".Xml',
        "Ω{}#1.TAR.GZ",
        "-{}+.ZIP",
        "{} v1.0.Makefile",
    ):
        inbox.put("name", shape.format(inbox.stem()))


def duplicates(inbox):
    for _ in range(3):  # the same name, at different depths; the shortest path is not the first one
        data, stem = inbox.contents(), inbox.stem()
        for folder in inbox.rng.sample(["Bob/old laptop/misc", "alice/Documents", "zoe"], inbox.rng.randint(2, 3)):
            inbox.put("duplicate", f"{stem}.pdf", folder, data)
    for folders in (["carla/2023", "carla/2022"], ["alice/Desktop", "Bob/Downloads"]):  # equally long paths
        data, stem = inbox.contents(), inbox.stem()
        for folder in folders:
            inbox.put("duplicate", f"{stem}.md", folder, data)
    for _ in range(2):  # other names, extensions and dates
        data, stem = inbox.contents(), inbox.stem()
        inbox.put("duplicate", f"{stem}-{DASHES.format(*inbox.day())}.txt", "alice", data)
        inbox.put("duplicate", f"Copy of {stem}.csv", "alice", data)
        inbox.put("duplicate", f"{stem}.csv", "Bob/Downloads", data)
    data, stem = inbox.contents(), inbox.stem()  # the same name and size, but other contents
    inbox.put("duplicate", f"{stem}.json", "alice", data)
    inbox.put("duplicate", f"{stem}.json", "carla", data[::-1])


def collisions(inbox):
    for shapes in (
        ["{}.pdf", "{}.PDF", "{}.pdf"],
        ["{}.jpeg", "{}.jpg", "{}.JPG", "{}.jpg"],
        ["{} a.txt", "{}_a.txt", "{}+a.TXT"],
        ["{}-20240310.tar.gz", "{}-20240310.tar.gz"],
        ["{}", "{}"],
        [".{}", ".{}"],
    ):
        stem = inbox.stem()
        for number, folder in enumerate(inbox.rng.sample(FOLDERS, len(shapes))):
            inbox.put("collision", shapes[number].format(stem), folder)
    for places in (  # names that look as if they had been numbered already
        [("Bob", "{}.png"), ("alice", "{}-2.png"), ("carla", "{}.png"), ("zoe", "{}-2.png")],
        [("Bob", "{}-2.md"), ("alice", "{}.md"), ("carla", "{}.md")],
    ):
        stem = inbox.stem()
        for folder, shape in places:
            inbox.put("collision", shape.format(stem), folder)


def junk(inbox):
    inbox.put("junk", ".DS_Store", "alice")
    inbox.put("junk", ".DS_Store", "")
    inbox.put("junk", "Thumbs.db", "Bob/Downloads")
    inbox.put("junk", f"{inbox.stem()}.tmp")
    inbox.put("junk", f"{inbox.stem()}.mp4.part")
    inbox.put("junk", f"{inbox.stem()}.txt", None, b"")
    inbox.put("junk", inbox.stem(), None, b"")
    stem, data = inbox.stem(), inbox.contents()
    inbox.put("junk", f"~${stem}.docx", "", data)  # the shortest path of these contents, but junk
    inbox.put("junk", f"{stem}.docx", "alice/Documents", data)
    for name in ("thumbs.db", f"{inbox.stem()}.tmp.txt", f"{inbox.stem()}.TMP", f"a~${inbox.stem()}"):
        inbox.put("junk", name, "carla")  # no junk


def bundles(inbox):
    twice = inbox.contents()
    for folder in ("Bob/Site Backup", "alice/Desktop/site_backup", f"carla/{inbox.stem()} (v2.0).jpeg"):
        inbox.put("bundle", ".keep-together", folder, b"")
        inbox.put("bundle", "Index Page.HTML", folder)
        inbox.put("bundle", "empty.txt", folder, b"")
        inbox.put("bundle", "Thumbs.db", f"{folder}/img")
        inbox.put("bundle", "Logo 2024-01-05.PNG", f"{folder}/img", twice)
        inbox.put("bundle", "copy.png", f"{folder}/img/deep er", twice)
    inbox.put("bundle", f"{inbox.stem()}-that-is-in-bundles-as-well.png", "Bob/old laptop/misc", twice)


def records(rng):
    """Return ``(path, contents, why)`` of every file."""
    inbox = Inbox(rng)
    for part in (plain, dated, lookalikes, odd_names, duplicates, collisions, junk, bundles):
        part(inbox)
    return inbox.files


def files(rng):
    return {f"inbox/{path}": data for path, data, _ in records(rng)}
