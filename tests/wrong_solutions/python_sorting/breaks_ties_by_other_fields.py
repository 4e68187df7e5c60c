def python_sorting(records, keys):
    out = sorted(records, key=lambda r: list(r.values()))
    for key in reversed(keys):
        out.sort(key=lambda r: r[key.lstrip("-")], reverse=key.startswith("-"))
    return out
