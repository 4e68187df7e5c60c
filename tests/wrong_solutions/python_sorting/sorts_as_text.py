def python_sorting(records, keys):
    out = list(records)
    for key in reversed(keys):
        out.sort(key=lambda r: str(r[key.lstrip("-")]), reverse=key.startswith("-"))
    return out
