CREATE TABLE customers (
    customer_id TEXT PRIMARY KEY,
    name TEXT NOT NULL CHECK (name <> ''),
    email TEXT NOT NULL CHECK (email = lower(email)),
    country TEXT NOT NULL CHECK (length(country) = 2),
    updated_on TEXT NOT NULL CHECK (updated_on = date(updated_on))
);

CREATE TABLE products (
    sku TEXT PRIMARY KEY,
    title TEXT NOT NULL CHECK (title <> ''),
    price_cents INTEGER NOT NULL CHECK (typeof(price_cents) = 'integer' AND price_cents >= 0)
);

CREATE TABLE orders (
    order_id INTEGER PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customers (customer_id),
    sku TEXT NOT NULL REFERENCES products (sku),
    quantity INTEGER NOT NULL CHECK (typeof(quantity) = 'integer' AND quantity BETWEEN 1 AND 999),
    ordered_on TEXT NOT NULL CHECK (ordered_on = date(ordered_on)),
    status TEXT NOT NULL CHECK (status IN ('paid', 'open', 'refunded'))
);

CREATE TABLE rejects (
    file TEXT NOT NULL,
    row INTEGER NOT NULL CHECK (row >= 1),
    reason TEXT NOT NULL,
    PRIMARY KEY (file, row)
);
