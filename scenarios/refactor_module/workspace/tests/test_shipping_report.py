import os
import sys
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, ROOT)

import shipping_report

TEXT = """\
SHIPMENTS
K-1003          3 kg      12.40 !
K-1006          3 kg       6.60
K-1001          1 kg       4.90
  zone A: 3 shipments, 23.90
K-1002         12 kg      47.76 !
K-1005          1 kg      15.85 !
  zone B: 2 shipments, 63.61
"Q, R & S"     32 kg     113.00
  zone C: 1 shipment, 113.00
total: 6 shipments, 200.51
"""


class TestReports(unittest.TestCase):
    def setUp(self):
        with open(os.path.join(ROOT, "export.txt")) as file:
            self.lines = file.readlines()

    def test_text(self):
        self.assertEqual(shipping_report.text_report(self.lines), TEXT)

    def test_csv(self):
        rows = shipping_report.csv_report(self.lines).splitlines()
        self.assertEqual(rows[1], "K-1003,A,3,yes,12.40")
        self.assertEqual(rows[8], '"""Q, R & S""",C,32,no,113.00')
        self.assertEqual(rows[-1], "total,,,,200.51")

    def test_html(self):
        self.assertIn("<td>\"Q, R &amp; S\"</td><td>C</td>", shipping_report.html_report(self.lines))

    def test_bad_line(self):
        with self.assertRaisesRegex(ValueError, "^line 2: unknown zone 'x'$"):
            shipping_report.text_report(["# nothing", "K-1;x;1;1;n"])


if __name__ == "__main__":
    unittest.main()
