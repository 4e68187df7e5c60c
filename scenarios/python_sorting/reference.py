from typing import Any


def python_sorting(records: list[dict[str, Any]], keys: list[str]) -> list[dict[str, Any]]:
    in_order = list(records)
    for key in reversed(keys):
        name = key.removeprefix("-")
        in_order.sort(key=lambda record: record[name], reverse=key.startswith("-"))
    return in_order
