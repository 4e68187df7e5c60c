"""Keeps orders in a JSON file."""

import json
import os

VERSION = 1


class OrderStore:
    """Orders in a file ``{"version": 1, "orders": [...]}``, numbered from 1."""

    def __init__(self, path):
        self.path = path

    def all(self):
        """Return all orders; none if there is no file yet."""
        if not os.path.exists(self.path):
            return []
        with open(self.path, encoding="utf-8") as file:
            data = json.load(file)
        if data["version"] != VERSION:
            raise ValueError("%s has version %s, which is not known" % (self.path, data["version"]))
        return data["orders"]

    def get(self, number):
        """Return an order; raise KeyError if there is none of that number."""
        for order in self.all():
            if order["number"] == number:
                return order
        raise KeyError(number)

    def add(self, order):
        """Give an order the next number, store it, and return it."""
        orders = self.all()
        order = {"number": 1 + max([known["number"] for known in orders], default=0), **order}
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump({"version": VERSION, "orders": [*orders, order]}, file, indent=1)
        os.replace(self.path + ".new", self.path)
        return order
