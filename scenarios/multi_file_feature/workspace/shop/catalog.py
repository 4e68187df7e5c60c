"""What can be bought."""

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Product:
    """A product; ``price`` is in cents."""

    sku: str
    name: str
    category: str
    price: int


def load_catalog(path):
    """Return the products of a JSON file, by SKU."""
    with open(path, encoding="utf-8") as file:
        return {entry["sku"]: Product(**entry) for entry in json.load(file)}
