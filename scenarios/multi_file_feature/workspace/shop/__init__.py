"""A small shop: a catalog, carts, prices, orders and their receipts."""

__version__ = "1.4.0"
