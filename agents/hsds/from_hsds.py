"""From HSDS organizations to forms of services, as `service --from` takes them.

Nothing is guessed. What a form must have and the file does not say is taken from the person's own word (`assumed`), and
told; without one the service is left out, and it is told why.
"""
import datetime

from node import Node, NotThis, Report, shown
from terms import (AGE_MAX, KEYS, LISTS, TAXONOMIES, allowed, description_of, is_uuid, status_of)

SPOKEN = ("voice", "cell")
ASSUMABLE = ("group", *LISTS)
VALUES = ("number", "index", "capacity_valid_until", "capacity_unit", "capacity_maximum", "capacity_updated")


def keep(key, found, report):
    """Of [(path, value)] what a form may hold, in their order; all else is told."""
    good, most, words = LISTS[key]
    kept = []
    for path, value in found:
        if not good(value):
            report.refused(path, value, words)
        elif value in kept:
            report.refused(path, value, "stands twice")
        elif len(kept) == most:
            report.refused(path, value, f"a form has at most {most}")
        else:
            kept.append(value)
    return kept


class Attributes:
    """The attributes of one object that are of our taxonomies and belong there; the others are told. `values` are those
    without a field that this object can have."""

    def __init__(self, node, *keys, values=()):
        self.found = []  # (key, code, value, path)
        self.belongs = lambda key, code: key in keys or (key == "value" and code in values)
        for one in node.nodes("attributes"):
            self.read(one)

    def read(self, node):
        path, report, inner, value = node.path, node.report, node.node("taxonomy_term"), node.text("value")
        code, taxonomy = read_term(inner) if inner else (None, None)
        key = KEYS.get(taxonomy)
        if code is None or not self.belongs(key, code) or (value is None) == (key == "value"):
            report.unmapped(path, f"{shown(code)} of {shown(taxonomy)}")
            return
        if key == "value" and self.value(code)[0]:
            report.refused(path, value, f"there is one {code} already")
            return
        self.found.append((key, code, value, f"{path}.{'value' if value else 'taxonomy_term.code'}"))
        for name in ("id", "link_id", "link_type", "link_entity", "taxonomy_term_id"):
            node.left.pop(name, None)
        node.close()

    def codes(self, key):
        return [(path, code) for found, code, _, path in self.found if found == key]

    def value(self, code):
        """(path, text) of a value that has no field, or (None, None)."""
        for key, found, value, path in self.found:
            if key == "value" and found == code:
                return path, value
        return None, None

    def state(self, report, *codes):
        """These are known, and no form has them."""
        for key, code, _, path in self.found:
            if (code if key == "value" else key) in codes:
                report.states(f"{path} ({code if key == 'value' else key})")


def read_term(node):
    """(code, name of the taxonomy). All else says what a code means, and of our own we know that."""
    detail = node.node("taxonomy_detail")
    return node.text("code"), (detail and detail.text("name")) or node.text("taxonomy")


def one_of(key, attributes, report):
    """The first good code of this taxonomy, or None."""
    kept = None
    for path, code in attributes.codes(key):
        if code not in TAXONOMIES[key][1]:
            report.refused(path, code, allowed(key))
        elif kept is not None and code != kept:
            report.refused(path, code, f"there is {kept} already")
        else:
            kept = code
    return kept


def language(node):
    whole = Attributes(node, "language").codes("language")
    if whole:
        node.mirrored("code", whole[0][1].split("-")[0])
    code, name = None if whole else node.text("code"), node.text("name")
    node.left.pop("id", None)
    if code is None and not whole:
        node.report.refused(node.path, name, "no code; " + LISTS["languages"][2])
    node.close()
    return whole or ([(node.at("code"), code)] if code else [])


def area(node):
    places = Attributes(node, "ISO", "PCODE").found
    name = node.text("name")
    node.left.pop("id", None)
    if not places:
        node.report.refused(node.path, name, "no code; " + LISTS["areas"][2])
    node.close()
    return [(path, {"scheme": scheme, "code": code}) for scheme, code, _, path in places]


def age(node, key, unbounded):
    """The bound, or None where it cannot stand in a form: then the service is left out, any other bound being ours."""
    value = node.number(key)
    if value is None:
        return unbounded
    if not isinstance(value, int) or value < 0 or value > AGE_MAX:
        node.report.refused(node.at(key), value, f"allowed: whole years from 0 to {AGE_MAX}")
        return None
    return value


def counted(node):
    """The numbers of one capacity, or None."""
    unit, available, maximum = node.node("unit"), node.number("available"), node.number("maximum")
    node.left.pop("id", None)
    node.stated("updated")
    if unit is None or available is None:
        raise NotThis(f"{node.at('available' if unit else 'unit')}: missing")
    name = unit.need("name")
    unit.left.pop("id", None)
    unit.close()
    node.close()
    for key, value in (("available", available), ("maximum", maximum)):
        if value is not None and (not isinstance(value, int) or value < 0):
            node.report.refused(node.at(key), value, "allowed: whole numbers from 0")
            return None
    if maximum is not None and available > maximum:
        node.report.refused(node.at("available"), available, f"more than the maximum of {maximum}")
        return None
    return {"available": available, **({} if maximum is None else {"maximum": maximum}), "unit": name}


def day(path, text, report):
    try:
        return datetime.date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        report.refused(path, text, "allowed: a date such as 2026-12-31")
        return None


def capacity(node, attributes):
    entries = node.nodes("capacities")
    numbers = counted(entries[0]) if entries else None
    for further in entries[1:]:
        node.report.refused(further.path, further.text("description"), "a form has one capacity")
    status = one_of("capacity", attributes, node.report)
    if status is None and numbers:
        status = "HAS" if numbers["available"] > 0 else "FULL"
    if status is None:
        return None
    form = {"status": status, **(numbers or {})}
    path, until = attributes.value("capacity_valid_until")
    until = day(path, until, node.report) if until else None
    return {**form, **({"valid_until": until} if until else {}), **uncounted(attributes, node.report, numbers)}


def uncounted(attributes, report, numbers):
    """Of a capacity without a number: what it would be counted in, and how much there can be."""
    _, unit = attributes.value("capacity_unit")
    path, maximum = attributes.value("capacity_maximum")
    attributes.state(report, "capacity_updated")
    if numbers or (maximum and not maximum.isdecimal()):
        for place, value in ((path, maximum), (path, unit)):
            if value:
                report.refused(place, value, "a number stands beside it, or it is none")
        return {}
    return {**({"unit": unit} if unit else {}), **({"maximum": int(maximum)} if maximum else {})}


def number(attributes, report, taken):
    """The service's own, or the next that is free."""
    path, text = attributes.value("number")
    if text is not None and (not text.isdecimal() or int(text) == 0 or int(text) in taken):
        report.refused(path, text, "allowed: a whole number from 1, each once")
        text = None
    own = int(text) if text else min(set(range(1, len(taken) + 2)) - taken)
    taken.add(own)
    return own


def complete(form, node, assumed):
    """Fills what is missing from the person's word; what is missing then."""
    missing = []
    for key in ASSUMABLE:
        if form[key]:
            continue
        if key in assumed:
            form[key] = assumed[key]
            node.report.assumed(node.at(key), form[key])
        else:
            missing.append(f"no {key}")
    missing += [f"no {key} that a form can have" for key in ("age_min", "age_max") if form[key] is None]
    if not missing and form["age_min"] > form["age_max"]:
        missing.append("the minimum age is above the maximum age")
    return missing


def service(node, usual, assumed, taken):
    """The form, or None if the service is left out. `usual`: the status that says no more than the organisation's
    standing."""
    report = node.report
    _, name, status = node.need("id"), node.need("name"), node.need("status")
    if status != usual:
        report.left_out(node.path, f"its status is {shown(status)}")
        return None
    node.stated("last_modified", "assured_date")
    attributes = Attributes(node, "group", "code", "priority", "capacity", values=VALUES)
    attributes.state(report, "index")
    form = {"number": number(attributes, report, taken), "name": name, "group": one_of("group", attributes, report),
            "codes": keep("codes", attributes.codes("code"), report),
            "age_min": age(node, "minimum_age", 0), "age_max": age(node, "maximum_age", AGE_MAX),
            "languages": keep("languages", sum(map(language, node.nodes("languages")), []), report),
            "priorities": keep("priorities", attributes.codes("priority"), report),
            "areas": keep("areas", sum(map(area, node.nodes("service_areas")), []), report)}
    room = capacity(node, attributes)
    node.close()
    missing = complete(form, node, assumed)
    if missing:
        report.left_out(node.path, "; ".join(missing))
        return None
    return {**form, **({"capacity": room} if room else {})}


def telephone(node, attributes):
    """(number, hours) of the first telephone that one can speak through."""
    phones = node.nodes("phones")
    spoken = [one for one in phones if one.left.get("type", "voice") in SPOKEN]
    for other in phones:
        if other not in spoken[:1]:
            node.report.refused(other.path, other.text("number"), "the duty telephone is one, and for speaking")
    if not spoken:
        return None, attributes.value("hours")[1]
    first = spoken[0]
    _, hours = Attributes(first, values=("hours",)).value("hours")
    for known in ("id", "type"):
        first.left.pop(known, None)
    first.mirrored("description", hours)
    own = first.need("number")
    first.close()
    return own, hours


def own_id(node):
    """Our id, if it was given one; HSDS's otherwise."""
    theirs, own = node.need("id"), None
    for one in node.nodes("organization_identifiers"):
        if one.left.pop("identifier_type", None) == "Onward" and own is None:
            own = one.need("identifier")
            one.left.pop("id", None)
            one.close()
        else:
            node.report.unmapped(one.path)
    if own is None and not is_uuid(theirs):
        node.report.refused(node.at("id"), theirs, "HSDS has UUIDs, in small letters; it is kept as it is")
    return own or theirs


def organisation(node, assumed):
    for key in ("status", "organization"):
        if key in node.left:
            raise NotThis(f"{node.at(key)}: this is a service; expected an organization with its services")
    report, short, name = node.report, own_id(node), node.need("name")
    attributes = Attributes(node, "kind", "standing", values=("hours", "agreement_until", "registrar"))
    kind, standing = one_of("kind", attributes, report), one_of("standing", attributes, report)
    attributes.state(report, "kind", "standing", "agreement_until", "registrar")
    node.mirrored("description", description_of(name, kind))
    number_of, hours = telephone(node, attributes)
    taken = set()
    services = [service(one, status_of(standing), assumed, taken) for one in node.nodes("services")]
    node.close()
    told = {key: value for key, value in (("telephone", number_of), ("hours", hours)) if value}
    return {"id": short, "name": name, **told, "services": [form for form in services if form]}


def read_assumed(value):
    """The person's word for what a file does not say: the lists and the group of a form."""
    report = Report()
    node = Node(value, "$", report)
    assumed = {}
    for key in ("codes", "priorities", "languages"):
        assumed[key] = keep(key, node.texts(key), report)
    places = [(one.path, {"scheme": one.need("scheme"), "code": one.need("code")}) for one in node.nodes("areas")]
    assumed["areas"] = keep("areas", places, report)
    assumed["group"] = node.text("group")
    if assumed["group"] not in (None, *TAXONOMIES["group"][1]):
        report.refused("$.group", assumed["group"], allowed("group"))
    node.close()
    if report.faults:
        raise NotThis("; ".join(report.faults))
    return {key: found for key, found in assumed.items() if found}


def convert(value, report, assumed):
    if isinstance(value, dict) and "contents" in value:
        page = Node(value, "$", report)
        for key in ("total_items", "total_pages", "page_number", "size", "first_page", "last_page", "empty"):
            page.left.pop(key, None)
        found = page.nodes("contents")
        page.close()
    elif isinstance(value, list):
        found = [Node(one, f"$[{i}]", report) for i, one in enumerate(value)]
    else:
        found = [Node(value, "$", report)]
    return {"organisations": [organisation(node, assumed) for node in found]}
