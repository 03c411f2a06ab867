"""The tables: each number as the report shows it."""
import html

from numbers_of import hours, told

MEASURES = [("sent", "sent"), ("received", "received"), ("acknowledged", "read"), ("accepted", "accepted"), ("served", "served"),
            ("completed", "completed"), ("closed", "closed"), ("returned", "returned"), ("rerouted", "passed on"), ("open", "open now"),
            ("overdue", "overdue now")]
LEGS = [("leg", "asked"), ("leg_received", "received"), ("leg_acknowledged", "read"), ("leg_accepted", "accepted"),
        ("leg_served", "served"), ("leg_completed", "completed"), ("leg_declined", "declined"), ("leg_rerouted", "passed on"),
        ("leg_moved", "moved on")]
DUTIES = [("missed", "clocks missed"), ("duty", "duties to erase, open"), ("duty_overdue", "of these overdue")]
TIMES = [("received", "received"), ("acknowledged", "read"), ("accepted", "accepted"), ("served", "served"),
         ("completed", "completed"), ("closed", "closed"), ("returned", "returned")]
GROUPS = {"not_stated": "not stated", "safe": "safety and alternative care", "case": "case management", "pss": "psychosocial support",
          "hlth": "health", "legl": "legal and justice", "educ": "education", "live": "livelihood", "othr": "other"}


def cell(value):
    small = ' class="small"' if isinstance(value, str) else ""
    return f"<td{small}>{html.escape(told(value))}</td>"


def table(title, first, heads, lines):
    """Lines are (words, cells), cells as HTML."""
    head = "".join(f'<th scope="col">{html.escape(words)}</th>' for words in [first, *heads])
    body = "".join(f'<tr><th scope="row">{html.escape(words)}</th>{"".join(cells)}</tr>' for words, cells in lines)
    return f"<table><caption>{html.escape(title)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def line(numbers, measures, period="", **of):
    values = [numbers.get(measure, period, **of) for measure, _ in measures]
    return [cell(0 if value is None else value) for value in values]


def heads(measures):
    return [words for _, words in measures]


def by_period(numbers):
    lines = [(period, line(numbers, MEASURES, period)) for period in numbers.periods]
    lines.append(("all", line(numbers, MEASURES)))
    return table("Referrals by period", numbers.about["period"], heads(MEASURES), lines)


def by(numbers, title, dimension, measures, words=None):
    categories = numbers.categories(dimension, measures[0][0])
    lines = [((words or {}).get(c, c), line(numbers, measures, **{dimension: c})) for c in categories]
    return table(title, dimension, heads(measures), lines) if lines else ""


def times(numbers, title, dimension, measure="sent", words=None):
    """Median, and under it in which time nine of ten were done."""
    lines = []
    for category in numbers.categories(dimension, measure):
        cells = []
        for step, _ in TIMES:
            half, ninth = (numbers.get(f"{step}_{what}_h", **{dimension: category}) for what in ("median", "p90"))
            cells.append(f"<td>{hours(half)}<small>{'' if half is None else hours(ninth)}</small></td>")
        lines.append(((words or {}).get(category, category), cells))
    return table(title, dimension, heads(TIMES), lines) if lines else ""


def owed(numbers):
    letters = dict.fromkeys(letter for measure, _ in DUTIES for letter in numbers.categories("organisation", measure))
    letters = sorted(letters, key=lambda letter: (len(letter), letter))
    lines = [(letter, line(numbers, DUTIES, organisation=letter)) for letter in letters]
    return table("What each organisation owed", "organisation", heads(DUTIES), lines) if lines else ""
