"""Groups what is there: no months without invoices, no empty buckets, no cohorts without events."""

import runpy
from pathlib import Path

QUERIES = dict(runpy.run_path(str(Path(__file__).parents[1] / "solve.py"))["QUERIES"])
QUERIES["monthly_invoiced"] = """
WITH sums AS (
    SELECT substr(issued_on, 1, 7) AS month, sum(amount_cents) AS invoiced_cents FROM invoices GROUP BY month
)
SELECT month, invoiced_cents, invoiced_cents - lag(invoiced_cents) OVER (ORDER BY month) AS change_cents,
       sum(invoiced_cents) OVER (ORDER BY month) AS running_cents
FROM sums ORDER BY month
"""
QUERIES["aging"] = QUERIES["aging"].replace("LEFT JOIN", "JOIN")
QUERIES["cohort_retention"] = """
SELECT substr(a.signed_up_on, 1, 7) AS cohort, count(DISTINCT a.id) AS size,
       count(DISTINCT CASE WHEN substr(e.at, 1, 7) = substr(date(a.signed_up_on, '+1 month'), 1, 7) THEN a.id END)
           AS month_1,
       count(DISTINCT CASE WHEN substr(e.at, 1, 7) = substr(date(a.signed_up_on, '+2 month'), 1, 7) THEN a.id END)
           AS month_2,
       count(DISTINCT CASE WHEN substr(e.at, 1, 7) = substr(date(a.signed_up_on, '+3 month'), 1, 7) THEN a.id END)
           AS month_3
FROM accounts a JOIN events e ON e.account_id = a.id GROUP BY cohort ORDER BY cohort
"""


def solve():
    for name, query in QUERIES.items():
        yield {"name": "write_file", "arguments": {"path": f"queries/{name}.sql", "content": query}}
    yield {"name": "submit", "arguments": {}}
