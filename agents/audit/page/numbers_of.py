"""The numbers of a report, found by what they are of."""

DIMENSIONS = ("organisation", "group", "area", "priority")
SMALL, HIDDEN = "<", "*"


class NotThis(Exception):
    """What was given is no report of onward-audit."""


class Numbers:
    def __init__(self, report):
        try:
            self.about, rows = report["about"], report["rows"]
            self.log, self.minimum = self.about["log"], self.about["minimum"]
            self.values = {(row["period"], *(row[d] for d in DIMENSIONS), row["measure"]): row["value"] for row in rows}
        except (KeyError, TypeError) as error:
            raise NotThis(f"expected what `onward-audit report --json` prints; missing: {error}") from None
        self.periods = sorted({key[0] for key in self.values} - {""})

    def get(self, measure, period="", **of):
        """A count, a time in hours, "<5", "*"; None: nothing of that is in the report."""
        return self.values.get((period, *(of.get(d, "") for d in DIMENSIONS), measure))

    def count(self, measure, period="", **of):
        """The count where it is shown, else None; what is in no row was never counted: 0."""
        value = self.get(measure, period, **of)
        return 0 if value is None else value if isinstance(value, int) else None

    def categories(self, dimension, measure):
        """Those of the measure, in the report's order."""
        at = 1 + DIMENSIONS.index(dimension)
        return list(dict.fromkeys(key[at] for key in self.values if key[at] and key[-1] == measure))

    def parts(self, measure):
        """What stands behind the dot: those of `open.over_90_days` are ages."""
        behind = [key[-1].split(".", 1)[1] for key in self.values if key[-1].startswith(f"{measure}.")]
        return list(dict.fromkeys(behind))


def told(value):
    """As it is printed: a gap between thousands, an en dash where nothing is known."""
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\u202f")
    return str(value)


def hours(value):
    """A time in the unit that a person would say."""
    if not isinstance(value, (int, float)):
        return "–"
    if value < 1:
        return f"{60 * value:.0f} min"
    if value < 10:
        return f"{value:.1f} h"
    return f"{value:.0f} h" if value < 72 else f"{value / 24:.0f} d"
