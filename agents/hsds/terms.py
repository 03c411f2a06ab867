"""What HSDS has no field for stands there in attributes, whose terms belong to taxonomies: those, their ids, and what
may stand in a service's form. Codes and names are those of the tables in ../labels and ../areas."""
import os
import re
import uuid

NAMESPACE = uuid.UUID("6d0b7f3e-2f5c-4c1e-9a55-1b6d0e8f4a27")  # never changes: every id that anybody keeps hangs on it
TABLES = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..")

AGE_MAX = 130
LANGUAGES_MAX = 8
AREAS_MAX = 16
AREA_FORMS = {"ISO": r"[A-Z]{2}(-[A-Z0-9]{1,3})?", "PCODE": r"[A-Z]{2}[0-9]{2,8}"}
LANGUAGE_FORM = r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*"


def rows(*path):
    with open(os.path.join(TABLES, *path), encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]


def labels(table):
    """{code: English label}, retired ones left out; number, code, English, Khmer, and perhaps retired."""
    return {row[1]: row[2] for row in rows("labels", table) if len(row) < 5}


def names_of_areas():
    folder = os.path.join(TABLES, "areas")
    tables = sorted(name for name in os.listdir(folder) if name.endswith(".tsv"))
    return {row[1]: row[3] for table in tables for row in rows("areas", table)}


AREA_NAMES = names_of_areas()
KINDS = {"STATUTORY": "state service", "NGO": "non-governmental organisation", "HEALTH": "health service",
         "LEGAL": "legal service", "HOTLINE": "hotline", "UN": "agency of the United Nations"}
# key: name of the taxonomy, its terms; None: an open list that others keep
TAXONOMIES = {
    "group": ("Onward service groups", labels("groups.tsv")),
    "code": ("Onward service codes", labels("services.tsv")),
    "priority": ("Onward priorities", {"HIGH": "takes high priority", "MEDIUM": "takes medium priority",
                                       "LOW": "takes low priority"}),
    "capacity": ("Onward capacity", {"HAS": "has capacity", "FULL": "full", "WAITLIST": "keeps a waiting list",
                                     "NEEDS_ASSESSMENT": "to be assessed in each case"}),
    "kind": ("Onward kinds of organisation", KINDS),
    "standing": ("Onward standings", {"ACTIVE": "active", "LAPSED": "agreement lapsed", "LEAVING": "leaving",
                                      "COMPROMISED": "cut off"}),
    "value": ("Onward values", {
        "number": "number of the service in its organisation", "hours": "hours of the duty telephone",
        "index": "index in the log", "agreement_until": "agreement on sharing data is valid until",
        "registrar": "is a registrar", "capacity_valid_until": "capacity is valid until",
        "capacity_unit": "unit of the capacity", "capacity_maximum": "capacity at most",
        "capacity_updated": "capacity was stated at"}),
    "ISO": ("ISO 3166", None),
    "PCODE": ("OCHA COD-AB P-codes", None),
    "language": ("BCP 47", None),
}
KEYS = {name: key for key, (name, _) in TAXONOMIES.items()}


def allowed(key):
    return "allowed: " + ", ".join(TAXONOMIES[key][1])


def hsds_id(*words):
    """The same words, the same id. An organisation that came from elsewhere keeps its own."""
    if words[0] == "organisation" and is_uuid(words[1]):
        return words[1]
    return str(uuid.uuid5(NAMESPACE, "\n".join(map(str, words))))


def is_uuid(text):
    return re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text) is not None


def term(key, code):
    name, terms = TAXONOMIES[key]
    english = (AREA_NAMES if terms is None else terms).get(code, code)
    return {"id": hsds_id("term", key, code), "code": code, "name": english, "description": english, "language": "en",
            "taxonomy_detail": {"id": hsds_id("taxonomy", key), "name": name, "description": name}}


def attribute(owner, key, code, value=None):
    """One attribute of the object with the id `owner`."""
    said = {} if value is None else {"value": str(value)}
    return {"id": hsds_id("attribute", owner, key, code), "link_type": key, **said, "taxonomy_term": term(key, code)}


def area_is_good(area):
    return area["scheme"] in AREA_FORMS and re.fullmatch(AREA_FORMS[area["scheme"]], area["code"]) is not None


def language_is_good(tag):
    return re.fullmatch(LANGUAGE_FORM, tag) is not None


# What a form's lists may hold: (is this value good, most of them, what is allowed)
LISTS = {
    "codes": (TAXONOMIES["code"][1].__contains__, len(TAXONOMIES["code"][1]), allowed("code")),
    "priorities": (TAXONOMIES["priority"][1].__contains__, 3, allowed("priority")),
    "languages": (language_is_good, LANGUAGES_MAX, "allowed: tags of BCP 47, such as km"),
    "areas": (area_is_good, AREAS_MAX, "allowed: ISO codes such as KH-17, P-codes such as KH1710"),
}


def status_of(standing):
    """HSDS knows services in use and not in use: those of an organisation that may be given nothing are not."""
    return "active" if standing in (None, "ACTIVE") else "inactive"


def description_of(name, kind):
    """HSDS wants one, the directory has none."""
    return KINDS.get(kind, name)
