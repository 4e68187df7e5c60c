"""What a cart costs."""

from dataclasses import dataclass

SHIPPING = 490
FREE_SHIPPING_FROM = 5000


@dataclass(frozen=True)
class Quote:
    """The price of a cart, in cents."""

    subtotal: int
    shipping: int
    total: int


def quote(cart):
    """Return the price of a cart; from ``FREE_SHIPPING_FROM`` on, shipping is free."""
    subtotal = cart.subtotal()
    if not cart.lines:
        raise ValueError("the cart is empty")
    shipping = 0 if subtotal >= FREE_SHIPPING_FROM else SHIPPING
    return Quote(subtotal=subtotal, shipping=shipping, total=subtotal + shipping)
