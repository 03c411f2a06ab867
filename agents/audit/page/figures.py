"""The figures: drawn by gnuplot as SVG, then made part of the page: ids of its own, a title and a description for whoever
does not see it, and nothing that is loaded from elsewhere."""
import html
import re
import subprocess

from numbers_of import hours, told

# Okabe and Ito's colours, which everybody tells apart; text in them is darkened until it reads on white.
BLUE, ORANGE, GREEN, RED, GREY, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#8A8A8A", "#56B4E9"
TEXT = {ORANGE: "#8A5E00", GREEN: "#00704F", RED: "#A84800", GREY: "#595959", SKY: "#1F6E9C"}
STANDINGS = [("answered", "answered", BLUE), ("back", "back with the sender", ORANGE),
             ("under_way", "on their way", GREEN), ("vanished", "vanished", RED)]
PRIORITIES = [("high", RED), ("medium", BLUE), ("low", GREY)]
STEPS = [("received", "received by\\ntheir computer"), ("acknowledged", "read by\\na person"), ("accepted", "accepted"),
         ("served", "service\\nbegun")]
AGES = {"under_1_day": "under 1 day", "1_to_3_days": "1–3 days", "3_to_7_days": "3–7 days", "7_to_30_days": "7–30 days",
        "30_to_90_days": "30–90 days", "over_90_days": "over 90 days"}
ENDS = {"completed": "service completed", "in_service": "service under way", "yes": "accepted or waiting list",
        "unanswered": "not answered yet", "back": "back with the sender", "taken_back": "taken back"}
CLOCKS = {"receive": "their computer to receive", "read": "a person to read", "decide": "yes or no", "contact": "first contact",
          "undelivered": "delivery", "answer_info": "answer to a question", "answer_cancel": "answer to a wish to cancel",
          "returned_act": "sender to act on what came back", "reseal_asked": "sealing again", "report": "progress report",
          "closing": "sender to close", "erasure": "erasing the case", "safety_read": "message about safety",
          "expected": "date of the waiting list", "consent_end": "end of the consent", "lost_leg": "suspension"}
WIDTH, NARROW, HALF, WIDE = 720, 260, 350, 440

BEFORE = """set terminal svg size {width},{height} fixed font "Sans,13" background "white"
set encoding utf8
set border 0
set tics nomirror scale 0 textcolor "#333333"
unset key
"""


class NoGnuplot(Exception):
    """gnuplot is missing, or failed."""


def dark(colour):
    return TEXT.get(colour, colour)


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace("\\\\n", "\\n").replace('"', "'") + '"'


def draw(name, title, description, height, commands, width=WIDTH):
    script = BEFORE.format(width=width, height=height) + "\n".join(commands) + "\n"
    try:
        done = subprocess.run(["gnuplot", "-d", "-"], input=script, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NoGnuplot("gnuplot draws the figures and is not installed: apt-get install gnuplot-nox") from None
    if done.returncode != 0 or "</svg>" not in done.stdout:
        raise NoGnuplot(f"gnuplot did not draw {name}: {done.stderr.strip()[:400]}")
    svg = done.stdout[done.stdout.index("<svg"):]
    svg = re.sub(r"<title>.*?</title>|<desc>.*?</desc>", "", svg, flags=re.S)
    svg = re.sub(r'\s*xmlns:xlink="[^"]*"', "", svg).replace("xlink:href", "href")
    svg = re.sub(r"(\bid=['\"]|href=['\"]#|url\(#)", rf"\g<1>{name}-", svg)
    svg = re.sub(r'font-family="[^"]*"', 'font-family="inherit"', svg)
    words = (f'<title id="{name}-title">{html.escape(title)}</title><desc id="{name}-desc">{html.escape(description)}</desc>')
    svg = re.sub(r"<svg\b([^>]*)>", lambda m: f'<svg role="img" aria-labelledby="{name}-title {name}-desc"{m[1]}>{words}', svg,
                 count=1)
    return svg


def label(text, x, y, colour="#333333", place="left", more="", axes="first"):
    return f'set label {quoted(text)} at {axes} {x}, {axes} {y} {place} noenhanced textcolor "{dark(colour)}" {more}'


def rectangle(x0, y0, x1, y1, colour, pattern="solid"):
    return f'set object rectangle from {x0}, {y0} to {x1}, {y1} fillstyle {pattern} noborder fillcolor "{colour}"'


def outcomes(numbers):
    """A bar for each period, its parts by where they are now; what is not shown one by one is the pale rest."""
    commands, most, seen = [], 1, []
    for x, period in enumerate(numbers.periods):
        sent, bottom = numbers.count("sent", period), 0
        for key, _, colour in STANDINGS:
            part = numbers.count(f"sent.{key}", period)
            if part:
                commands.append(rectangle(x - .38, bottom, x + .38, bottom + part, colour))
                bottom += part
                seen.append(key)
        if sent is None:
            commands.append(label(told(numbers.get("sent", period)), x, 0, GREY, "center", "offset 0,0.5"))
            continue
        if sent > bottom:
            commands.append(rectangle(x - .38, bottom, x + .38, sent, "#DDDDDD"))
            seen.append("rest")
        commands.append(label(told(sent), x, sent, place="center", more="offset 0,0.5"))
        most = max(most, sent)
    commands += [label(words, 1.015, .12 + .1 * place, colour, axes="graph") for place, (words, colour) in
                 enumerate([(words, colour) for key, words, colour in STANDINGS if key in seen] +
                           ([("not shown one by one", GREY)] if "rest" in seen else []))]
    step = 1 + len(numbers.periods) // 14
    names = ", ".join(f"{quoted(p)} {x}" for x, p in enumerate(numbers.periods) if x % step == 0)
    commands += [f"set xrange [-0.6:{len(numbers.periods) - .4}]", f"set yrange [0:{most * 1.12}]", "set lmargin 6", "set rmargin 23",
                 f"set xtics ({names}) rotate by -35 noenhanced", 'set grid ytics linecolor "#E6E6E6"', "plot -1 notitle"]
    said = "; ".join(f"{p}: {told(numbers.get('sent', p))} sent" for p in numbers.periods)
    return draw("outcomes", "Referrals by period, and where they are now", said, 290, commands)


def times(numbers):
    """For each step and priority: half were done by the dot, nine of ten by the end of the line."""
    commands, y, said, longest = [], 0, [], 1.0
    for step, words in reversed(STEPS):
        top = y
        for priority, colour in reversed(PRIORITIES):
            median, ninth = (numbers.get(f"{step}_{what}_h", priority=priority) for what in ("median", "p90"))
            if median is not None:
                begin, end = max(median, .1), max(ninth, .1)
                longest = max(longest, end)
                commands += [f'set arrow from {begin}, {y} to {end}, {y} nohead linewidth 4 linecolor "{colour}"',
                             f'set object circle at {begin}, {y} size screen 0.0075 fillcolor "{colour}" fillstyle solid',
                             label(f"{priority} {hours(median)}", begin, y, colour, "right", "offset -1.2,0"),
                             label(hours(ninth), end, y, colour, more="offset 0.6,0")]
                said.append(f"{step}, {priority}: half within {hours(median)}, nine of ten within {hours(ninth)}")
            y += 1
        commands.append(label(words, -.02, (top + y - 1) / 2, place="right", axes="graph").replace(
            f", graph {(top + y - 1) / 2}", f", first {(top + y - 1) / 2}"))
        y += .8
    marks = ", ".join(f'"{words}" {h}' for words, h in [("6 min", .1), ("1 h", 1), ("6 h", 6), ("1 day", 24), ("3 days", 72),
                                                         ("10 days", 240), ("30 days", 720), ("90 days", 2160), ("1 year", 8766)])
    commands += ["set logscale x", f"set xrange [0.02:{longest * 4}]", f"set yrange [-0.8:{y - .6}]", "unset ytics", "set lmargin 17",
                 "set rmargin 4", f"set xtics ({marks})", 'set grid xtics linecolor "#E6E6E6"', "plot -9 notitle"]
    return draw("times", "Time from sending to each step, by priority", "; ".join(said) or "No group is large enough.", 350, commands)


def bars(name, title, lines, colour, width=HALF):
    """Horizontal bars: (words, value) each; what is small is a word and no bar."""
    most = max([value for _, value in lines if isinstance(value, int)] + [1])
    commands = []
    for place, (words, value) in enumerate(reversed(lines)):
        if isinstance(value, int):
            commands.append(rectangle(0, place - .36, value, place + .36, colour))
        commands.append(label(told(value), value if isinstance(value, int) else 0, place, more="offset 0.7,0"))
    names = ", ".join(f"{quoted(words)} {place}" for place, (words, _) in enumerate(reversed(lines)))
    widest = max(len(words) for words, _ in lines)
    commands += [f"set xrange [0:{most * (1.12 if width == WIDTH else 1.4)}]", f"set yrange [-0.7:{len(lines) - .3}]", "unset xtics",
                 f"set ytics ({names}) noenhanced", f"set lmargin {.82 * widest + 2.5:.1f}", "set rmargin 3", "set tmargin 0.3", "set bmargin 0.3",
                 "plot -9 notitle"]
    said = "; ".join(f"{words}: {told(value)}" for words, value in lines)
    return draw(name, title, said, 18 + 25 * len(lines), commands, width)


def parts(numbers, measure, words):
    """The parts that there are, in the order of `words`."""
    there = numbers.parts(measure)
    return [(words[key], numbers.get(f"{measure}.{key}")) for key in words if key in there]


def missed_by(numbers):
    lines = [(letter, numbers.get("missed", organisation=letter)) for letter in numbers.categories("organisation", "missed")]
    lines.sort(key=lambda line: -line[1] if isinstance(line[1], int) else 0)
    return bars("missed-by", "Clocks missed, by whoever should have acted", lines, RED, NARROW) if lines else ""


def missed_clocks(numbers):
    lines = parts(numbers, "missed", CLOCKS)
    return bars("missed-clocks", "Clocks missed, by what was waited for", lines, RED, WIDE) if lines else ""


def ages(numbers):
    lines = parts(numbers, "open", AGES)
    return bars("ages", "Open referrals, by time since they were sent", lines, GREEN, WIDTH) if lines else ""


def ends(numbers):
    lines = parts(numbers, "rerouted", ENDS)
    return bars("ends", "Where referrals that were passed on are now", lines, BLUE) if lines else ""


def paths(numbers):
    """Who passed on to whom: a disc for each pair, its area the number."""
    pairs = {}
    for key, value in numbers.values.items():
        if key[0] == "" and key[-1].startswith("passed_on.to."):
            pairs[key[1], key[-1].split(".", 2)[2]] = value
    letters = sorted({letter for pair in pairs for letter in pair}, key=lambda letter: (len(letter), letter))
    if not pairs or len(letters) > 26:
        return ""
    most = max([value for value in pairs.values() if isinstance(value, int)] + [1])
    place = {letter: i for i, letter in enumerate(letters)}
    commands = [label("from", -.02, 1.0, GREY, "right", axes="graph"), label("to", .5, 1.12, GREY, "center", axes="graph")]
    for (start, end), value in sorted(pairs.items()):
        x, y = place[end], len(letters) - 1 - place[start]
        if isinstance(value, int):
            commands.append(f'set object circle at {x}, {y} size {.46 * (value / most) ** .5} fillcolor "{SKY}" fillstyle solid 0.55 noborder')
        commands.append(label(told(value), x, y, "#222222" if isinstance(value, int) else GREY, "center"))
    across = ", ".join(f"{quoted(letter)} {i}" for letter, i in place.items())
    down = ", ".join(f"{quoted(letter)} {len(letters) - 1 - i}" for letter, i in place.items())
    side = f"[-0.6:{len(letters) - .4}]"
    commands += [f"set xrange {side}", f"set yrange {side}", f"set x2range {side}", "unset xtics", f"set x2tics ({across}) noenhanced",
                 f"set ytics ({down}) noenhanced", "set size ratio -1", "set tmargin 3.5", "set bmargin 0.5", 'set grid x2tics ytics linecolor "#EEEEEE"',
                 "plot -9 notitle"]
    said = "; ".join(f"{start} to {end}: {told(value)}" for (start, end), value in sorted(pairs.items()))
    return draw("paths", "Who passed referrals on to whom", said, 60 + 32 * len(letters), commands, HALF)
