"""Looks at the database, writes the queries, tries them."""

QUERIES = {
    "monthly_invoiced": """
WITH RECURSIVE
bounds AS (SELECT min(issued_on) AS first, max(issued_on) AS last FROM invoices),
months(day) AS (
    SELECT date(first, 'start of month') FROM bounds WHERE first IS NOT NULL
    UNION ALL
    SELECT date(day, '+1 month') FROM months, bounds WHERE date(day, '+1 month') <= last
),
sums AS (
    SELECT substr(day, 1, 7) AS month,
           (SELECT coalesce(sum(amount_cents), 0) FROM invoices WHERE substr(issued_on, 1, 7) = substr(day, 1, 7))
               AS invoiced_cents
    FROM months
)
SELECT month, invoiced_cents,
       invoiced_cents - lag(invoiced_cents) OVER (ORDER BY month) AS change_cents,
       sum(invoiced_cents) OVER (ORDER BY month) AS running_cents
FROM sums ORDER BY month;
""",
    "cohort_retention": """
WITH active AS (
    SELECT DISTINCT a.id,
           (substr(e.at, 1, 4) - substr(a.signed_up_on, 1, 4)) * 12
           + substr(e.at, 6, 2) - substr(a.signed_up_on, 6, 2) AS after
    FROM accounts a JOIN events e ON e.account_id = a.id
)
SELECT substr(a.signed_up_on, 1, 7) AS cohort, count(*) AS size,
       sum(EXISTS (SELECT 1 FROM active WHERE active.id = a.id AND after = 1)) AS month_1,
       sum(EXISTS (SELECT 1 FROM active WHERE active.id = a.id AND after = 2)) AS month_2,
       sum(EXISTS (SELECT 1 FROM active WHERE active.id = a.id AND after = 3)) AS month_3
FROM accounts a GROUP BY cohort ORDER BY cohort;
""",
    "top_payers": """
WITH paid AS (
    SELECT a.country, a.id AS account_id, a.name, sum(i.amount_cents) AS paid_cents
    FROM accounts a JOIN invoices i ON i.account_id = a.id
    WHERE i.paid_on IS NOT NULL
    GROUP BY a.id
),
ranked AS (SELECT *, rank() OVER (PARTITION BY country ORDER BY paid_cents DESC) AS rank FROM paid)
SELECT country, rank, account_id, name, paid_cents FROM ranked WHERE rank <= 3 ORDER BY country, rank, account_id;
""",
    "sessions": """
WITH stamped AS (SELECT account_id, CAST(strftime('%s', at) AS INTEGER) AS second FROM events),
begun AS (
    SELECT account_id, second,
           coalesce(second - lag(second) OVER (PARTITION BY account_id ORDER BY second) > 1800, 1) AS begins
    FROM stamped
),
numbered AS (
    SELECT account_id, second,
           sum(begins) OVER (PARTITION BY account_id ORDER BY second ROWS UNBOUNDED PRECEDING) AS session
    FROM begun
),
whole AS (
    SELECT account_id, count(*) AS events, max(second) - min(second) AS seconds
    FROM numbered GROUP BY account_id, session
)
SELECT account_id, count(*) AS sessions, sum(events) AS events, max(seconds) AS longest_seconds
FROM whole GROUP BY account_id ORDER BY account_id;
""",
    "streaks": """
WITH days AS (SELECT DISTINCT account_id, date(at) AS day FROM events),
islands AS (
    SELECT account_id, day,
           CAST(julianday(day) AS INTEGER) - row_number() OVER (PARTITION BY account_id ORDER BY day) AS island
    FROM days
),
runs AS (
    SELECT account_id, count(*) AS days, min(day) AS first_day, max(day) AS last_day
    FROM islands GROUP BY account_id, island
),
best AS (
    SELECT *, row_number() OVER (PARTITION BY account_id ORDER BY days DESC, first_day) AS place FROM runs
)
SELECT account_id, days, first_day, last_day FROM best WHERE place = 1 ORDER BY account_id;
""",
    "days_to_pay": """
WITH waits AS (
    SELECT a.country, julianday(i.paid_on) - julianday(i.issued_on) AS days
    FROM invoices i JOIN accounts a ON a.id = i.account_id
    WHERE i.paid_on IS NOT NULL
),
placed AS (
    SELECT country, days, row_number() OVER (PARTITION BY country ORDER BY days) AS place,
           count(*) OVER (PARTITION BY country) AS total
    FROM waits
)
SELECT country, total AS paid_invoices, avg(days) AS median_days
FROM placed WHERE place IN ((total + 1) / 2, (total + 2) / 2)
GROUP BY country ORDER BY median_days DESC, country;
""",
    "aging": """
WITH latest AS (SELECT max(issued_on) AS day FROM invoices),
ages AS (
    SELECT julianday(day) - julianday(issued_on) AS age, amount_cents FROM invoices, latest WHERE paid_on IS NULL
),
buckets(bucket, low, high) AS (VALUES ('0-30', 0, 30), ('31-60', 31, 60), ('61+', 61, 1000000))
SELECT bucket, count(age) AS invoices, coalesce(sum(amount_cents), 0) AS cents
FROM buckets LEFT JOIN ages ON age BETWEEN low AND high
GROUP BY bucket ORDER BY low;
""",
}


def solve():
    """Yield one action per turn; receive what the environment answered."""
    seen = yield {"name": "bash", "arguments": {"command": "cat schema.sql show.py; ls -la . queries"}}
    assert "billing.db" in seen
    for name, query in QUERIES.items():
        yield {"name": "write_file", "arguments": {"path": f"queries/{name}.sql", "content": query.lstrip()}}
        seen = yield {"name": "bash", "arguments": {"command": f"python3 show.py queries/{name}.sql | sed -n 1,8p"}}
        assert "|" in seen
        assert "Error" not in seen
    yield {"name": "run_tests", "arguments": {}}
    yield {"name": "submit", "arguments": {}}
