"""From the directory, as `--json directory` prints it, to a list of HSDS organizations.

What HSDS has a field for is in that field: HSDS 3.0, and for capacities those that 3.1 added. All else is an attribute
with a term of our own taxonomies (terms.py): nothing is lost to whoever reads HSDS and keeps what they do not know.
"""
import datetime

from node import Node, NotThis
from terms import attribute, description_of, hsds_id, status_of


def when(ms):
    """"2026-03-15T10:30:45.123Z" """
    try:
        moment = datetime.datetime.fromtimestamp(ms // 1000, datetime.timezone.utc)
    except (OverflowError, OSError, ValueError):
        raise NotThis(f"{ms}: expected milliseconds since 1970") from None
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def present(fields):
    """HSDS leaves out what is not known."""
    return {key: value for key, value in fields.items() if value not in (None, [])}


def values(owner, **found):
    """Attributes for what has no field, one for each that is known."""
    return [attribute(owner, "value", code, value) for code, value in found.items() if value is not None]


def service_area(service, node):
    scheme, code = node.need("scheme"), node.need("code")
    node.close()
    owner = hsds_id("area", service, code)
    place = attribute(owner, scheme if scheme in ("ISO", "PCODE") else bad_scheme(node, scheme), code)
    return {"id": owner, "name": place["taxonomy_term"]["name"], "attributes": [place]}


def bad_scheme(node, scheme):
    raise NotThis(f"{node.at('scheme')}: expected ISO or PCODE, found {scheme}")


def language(service, tag):
    """HSDS takes the language only, of ISO 639; a tag with more than that is whole in an attribute."""
    owner = hsds_id("language", service, tag)
    short = tag.split("-")[0]
    whole = [attribute(owner, "language", tag)] if tag != short else []
    return present({"id": owner, "code": short, "attributes": whole})


def capacity(service, node):
    """(the entries of `capacities`, the service's attributes). The status stands in an attribute, HSDS having numbers
    only; so does all the rest when there is no number, which HSDS demands."""
    status = node.text("status")
    until = node.whole("valid_until_ms")
    said = [attribute(service, "capacity", status)] if status else []
    said += values(service, capacity_valid_until=node.text("valid_until") if until is None else when(until))
    unit, available, maximum = node.text("unit"), node.whole("available"), node.whole("maximum")
    updated = node.whole("updated_ms")
    updated = None if updated is None else when(updated)
    node.flag("valid")  # as of now: follows from the date
    node.close()
    if available is None:
        return [], said + values(service, capacity_unit=unit, capacity_maximum=maximum, capacity_updated=updated)
    unit = {"id": hsds_id("unit", unit or "places"), "name": unit or "places"}
    return [present({"id": hsds_id("capacity", service), "unit": unit, "available": available, "maximum": maximum,
                     "updated": updated})], said


def service(organisation, status, node):
    number = node.whole("number")
    if number is None:
        raise NotThis(f"{node.at('number')}: missing")
    owner = hsds_id("service", organisation, number)
    since, assured, capable = node.whole("since_ms"), node.whole("assured_ms"), node.node("capacity")
    group = node.text("group")
    attributes = [attribute(owner, "group", group)] if group else []
    for key, field in (("code", "codes"), ("priority", "priorities")):
        attributes += [attribute(owner, key, code) for _, code in node.texts(field)]
    attributes += values(owner, number=number, index=node.whole("index"))
    capacities, said = capacity(owner, capable) if capable else ([], [])
    made = present({
        "id": owner, "name": node.need("name"), "status": status, "minimum_age": node.whole("age_min"),
        "maximum_age": node.whole("age_max"), "assured_date": None if assured is None else when(assured)[:10],
        "last_modified": None if since is None else when(since),
        "languages": [language(owner, tag) for _, tag in node.texts("languages")],
        "service_areas": [service_area(owner, area) for area in node.nodes("areas")],
        "capacities": capacities, "attributes": attributes + said})
    node.close()
    return made


def phone(organisation, number, hours):
    owner = hsds_id("phone", organisation)
    return present({"id": owner, "number": number, "type": "voice", "description": hours,
                    "attributes": values(owner, hours=hours)})


def organisation(node):
    short, name, kind, standing = node.need("id"), node.need("name"), node.text("kind"), node.text("standing")
    number, hours, until = node.text("telephone"), node.text("hours"), node.whole("agreement_until_ms")
    registrar = node.flag("registrar")
    node.flag("yourself")  # whose directory this is, not a fact of the organisation
    node.left.pop("replacement", None)  # nor are keys that it may have one day
    owner = hsds_id("organisation", short)
    known = [{"id": hsds_id("identifier", short), "identifier_type": "Onward", "identifier": short}]
    said = [attribute(owner, key, code) for key, code in (("kind", kind), ("standing", standing)) if code]
    said += values(owner, agreement_until=when(until) if until else None, registrar="true" if registrar else None)
    made = present({
        "id": owner, "name": name, "description": description_of(name, kind),
        "organization_identifiers": known if owner != short else [],
        "phones": [phone(owner, number, hours)] if number else [],
        "attributes": said + ([] if number else values(owner, hours=hours)),
        "services": [service(short, status_of(standing), one) for one in node.nodes("services")]})
    node.close()
    return made


def convert(value, report):
    answer = Node(value, "$", report)
    if answer.flag("ok") is False:
        raise NotThis("$.ok: false: this is no directory, but an error")
    if "organisations" not in answer.left and "organisations" not in value:
        raise NotThis("$.organisations: missing: expected what `onward --json directory` prints")
    made = [organisation(node) for node in answer.nodes("organisations")]
    for ours in ("index", "time_ms"):
        answer.whole(ours)  # of the log: as of when this is
    answer.close()
    return made
