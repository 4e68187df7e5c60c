import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from shop.cart import Cart
from shop.catalog import Product
from shop.orders import place_order
from shop.pricing import quote
from shop.receipt import render
from shop.storage import OrderStore

BOOK = Product("B", "Book", "books", 2000)


class TestShop(unittest.TestCase):
    def cart(self, quantity):
        cart = Cart()
        cart.add(BOOK, quantity)
        return cart

    def test_shipping(self):
        self.assertEqual(quote(self.cart(2)).total, 4490)
        self.assertEqual(quote(self.cart(3)).total, 6000)

    def test_order(self):
        with tempfile.TemporaryDirectory() as folder:
            store = OrderStore(folder + "/orders.json")
            order = place_order(store, self.cart(1), " Ann ")
            self.assertEqual(store.get(1), order)
            self.assertIn("Order 1 for Ann\n", render(order))


if __name__ == "__main__":
    unittest.main()
