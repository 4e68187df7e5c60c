set -e
python3 -I - <<'PYTHON'
import json, sqlite3
base = sqlite3.connect("billing.db")
base.executescript(open("schema.sql").read())
for table, rows in json.load(open("rows.json")).items():
    base.executemany("INSERT INTO %s VALUES (%s)" % (table, ", ".join("?" * len(rows[0]))), rows)
base.commit()
PYTHON
rm rows.json
