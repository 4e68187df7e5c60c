import io
import os
import sys
import tempfile
import unittest
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

import fileshare


class TestFileshare(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = os.path.join(folder.name, "public")
        os.makedirs(os.path.join(self.root, "uploads"))
        for name, data in (("index.html", b"<h1>hello</h1>"), ("a b.txt", b"text")):
            with open(os.path.join(self.root, name), "wb") as file:
                file.write(data)

    def test_a_file(self):
        answer = fileshare.respond(self.root, "/a%20b.txt?download=1")
        self.assertEqual(answer, (200, "text/plain; charset=utf-8", b"text"))

    def test_the_index_of_a_folder(self):
        self.assertEqual(fileshare.respond(self.root, "/"), (200, "text/html; charset=utf-8", b"<h1>hello</h1>"))

    def test_no_such_file(self):
        self.assertEqual(fileshare.respond(self.root, "/c.txt"), fileshare.refuse(404))

    def test_upload(self):
        self.assertEqual(fileshare.store(self.root, "new.bin", b"\0\1"), 201)
        self.assertEqual(fileshare.store(self.root, "new.bin", b"\2"), 409)
        self.assertEqual(fileshare.respond(self.root, "/uploads/new.bin")[2], b"\0\1")

    def test_archive(self):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("docs/b.txt", "b")
            archive.writestr("a.txt", "a")
        self.assertEqual(fileshare.unpack(self.root, "pack", buffer.getvalue()), (201, ["a.txt", "docs/b.txt"]))
        self.assertEqual(fileshare.respond(self.root, "/uploads/pack/docs/b.txt")[2], b"b")


if __name__ == "__main__":
    unittest.main()
