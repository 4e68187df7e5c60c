def python_sorting(records, keys):
    names = [key.lstrip("-") for key in keys]
    return sorted(
        records,
        key=lambda r: tuple(r[name] for name in names),
        reverse=any(key.startswith("-") for key in keys),
    )
