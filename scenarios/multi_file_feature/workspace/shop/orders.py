"""Orders: what was bought, by whom, and for how much."""

from shop.pricing import quote


def place_order(store, cart, customer):
    """Price a cart, store it as an order, and return the order (a dict)."""
    if not customer.strip():
        raise ValueError("the customer has no name")
    price = quote(cart)
    order = {
        "customer": customer.strip(),
        "lines": [[product.sku, product.name, quantity, product.price] for product, quantity in cart.lines],
        "subtotal": price.subtotal,
        "shipping": price.shipping,
        "total": price.total,
    }
    return store.add(order)
