#!/usr/bin/env python3
"""The directory as HSDS, and HSDS as forms: what is equal after the way there and back, what is told when it is not,
and what is no HSDS at all. Samples: hsds/."""
import copy
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(os.environ.get("ONWARD_BIN", os.path.join(HERE, "../../build/release/bin")), "onward-hsds")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What the schemas of HSDS 3.0 demand, and that of service_capacity of 3.1.
REQUIRED = {
    "organization": ("id", "name", "description"),
    "organization_identifiers": ("id", "identifier_type", "identifier"),
    "phones": ("id", "number"),
    "services": ("id", "name", "status"),
    "languages": ("id",),
    "service_areas": ("id",),
    "capacities": ("id", "unit", "available", "updated"),
    "unit": ("id", "name"),
    "attributes": ("id",),
    "taxonomy_term": ("id", "name", "description"),
    "taxonomy_detail": ("id", "name", "description"),
}
EXCHANGE_STATES = ("index", "since_ms", "assured_ms", "capacity")  # of a service, what is in no form as it is


def sample(name):
    with open(os.path.join(HERE, "hsds", name), encoding="utf-8") as file:
        return json.load(file)


def run(*words, given=None):
    """(exit status, what was written, lines on standard error); `given` is a value, or bytes."""
    data = given if isinstance(given, bytes) else json.dumps(given).encode()
    done = subprocess.run([PROGRAM, *words], input=data, capture_output=True, timeout=60)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr.decode().splitlines()


def export(value):
    return run("export", given=value)


def imported(value, *words):
    return run("import", *words, given=value)


def forms_of(directory):
    """What the forms should be, worked out here once more."""
    made = []
    for one in directory["organisations"]:
        services = []
        for service in one["services"]:
            form = {key: value for key, value in service.items() if key not in EXCHANGE_STATES}
            room = dict(service.get("capacity", {}))
            room.pop("updated_ms", None)
            if room.pop("valid_until_ms", None) is not None:
                room["valid_until"] = "2025-12-31"
            services.append(form | ({"capacity": room} if room else {}))
        told = {key: one[key] for key in ("id", "name", "telephone", "hours") if one[key]}
        made.append(told | {"services": services})
    return {"organisations": made}


def objects(value, path="$", kind="organization"):
    """Every (path, kind, object) in HSDS, outermost first; kind is the field that it stands in."""
    if isinstance(value, dict):
        yield path, kind, value
        for key in list(value):
            yield from objects(value[key], f"{path}.{key}", key)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from objects(inner, f"{path}[{i}]", kind)


def first_service(hsds):
    return hsds[1]["services"][0]


def code_of(hsds, key):
    """The first attribute of this kind of the first service."""
    return next(one for one in first_service(hsds)["attributes"] if one["link_type"] == key)["taxonomy_term"]


class ThereAndBack(unittest.TestCase):
    def test_what_is_written_is_hsds_and_the_same_every_time(self):
        status, hsds, said = export(sample("directory.json"))
        self.assertEqual((status, said), (0, []))
        self.assertEqual(export(sample("directory.json"))[1], hsds)
        ids = []
        for path, kind, found in objects(hsds):
            for key in REQUIRED[kind]:
                self.assertIn(key, found, path)
            self.assertRegex(found["id"], UUID, path)
            if kind not in ("unit", "taxonomy_term", "taxonomy_detail"):  # the same thing has the same id
                ids.append(found["id"])
        self.assertEqual(len(ids), len(set(ids)))
        service = first_service(hsds)
        self.assertEqual((service["minimum_age"], service["maximum_age"], service["status"]), (6, 17, "active"))
        self.assertEqual(service["last_modified"], "2025-11-24T16:00:00.123Z")
        self.assertEqual(service["assured_date"], "2025-11-25")
        self.assertEqual([area["name"] for area in service["service_areas"]], ["Siem Reap", "Battambang"])
        self.assertEqual([one["code"] for one in service["languages"]], ["km", "en", "zh"])
        self.assertEqual(hsds[2]["services"][0]["status"], "inactive")  # of an organisation that is not in standing

    def test_ids_never_change(self):
        """Others keep them: a change here would make every service a new one to them."""
        hsds = export(sample("directory.json"))[1]
        self.assertEqual((hsds[1]["id"], first_service(hsds)["id"]),
                         ("fbcf63e2-9457-5943-86bb-b22ca17e71d9", "375c7f69-4ba6-5a49-b681-8522386449a2"))

    def test_an_export_comes_back_equal(self):
        directory = sample("directory.json")
        status, forms, said = imported(export(directory)[1])
        self.assertEqual(forms, forms_of(directory))
        self.assertEqual([line for line in said if "the exchange states it itself" not in line], [])
        self.assertEqual(status, 0)

    def test_the_second_time_changes_nothing(self):
        for hsds, words in ((export(sample("directory.json"))[1], ()),
                            (sample("foreign.json"), ("--assume", os.path.join(HERE, "hsds/assume.json")))):
            once = imported(hsds, *words)[1]
            status, again, said = export(once)
            self.assertEqual((status, said), (0, []))
            status, twice, said = imported(again)
            self.assertEqual((status, twice), (0, once), said)
            self.assertEqual(export(twice)[1], again)
        self.assertEqual(again[0]["id"], sample("foreign.json")["contents"][0]["id"])  # theirs

    def test_one_many_or_a_page(self):
        hsds = export(sample("directory.json"))[1]
        for shape in (hsds[1], [hsds[1]], {"total_items": 1, "contents": [hsds[1]]}):
            status, forms, _ = imported(shape)
            self.assertEqual(status, 0)
            self.assertEqual(forms["organisations"], forms_of(sample("directory.json"))["organisations"][1:2])
        self.assertEqual(imported([])[:2], (0, {"organisations": []}))
        self.assertEqual(export({"ok": True, "organisations": []})[:2], (0, []))


class Told(unittest.TestCase):
    def test_every_field_that_is_not_known_is_named(self):
        """A field more in every object: each path is told, and nothing else changes."""
        hsds = export(sample("directory.json"))[1]
        forms = imported(hsds)[1]
        paths = []
        for path, kind, found in list(objects(hsds)):
            if "taxonomy_term" not in path:  # what our own codes mean, we know
                found["x_more"] = {"deep": 1}
                paths.append(f"{path}.x_more: not mapped")
        status, changed, said = imported(hsds)
        self.assertEqual((status, changed), (3, forms))
        self.assertEqual(sorted(paths), sorted(line for line in said if "x_more" in line))
        self.assertGreater(len(paths), 50)

    def test_the_export_names_them_too(self):
        directory = sample("directory.json")
        directory["organisations"][1]["services"][0]["capacity"]["mood"] = "good"
        status, _, said = export(directory)
        self.assertEqual((status, said), (3, ["$.organisations[1].services[0].capacity.mood: not mapped"]))

    def test_foreign_words(self):
        status, forms, said = imported(sample("foreign.json"))
        self.assertEqual((status, [one["services"] for one in forms["organisations"]]), (3, [[], []]))
        service = "$.contents[0].services[0]"
        for line in ("$.contents[0].email: not mapped", "$.contents[0].locations: not mapped: a list of 2",
                     '$.contents[0].phones[1]: refused "+855 34 555 0104": the duty telephone is one, and for speaking',
                     f'{service}.attributes[0]: not mapped: "Legal" of "Harbour\'s own list"',
                     f"{service}.x_colour: not mapped", f"{service}.languages[2].note: not mapped",
                     f'{service}.service_areas[0]: refused "The harbour and around": no code; '
                     "allowed: ISO codes such as KH-17, P-codes such as KH1710",
                     f"{service}: left out: no group; no codes; no priorities",
                     '$.contents[0].services[1]: left out: its status is "temporarily closed"'):
            self.assertIn(line, said)
        self.assertTrue(any('"LEGAL_MAGIC": allowed: EMERGENCY_SHELTER, ' in line for line in said))

    def test_what_a_person_says_fills_what_is_missing_and_only_that(self):
        status, forms, said = imported(sample("foreign.json"), "--assume", os.path.join(HERE, "hsds/assume.json"))
        self.assertEqual(status, 3)
        self.assertEqual(forms["organisations"][0]["services"], [{
            "number": 1, "name": "Legal advice", "group": "LEGL", "codes": ["LEGAL_COUNSELLING"],
            "age_min": 10, "age_max": 17, "languages": ["km", "en"], "priorities": ["LOW"],
            "areas": [{"scheme": "ISO", "code": "KH-18"}],
            "capacity": {"status": "HAS", "available": 5, "maximum": 8, "unit": "hours"}}])
        self.assertIn('$.contents[0].services[0].group: assumed "LEGL"', said)
        self.assertFalse(any("languages: assumed" in line for line in said))

    def test_the_example_of_the_manual_works(self):
        with open(os.path.join(HERE, "../../docs/man/onward-hsds.1"), encoding="utf-8") as file:
            (usual,) = re.findall(r"^\{.*\}$", file.read(), re.M)
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write(usual)
            file.flush()
            forms = imported(sample("foreign.json"), "--assume", file.name)[1]
        self.assertEqual(forms["organisations"][0]["services"][0]["codes"], json.loads(usual)["codes"])

    def refused(self, change, line, left_out=False):
        hsds = export(sample("directory.json"))[1]
        change(hsds)
        status, forms, said = imported(hsds)
        self.assertEqual(status, 3, line)
        self.assertTrue(any(line in one for one in said), f"{line}\n" + "\n".join(said))
        self.assertEqual(len(forms["organisations"][1]["services"]), 1 if left_out else 2, line)

    def test_values_that_leave_a_service_out(self):
        def with_fields(**fields):
            return lambda hsds: first_service(hsds).update(fields)

        service = "$[1].services[0]"
        for change, line in (
            (with_fields(maximum_age=131), f"{service}.maximum_age: refused 131: allowed: whole years from 0 to 130"),
            (with_fields(minimum_age=0.5), f"{service}.minimum_age: refused 0.5"),
            (with_fields(minimum_age=18), f"{service}: left out: the minimum age is above"),
            (with_fields(status="defunct"), f'{service}: left out: its status is "defunct"'),
            (lambda hsds: code_of(hsds, "group").update(code="PSY"), 'refused "PSY": allowed: GROUP_NOT_STATED, SAFE'),
        ):
            self.refused(change, line, left_out=True)

    def test_values_that_no_form_can_have(self):
        def with_code(key, code):
            return lambda hsds: code_of(hsds, key).update(code=code)

        def with_room(**fields):
            return lambda hsds: first_service(hsds)["capacities"][0].update(fields)

        def nine_languages(hsds):
            first_service(hsds)["languages"] = [{"id": "x", "code": "k" + letter} for letter in "abcdefghi"]

        def a_second_capacity(hsds):
            first_service(hsds)["capacities"] *= 2

        def a_number_twice(hsds):
            next(one for one in first_service(hsds)["attributes"] if one.get("value") == "1").update(value="4")

        def small_letters(hsds):
            first_service(hsds)["service_areas"][0]["attributes"][0]["taxonomy_term"].update(code="kh-17")

        for change, line in (
            (with_code("code", "BASIC_PSYCHOSOCIAL"), 'refused "BASIC_PSYCHOSOCIAL": stands twice'),
            (with_code("priority", "URGENT"), 'refused "URGENT": allowed: HIGH, MEDIUM, LOW'),
            (with_code("capacity", "SOME"), 'refused "SOME": allowed: HAS, FULL'),
            (nine_languages, '.languages[8].code: refused "ki": a form has at most 8'),
            (with_room(available=11), "refused 11: more than the maximum of 10"),
            (with_room(available=-1), "refused -1: allowed: whole numbers from 0"),
            (a_second_capacity, ".capacities[1]: refused"),
            (a_number_twice, '.services[1].attributes[3].value: refused "4": allowed: a whole number from 1'),
            (small_letters, 'refused {"scheme": "ISO", "code": "kh-17"}: allowed: ISO codes'),
        ):
            self.refused(change, line)

    def test_a_capacity_without_our_status(self):
        for available, status in ((0, "FULL"), (1, "HAS")):
            hsds = export(sample("directory.json"))[1]
            service = first_service(hsds)
            service["attributes"] = [one for one in service["attributes"] if one["link_type"] != "capacity"]
            service["capacities"][0]["available"] = available
            code, forms, _ = imported(hsds)
            self.assertEqual((code, forms["organisations"][1]["services"][0]["capacity"]["status"]), (0, status))

    def test_an_attribute_is_ours_only_as_we_write_it(self):
        hsds = export(sample("directory.json"))[1]
        one = first_service(hsds)["attributes"][-1]
        self.assertEqual(one["taxonomy_term"]["code"], "capacity_valid_until")
        del one["value"]
        code_of(hsds, "priority")["taxonomy_detail"]["name"] = "Priorities of somebody else"
        said = imported(hsds)[2]
        for words in ('"capacity_valid_until" of "Onward values"', '"HIGH" of "Priorities of somebody else"'):
            self.assertTrue(any(line.endswith(f": not mapped: {words}") for line in said), words)

    def test_what_is_told_writes_nothing_onto_the_terminal(self):
        hsds = export(sample("directory.json"))[1]
        hsds[0]["\x1b[2J\n"] = "\x1b]0;x"
        code_of(hsds, "priority")["code"] = "\u202e\u0007"
        said = imported(hsds)[2]
        self.assertTrue(any('refused "\\u202e' in line for line in said))
        for line in said:
            self.assertTrue(line.isascii() and line.isprintable(), repr(line))


class NotHsds(unittest.TestCase):
    def refused(self, done, words):
        status, made, said = done
        self.assertEqual((status, made, len(said)), (2, None, 1), words)
        self.assertIn(words, said[0])

    def test_it_is_said_what_is_wrong_and_where(self):
        for given, words in (
            (b'[{"id": 1,\n "name" "x"}]', "standard input:2:9: not JSON"),
            (b"[", "standard input:1:2: not JSON"),
            (b"\xff[]", "standard input: not UTF-8 at byte 0"),
            (b'{"id": 1, "id": 2}', 'the key "id" stands twice'),
            (b'{"id": NaN}', "NaN is no JSON"),
            (b"[" * 100000, "nested too deeply"),
            (7, "$: expected an object, found 7"),
            ([1], "$[0]: expected an object, found 1"),
            ({"name": "x"}, "$.id: missing"),
        ):
            self.refused(imported(given), words)

    def test_it_is_no_organization_of_hsds(self):
        hsds = export(sample("directory.json"))[1]
        self.refused(imported(first_service(hsds)), "$.status: this is a service; expected an organization")
        for change, words in (
            (lambda one: one.pop("name"), "$[1].services[0].name: missing"),
            (lambda one: one.update(minimum_age="6"), '$[1].services[0].minimum_age: expected a number, found "6"'),
            (lambda one: one.update(languages={"code": "km"}), "$[1].services[0].languages: expected a list"),
            (lambda one: one["capacities"][0].pop("unit"), "$[1].services[0].capacities[0].unit: missing"),
        ):
            changed = copy.deepcopy(hsds)
            change(first_service(changed))
            self.refused(imported(changed), words)

    def test_no_directory(self):
        organisation = {"id": "a", "name": "A"}
        for given, words in (
            ({"ok": False, "error": "locked"}, "$.ok: false"),
            ({}, "$.organisations: missing"),
            ({"organisations": [{"id": "a"}]}, "$.organisations[0].name: missing"),
            ({"organisations": [organisation | {"services": [{"name": "x"}]}]}, "services[0].number: missing"),
            ({"organisations": [organisation | {"agreement_until_ms": 1e300}]}, "expected milliseconds since 1970"),
        ):
            self.refused(export(given), words)

    def test_files_and_words(self):
        self.refused(run("import", "/nowhere/at/all"), "onward-hsds: /nowhere/at/all: No such file or directory")
        self.assertEqual(run("translate")[0], 2)
        self.assertEqual(subprocess.run([PROGRAM, "--help"], capture_output=True, timeout=60).returncode, 0)
        self.refused(run("import", "--assume", "/dev/stdin", given={"priorities": ["URGENT"]}),
                     '$.priorities[0]: refused "URGENT": allowed: HIGH, MEDIUM, LOW')


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main()
