"""What must lie on no disk: words of a case in the clear, and sealed bodies that were erased."""
import base64
import hashlib
import os
import re
import secrets

from case_form import BRIEF, CAREGIVER, CONSENT, CONTACT, FILE, forms_of

MARK = "Q" + secrets.token_hex(8) + "Z"  # begins every free text of a form


def marked(part, names):
    return {name: f"{MARK} {part} {name}" for name in names}


def case():
    """Brief and file of a form: every free text is there, and holds the mark."""
    return {"brief": marked("brief", BRIEF) | {"service": "FOOD", "sex": "FEMALE", "age_band": "AGE_10_14"},
            "file": marked("file", FILE) | {"contact": marked("contact", CONTACT), "consent": marked("consent", CONSENT),
                                            "caregiver": marked("caregiver", CAREGIVER)}}


def texts(value):
    """All free texts of a request's part: codes are not, nor what is too short to be found by."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return set().union(*map(texts, value))
    return {value} if isinstance(value, str) and len(value) >= 8 and MARK not in value and not value.isupper() else set()


def files(folder):
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    yield path, file.read()


def needles(words):
    """Plain, hex, base64; a root's number as its bytes, too."""
    for word in words:
        yield from forms_of(word)
        if re.fullmatch("(?!00)(?:[0-9a-f]{2}){8,}", word):  # zeros stand everywhere
            yield bytes.fromhex(word)


def words_in(folder, words):
    """The files that hold one of these words, or the mark. That it can find is shown each time, by a file that does."""
    planted = os.path.join(folder, "planted")
    with open(planted, "wb") as file:
        file.write(base64.b64encode(b"ab" + MARK.encode() + b"cd"))
    looked_for = list(needles(words | {MARK}))
    found = [path for path, content in files(folder) if any(needle in content for needle in looked_for)]
    found.remove(planted)
    return found


def body_lies_in(folder, sha256, size):
    """Somewhere in the folder's files are `size` bytes with this SHA-256, that begin as every sealed body does."""
    return any(hashlib.sha256(content[m.start():m.start() + size]).hexdigest() == sha256
               for _, content in files(folder) for m in re.finditer(b"\x04", content))
