def python_sorting(records, keys):
    out = list(records)
    for key in keys:
        out.sort(key=lambda r: r[key.lstrip("-")], reverse=key[0] == "-")
    return out
