"""Reports on what the warehouse shipped, and what it cost.

The warehouse's export has a line ``ident;zone;grams;value;express`` for each shipment; empty lines
and lines that begin with ``#`` mean nothing. ``value`` and all costs are in cents.
"""


def text_report(lines):
    """Return the report as plain text."""
    rows = []
    number = 0
    for line in lines:
        number += 1
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        parts = [part.strip() for part in line.split(";")]
        if len(parts) != 5:
            raise ValueError("line %d: expected 5 fields, got %d" % (number, len(parts)))
        if not parts[0]:
            raise ValueError("line %d: no ident" % number)
        zone = parts[1].upper()
        if zone not in ("A", "B", "C"):
            raise ValueError("line %d: unknown zone %r" % (number, parts[1]))
        try:
            grams = int(parts[2])
            value = int(parts[3])
        except ValueError:
            raise ValueError("line %d: grams and value must be whole numbers" % number)
        if grams < 1 or value < 0:
            raise ValueError("line %d: grams or value out of range" % number)
        express = parts[4].lower() in ("y", "yes", "1")
        kilos = (grams + 999) // 1000
        if zone == "A":
            cost = 490 + (kilos - 1) * 85
        elif zone == "B":
            cost = 890 + (kilos - 1) * 145
        else:
            cost = 1690 + (kilos - 1) * 310
        if express:
            cost = cost * 3 // 2 + 250
        if value > 50000:
            cost += (value - 50000) // 100
        rows.append((parts[0], zone, kilos, express, cost))
    rows.sort(key=lambda row: (row[1], -row[4], row[0]))
    out = "SHIPMENTS\n"
    total = 0
    count = 0
    for zone in ("A", "B", "C"):
        zone_total = 0
        zone_count = 0
        for row in rows:
            if row[1] != zone:
                continue
            money = "%d.%02d" % (row[4] // 100, row[4] % 100)
            mark = "!" if row[3] else ""
            out += ("%-12s %4d kg %10s %s" % (row[0], row[2], money, mark)).rstrip() + "\n"
            zone_total += row[4]
            zone_count += 1
        if zone_count == 0:
            continue
        money = "%d.%02d" % (zone_total // 100, zone_total % 100)
        if zone_count == 1:
            out += "  zone %s: 1 shipment, %s\n" % (zone, money)
        else:
            out += "  zone %s: %d shipments, %s\n" % (zone, zone_count, money)
        total += zone_total
        count += zone_count
    if count == 0:
        out += "nothing shipped\n"
    else:
        money = "%d.%02d" % (total // 100, total % 100)
        if count == 1:
            out += "total: 1 shipment, %s\n" % money
        else:
            out += "total: %d shipments, %s\n" % (count, money)
    return out


def csv_report(lines):
    """Return the report as comma-separated values."""
    rows = []
    number = 0
    for line in lines:
        number += 1
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        parts = [part.strip() for part in line.split(";")]
        if len(parts) != 5:
            raise ValueError("line %d: expected 5 fields, got %d" % (number, len(parts)))
        if not parts[0]:
            raise ValueError("line %d: no ident" % number)
        zone = parts[1].upper()
        if zone not in ("A", "B", "C"):
            raise ValueError("line %d: unknown zone %r" % (number, parts[1]))
        try:
            grams = int(parts[2])
            value = int(parts[3])
        except ValueError:
            raise ValueError("line %d: grams and value must be whole numbers" % number)
        if grams < 1 or value < 0:
            raise ValueError("line %d: grams or value out of range" % number)
        express = parts[4].lower() in ("y", "yes", "1")
        kilos = (grams + 999) // 1000
        if zone == "A":
            cost = 490 + (kilos - 1) * 85
        elif zone == "B":
            cost = 890 + (kilos - 1) * 145
        else:
            cost = 1690 + (kilos - 1) * 310
        if express:
            cost = cost * 3 // 2 + 250
        if value > 50000:
            cost += (value - 50000) // 100
        rows.append((parts[0], zone, kilos, express, cost))
    rows.sort(key=lambda row: (row[1], -row[4], row[0]))
    out = "ident,zone,kg,express,cost\n"
    total = 0
    for zone in ("A", "B", "C"):
        zone_total = 0
        zone_count = 0
        for row in rows:
            if row[1] != zone:
                continue
            money = "%d.%02d" % (row[4] // 100, row[4] % 100)
            ident = row[0]
            if "," in ident or '"' in ident:
                ident = '"' + ident.replace('"', '""') + '"'
            mark = "yes" if row[3] else "no"
            out += "%s,%s,%d,%s,%s\n" % (ident, zone, row[2], mark, money)
            zone_total += row[4]
            zone_count += 1
        if zone_count == 0:
            continue
        money = "%d.%02d" % (zone_total // 100, zone_total % 100)
        out += "subtotal,%s,,,%s\n" % (zone, money)
        total += zone_total
    money = "%d.%02d" % (total // 100, total % 100)
    out += "total,,,,%s\n" % money
    return out


def html_report(lines):
    """Return the report as an HTML table."""
    rows = []
    number = 0
    for line in lines:
        number += 1
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        parts = [part.strip() for part in line.split(";")]
        if len(parts) != 5:
            raise ValueError("line %d: expected 5 fields, got %d" % (number, len(parts)))
        if not parts[0]:
            raise ValueError("line %d: no ident" % number)
        zone = parts[1].upper()
        if zone not in ("A", "B", "C"):
            raise ValueError("line %d: unknown zone %r" % (number, parts[1]))
        try:
            grams = int(parts[2])
            value = int(parts[3])
        except ValueError:
            raise ValueError("line %d: grams and value must be whole numbers" % number)
        if grams < 1 or value < 0:
            raise ValueError("line %d: grams or value out of range" % number)
        express = parts[4].lower() in ("y", "yes", "1")
        kilos = (grams + 999) // 1000
        if zone == "A":
            cost = 490 + (kilos - 1) * 85
        elif zone == "B":
            cost = 890 + (kilos - 1) * 145
        else:
            cost = 1690 + (kilos - 1) * 310
        if express:
            cost = cost * 3 // 2 + 250
        if value > 50000:
            cost += (value - 50000) // 100
        rows.append((parts[0], zone, kilos, express, cost))
    rows.sort(key=lambda row: (row[1], -row[4], row[0]))
    out = "<table>\n"
    total = 0
    for zone in ("A", "B", "C"):
        zone_total = 0
        zone_count = 0
        for row in rows:
            if row[1] != zone:
                continue
            money = "%d.%02d" % (row[4] // 100, row[4] % 100)
            ident = row[0].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            mark = ' class="express"' if row[3] else ""
            out += "<tr%s><td>%s</td><td>%s</td><td>%d</td><td>%s</td></tr>\n" % (mark, ident, zone, row[2], money)
            zone_total += row[4]
            zone_count += 1
        if zone_count == 0:
            continue
        money = "%d.%02d" % (zone_total // 100, zone_total % 100)
        out += '<tr class="subtotal"><td>%s</td><td>%d</td><td>%s</td></tr>\n' % (zone, zone_count, money)
        total += zone_total
    money = "%d.%02d" % (total // 100, total % 100)
    out += '<tr class="total"><td>%s</td></tr>\n' % money
    out += "</table>\n"
    return out
