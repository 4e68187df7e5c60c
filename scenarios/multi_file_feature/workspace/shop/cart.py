"""What somebody is about to buy."""


class Cart:
    """Products and how many of each, in the order they were added."""

    def __init__(self):
        self.lines = []

    def add(self, product, quantity=1):
        """Add a product; more of one that is there make its line longer."""
        if quantity < 1:
            raise ValueError("quantity must be at least 1")
        for index, (known, count) in enumerate(self.lines):
            if known == product:
                self.lines[index] = (known, count + quantity)
                return
        self.lines.append((product, quantity))

    def subtotal(self):
        """Return what the products cost, in cents."""
        return sum(product.price * quantity for product, quantity in self.lines)
