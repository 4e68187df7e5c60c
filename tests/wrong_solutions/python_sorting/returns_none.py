def python_sorting(records, keys):
    for key in reversed(keys):
        records.sort(key=lambda r: r[key.lstrip("-")], reverse=key.startswith("-"))
