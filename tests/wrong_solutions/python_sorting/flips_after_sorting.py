def python_sorting(records, keys):
    out = list(records)
    for key in reversed(keys):
        out = sorted(out, key=lambda r: r[key.lstrip("-")])
        if key.startswith("-"):
            out = out[::-1]
    return out
