"""Run a query on the database and print its rows: show.py QUERY.sql [DATABASE]."""

import sqlite3
import sys

with open(sys.argv[1]) as file:
    query = file.read()
base = sqlite3.connect("file:%s?mode=ro" % (sys.argv[2] if len(sys.argv) > 2 else "billing.db"), uri=True)
cursor = base.execute(query)
print(*(column[0] for column in cursor.description), sep="|")
for row in cursor:
    print(*("NULL" if value is None else value for value in row), sep="|")
