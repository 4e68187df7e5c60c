def python_sorting(records, keys):
    out = list(records)
    for key in reversed(keys):
        name = key.lstrip("-")
        out.sort(key=lambda r: r[name].lower() if isinstance(r[name], str) else r[name], reverse=key != name)
    return out
