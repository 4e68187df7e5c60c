CREATE TABLE accounts (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    country TEXT NOT NULL,
    signed_up_on TEXT NOT NULL
);

CREATE TABLE invoices (
    id INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    issued_on TEXT NOT NULL,
    amount_cents INTEGER NOT NULL,
    paid_on TEXT
);

CREATE TABLE events (
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    at TEXT NOT NULL
);

CREATE INDEX events_of_account ON events (account_id, at);
