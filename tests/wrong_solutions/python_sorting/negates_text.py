def python_sorting(records, keys):
    return sorted(records, key=lambda r: [-r[key[1:]] if key[0] == "-" else r[key] for key in keys])
