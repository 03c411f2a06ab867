"""Reading somebody else's JSON so that nothing in it is lost unseen: what is not taken out of a node is named when it
is closed, with its path."""
import json
import re

INPUT_SIZE_MAX = 64 << 20
NOTHING = (None, "", [], {})
SHOWN_MAX = 60  # characters of a value in a message


class NotThis(Exception):
    """The file is not what it should be: where, and what was expected there. Nothing is written."""


class Report:
    """`faults` are told, one a line; `stated` are values that the exchange states itself and no form has: told once for
    each field."""

    def __init__(self):
        self.faults = []
        self.stated = {}

    def unmapped(self, path, about=""):
        self.faults.append(f"{path}: not mapped{about and ': '}{about}")

    def refused(self, path, value, why):
        self.faults.append(f"{path}: refused {shown(value)}: {why}")

    def left_out(self, path, why):
        self.faults.append(f"{path}: left out: {why}")

    def assumed(self, path, value):
        self.faults.append(f"{path}: assumed {shown(value)}")

    def states(self, path):
        everywhere = re.sub(r"\[\d+\]", "[*]", path)
        self.stated[everywhere] = self.stated.get(everywhere, 0) + 1

    def lines(self):
        stated = [f"{path}: in no form, the exchange states it itself ({count})" for path, count in self.stated.items()]
        return self.faults + stated


def shown(value):
    text = json.dumps(value)  # ASCII: somebody else's words write nothing onto our terminal
    return text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 3] + "..."


class Node:
    """One object at its path. null, empty texts and empty lists say nothing and count as missing."""

    def __init__(self, value, path, report):
        if not isinstance(value, dict):
            raise NotThis(f"{path}: expected an object, found {shown(value)}")
        self.path, self.report = path, report
        self.left = {key: inner for key, inner in value.items() if inner not in NOTHING}

    def at(self, key):
        return f"{self.path}.{key}" if re.fullmatch(r"\w+", key, re.ASCII) else f"{self.path}[{json.dumps(key)}]"

    def take(self, key, kind, words):
        value = self.left.pop(key, None)
        if value is None or (isinstance(value, kind) and (kind is bool or not isinstance(value, bool))):
            return value
        raise NotThis(f"{self.at(key)}: expected {words}, found {shown(value)}")

    def text(self, key):
        return self.take(key, str, "a text")

    def number(self, key):
        value = self.take(key, (int, float), "a number")
        return int(value) if isinstance(value, float) and value.is_integer() else value

    def whole(self, key):
        value = self.number(key)
        if isinstance(value, float):
            raise NotThis(f"{self.at(key)}: expected a whole number, found {shown(value)}")
        return value

    def flag(self, key):
        return self.take(key, bool, "true or false")

    def need(self, key):
        if key not in self.left:
            raise NotThis(f"{self.at(key)}: missing")
        return self.text(key)

    def node(self, key):
        """A closed-over object, or None."""
        value = self.left.pop(key, None)
        return None if value is None else Node(value, self.at(key), self.report)

    def nodes(self, key):
        values = self.take(key, list, "a list") or []
        return [Node(value, f"{self.at(key)}[{i}]", self.report) for i, value in enumerate(values)]

    def texts(self, key):
        """[(path, text)]"""
        values = self.take(key, list, "a list") or []
        for i, value in enumerate(values):
            if not isinstance(value, str):
                raise NotThis(f"{self.at(key)}[{i}]: expected a text, found {shown(value)}")
        return [(f"{self.at(key)}[{i}]", value) for i, value in enumerate(values)]

    def stated(self, *keys):
        """These are known, and no form has them."""
        for key in keys:
            if self.left.pop(key, None) is not None:
                self.report.states(self.at(key))

    def mirrored(self, key, value):
        """Says again what stands elsewhere: no loss when it is the same."""
        if value is not None and self.left.get(key) == value:
            del self.left[key]

    def close(self):
        for key, value in self.left.items():
            self.report.unmapped(self.at(key), f"a list of {len(value)}" if isinstance(value, list) else "")
        self.left = {}


def once(pairs):
    found = {}
    for key, value in pairs:
        if key in found:
            raise NotThis(f"the key {shown(key)} stands twice in one object")
        found[key] = value
    return found


def no_constant(word):
    raise NotThis(f"{word} is no JSON")


def read_json(data, name):
    """The value in these bytes."""
    if len(data) > INPUT_SIZE_MAX:
        raise NotThis(f"{name}: more than {INPUT_SIZE_MAX} bytes")
    try:
        return json.loads(data.decode("utf-8-sig"), object_pairs_hook=once, parse_constant=no_constant)
    except UnicodeDecodeError as error:
        raise NotThis(f"{name}: not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise NotThis(f"{name}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from None
    except (RecursionError, ValueError):
        raise NotThis(f"{name}: not JSON that anybody means: nested too deeply, or a number too long") from None
    except NotThis as error:
        raise NotThis(f"{name}: {error}") from None
