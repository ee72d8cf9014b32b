"""The second computation for .ci/film: the same plans over the same films, in plain Python, from the file itself.

Uses collections.Counter over tuples of floored values and nothing of the tool but its JSON report.
"""

import csv
import json
import math
import subprocess
import sys
from collections import Counter

TOOL, TABLE, SCRATCH = sys.argv[1:]
GENRES = ["Action", "Animation", "Comedy", "Drama", "Documentary", "Romance", "Short"]
LADDER_13 = [0, 0.5, 1, 2, 3, 5, 10, 20, 30, 45, 60, 90, 120, 180]
LADDER_6 = [0, 1, 5, 20, 60, 120]
LENGTHS = [1, 2, 3, 5, 8, 12]

# Plan: fields with their steps (None: as it is; a list: a ladder); known percentages: alone, under 20.
PLANS = {
    "exact (1 min)": ([("length", None)], 0.075, 0.995),
    "1 min": ([("length", 1)], 0.075, 0.995),
    "5 min": ([("length", 5)], 0.032, 0.294),
    "10 min": ([("length", 10)], 0.019, 0.156),
    "ladder 13": ([("length", LADDER_13)], 0.0, 0.00),
    "ladder 6": ([("length", LADDER_6)], 0.0, 0.00),
    "1 min × year": ([("length", 1), ("year", None)], 5.6, None),
    "1 min × year × genres": ([("length", 1), ("year", None)] + [(g, None) for g in GENRES], 26.7, 96),
    "10 min × decade": ([("length", 10), ("year", 10)], None, None),
    "10 min × decade × genres": ([("length", 10), ("year", 10)] + [(g, None) for g in GENRES], None, None),
}

failures = []


def check(what, said, wanted, tolerance):
    if abs(said - wanted) > tolerance:
        failures.append(f"{what}: {said} instead of {wanted}")


def text(how):
    if how is None:
        return "exact"
    return f"step:{how}" if isinstance(how, int) else "ladder:" + ",".join(map(str, how))


def floored(value, how):
    if how is None:
        return value
    if isinstance(how, int):
        return math.floor(int(value) / how)
    return sum(bound <= int(value) for bound in how)


def nearest(value, how):
    """The control: half up, as a careless generaliser would."""
    return math.floor(int(value) / how + 0.5)


def shares(keys):
    sizes = Counter(keys)
    total = len(keys)
    under = lambda k: sum(n for n in sizes.values() if n < k) / total
    entropy = -sum(n / total * math.log2(n / total) for n in sizes.values())
    return {"classes": len(sizes), "share_unique": under(2), "share_under_5": under(5), "share_under_20": under(20),
            "share_under_50": under(50), "share_under_k": under(20), "entropy_bits": entropy,
            "smallest_class": min(sizes.values()), "largest_class": max(sizes.values())}


def unique_runs(keys, length):
    runs = [tuple(keys[at:at + length]) for at in range(len(keys) - length + 1)]
    seen = Counter(runs)
    return sum(n == 1 for n in seen.values()) / len(runs)


with open(TABLE, newline="", encoding="utf-8") as file:
    films = list(csv.DictReader(file))
command = [TOOL, TABLE, "--quiet", "--json", f"{SCRATCH}/films.json", "--html", f"{SCRATCH}/films.html"]
for name, (fields, _, _) in PLANS.items():
    command += ["--plan", f"{name} | " + ";".join(f"{field}={text(how)}" for field, how in fields)]
subprocess.run(command, check=True)
with open(f"{SCRATCH}/films.json", encoding="utf-8") as file:
    report = json.load(file)
[event] = report["events"]
assert event["rows"] == len(films) == 58_788, event["rows"]
assert [plan["plan"] for plan in event["plans"]] == list(PLANS)

compared = 0
for plan in event["plans"]:
    name = plan["plan"]
    fields, alone, under = PLANS[name]
    figures = plan["by_record"]
    columns = [[floored(film[field], how) for film in films] for field, how in fields]
    keys = list(zip(*columns))
    for figure, wanted in shares(keys).items():
        check(f"{name}, {figure}", figures[figure], wanted, 1e-5 if figure == "entropy_bits" else 1e-12)
        compared += 1
    for one in plan["leave_one_out"]:
        rest = [column for (field, _), column in zip(fields, columns) if field != one["field"]]
        wanted = shares(list(zip(*rest)) if rest else [()] * len(films))
        for figure in ("share_unique", "share_under_k"):
            check(f"{name} without {one['field']}, {figure}", one[figure], wanted[figure], 1e-12)
            compared += 1
    for run in plan["sequences"]:
        check(f"{name}, runs of {run['length']}", run["share_unique"], unique_runs(keys, run["length"]), 1e-12)
        compared += 1
    assert [run["length"] for run in plan["sequences"]] == LENGTHS
    for what, share, wanted in (("alone", figures["share_unique"], alone), ("under 20", figures["share_under_20"], under)):
        if wanted is not None:
            # Half of the last digit in which the figure is known; 0 is exactly 0.
            digits = 3 if isinstance(wanted, float) and 0 < wanted < 1 else 1 if isinstance(wanted, float) else 0
            check(f"{name}, {what} (known)", 100 * share, wanted, 0.0 if wanted == 0 else 0.5 * 10**-digits)
            compared += 1

# The control: rounding to nearest must match neither the tool nor what is known, or the comparison proves nothing.
for minutes in (5, 10):
    by_floor = event["plans"][list(PLANS).index(f"{minutes} min")]["by_record"]
    by_nearest = shares([nearest(film["length"], minutes) for film in films])
    known = PLANS[f"{minutes} min"][2]
    for wanted, tolerance in ((100 * by_floor["share_under_20"], 1e-9), (known, 0.0005)):
        if abs(100 * by_nearest["share_under_20"] - wanted) <= tolerance:
            failures.append(f"rounding to nearest {minutes} min gives {wanted} % too: the comparison proves nothing")

# The manual's tables, to the digit that they show.
ROWS = {
    "length to 1 minute": "1 min", "length to 5 minutes": "5 min", "length to 10 minutes": "10 min",
    "length on 14 rungs": "ladder 13", "length on 6 rungs": "ladder 6",
    "length to 1 minute, and the year": "1 min × year",
    "length to 1 minute, the year, seven genres": "1 min × year × genres",
    "length to 10 minutes, and the decade": "10 min × decade",
    "length to 10 minutes, the decade, seven genres": "10 min × decade × genres",
    "to 1 minute": "1 min", "to 5 minutes": "5 min", "to 10 minutes": "10 min", "on 14 rungs": "ladder 13", "on 6 rungs": "ladder 6",
}
plans = {plan["plan"]: plan for plan in event["plans"]}
shown = 0
with open("src/manual/rounding.md", encoding="utf-8") as file:
    for line in file:
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        name = cells[0].split(" (")[0].split(", `")[0]
        if name not in ROWS or not line.startswith("|"):
            continue
        plan = plans[ROWS[name]]
        figures = plan["by_record"]
        wanted = ([100 * run["share_unique"] for run in plan["sequences"]] if len(cells) == 7 else
                  [100 * figures["share_unique"], 100 * figures["share_under_20"], figures["entropy_bits"]])
        for cell, exact in zip(cells[1:], wanted, strict=True):
            if cell == "all":
                shown += 1
                if exact != 100:
                    failures.append(f"rounding.md, {cells[0]}: all instead of {exact}")
                continue
            number = cell.removesuffix(" %")
            digits = len(number.partition(".")[2])
            # "0" means none at all.
            if (float(number) == 0) != (exact == 0) or abs(float(number) - exact) > 0.5000001 * 10**-digits:
                failures.append(f"rounding.md, {cells[0]}: {cell} instead of {exact}")
            shown += 1
if shown != 9 * 3 + 5 * 6:
    failures.append(f"rounding.md: {shown} figures were found in the tables of films")

for failure in failures:
    print(failure)
if failures:
    sys.exit(1)
said = [f"{plan['plan']} {100 * plan['by_record']['share_unique']:.3f}/{100 * plan['by_record']['share_under_20']:.3f}"
        for plan in event["plans"]]
print(f"film: {len(films)} films, {compared} figures agree, {shown} of the manual's; alone/under 20 in %: " + ", ".join(said))
