"""Reads what arrives from candor: totals, shares, ratios and medians, each with a 95 % interval.

Needs Python 3.9 and nothing else. The page "Reading what arrives" of candor's manual says what each number means.

    import candor_reading as reading
    found = reading.records(bodies)                       # bodies of requests, as text or bytes
    exports = [it for it in found if it.event == "export.ended"]
    print(reading.total(exports))
    print(reading.share(exports, lambda it: it.fields.get("ok") == "false"))
    print(reading.median(exports, "took", [0, 100, 1000, 10000]))

Run as a program it reads files that have one body a line, and prints the total of each event.
"""

import json
import math
import sys
from dataclasses import dataclass, field

Z = 1.959963984540054  # the normal distribution's 97.5 % point
DAY = 86_400_000_000_000
CAP = 1_048_577  # a larger count is reported as this one


@dataclass(frozen=True)
class Record:
    uid: str  # the same id again is the same record again
    event: str
    day: int  # the UTC day, counted from 1970-01-01
    count: int  # of a roll-up the step to which the count was rounded, otherwise 1
    divisor: int  # of how many the reporter is one
    other: bool  # whether it sums the combinations that were not among the most frequent ones
    fields: dict = field(default_factory=dict, hash=False)  # by name, as text: true, 513, hevc


@dataclass(frozen=True)
class Estimate:
    value: float  # NaN if there is nothing to divide by, or no record
    low: float
    high: float
    records: int  # below about 20 it says little
    capped: int  # how many of them have the largest count there is: the estimate may be too low


def records(bodies):
    """The records in these bodies, each once, in the order in which they arrived. Erasure requests are no records."""
    found = {}
    for body in bodies:
        for resource in json.loads(body).get("resourceLogs", []):
            for scope in resource.get("scopeLogs", []):
                for value in scope.get("logRecords", []):
                    if value["eventName"] != "candor.erasure":
                        record = _record(value)
                        found.setdefault(record.uid, record)
    return list(found.values())


def _record(value):
    said = {}
    for attribute in value.get("attributes", []):
        ((_, what),) = attribute["value"].items()
        said[attribute["key"]] = str(what).lower() if isinstance(what, bool) else str(what)
    try:
        uid, divisor = said.pop("log.record.uid"), int(said.pop("candor.divisor"))
    except KeyError as missing:
        raise ValueError(f"the body has a record without {missing}") from None
    count, other = int(said.pop("count", "1")), said.pop("candor.other", "false") == "true"
    if count < 1 or divisor < 1:
        raise ValueError("the body has a record with a count or divisor that is no number above 0")
    return Record(uid, value["eventName"], int(value["timeUnixNano"]) // DAY, count, divisor, other, said)


class _Sums:
    """Sums over pairs of a record and a factor."""

    def __init__(self, pairs):
        self.records = self.capped = 0
        self.total = self._rounding = self._squares = self.sampling = 0.0
        for it, factor in pairs:
            rounding = it.divisor * (it.count - 1.0) ** 2 / 9.0 * factor * factor if it.count >= 3 else 0.0
            self.records += 1
            self.capped += it.count >= CAP
            self.total += it.divisor * it.count * factor
            self._rounding += rounding
            self._squares += rounding * rounding
            self.sampling += it.divisor * (it.divisor - 1.0) * it.count**2 * factor * factor
        # The variance of rounding, larger where few records carry most of it.
        self.rounding = self._rounding + 1.25 * self._squares / self._rounding if self._rounding > 0 else 0.0

    def estimate(self, value, low, high):
        return Estimate(value, low, high, self.records, self.capped)


def total(found):
    """How often something happened in all. Of once-a-period records, the number of installations."""
    sums = _Sums((it, 1.0) for it in found)
    if sums.records == 0:
        return sums.estimate(0.0, 0.0, 0.0)
    lift = Z * Z * sums.sampling / sums.total / 2
    half = math.sqrt(Z * Z * (sums.rounding + sums.sampling) + lift * lift)
    return sums.estimate(sums.total, max(0.0, sums.total + lift - half), sums.total + lift + half)


def share(found, is_in):
    """Which part of all that happened `is_in` is true for, such as the exports that failed."""
    found = list(found)
    whole = _Sums((it, 1.0) for it in found)
    if whole.records == 0:
        return whole.estimate(math.nan, math.nan, math.nan)
    value = sum(it.count * it.divisor for it in found if is_in(it)) / whole.total
    around = _Sums((it, bool(is_in(it)) - value) for it in found)
    square, spread = whole.total * whole.total, value * (1 - value)
    per = whole.sampling / square
    if spread > 0:
        per = max(per, around.sampling / square / spread)
    lift = Z * Z * per
    half = math.sqrt(lift * lift / 4 + lift * spread + (1 + lift) * Z * Z * around.rounding / square)
    middle = value + lift / 2
    return whole.estimate(value, max(0.0, (middle - half) / (1 + lift)), min(1.0, (middle + half) / (1 + lift)))


def ratio(above, below):
    """One total divided by another one of other records, such as plays by starts."""
    above, below = list(above), list(below)
    over, under = _Sums((it, 1.0) for it in above), _Sums((it, 1.0) for it in below)
    value = over.total / under.total if under.records else math.nan
    both = _Sums([(it, 1.0) for it in above] + [(it, -value) for it in below])
    if under.records == 0:
        return both.estimate(math.nan, math.nan, math.nan)
    per_under = under.sampling / under.total
    per_over = over.sampling / over.total if over.records else per_under
    up, down = Z * Z * per_over / under.total, Z * Z * per_under / under.total
    middle = value + up / 2
    inner = middle * middle - (1 - down) * (value * value - Z * Z * both.rounding / (under.total * under.total))
    if down >= 1 or inner < 0:
        return both.estimate(value, 0.0, math.inf)
    root = math.sqrt(inner)
    return both.estimate(value, max(0.0, (middle - root) / (1 - down)), (middle + root) / (1 - down))


def median(found, name, steps):
    """The median of a field that is a number, over all that happened. `steps` are the lower ends of the field's steps."""
    steps = sorted(steps)
    pairs = [(it, int(it.fields[name])) for it in found if _number(it.fields.get(name)) in steps]
    whole = _Sums((it, 1.0) for it, _ in pairs)
    if whole.records == 0:
        return whole.estimate(math.nan, math.nan, math.nan)
    at = dict.fromkeys(steps, 0.0)
    for it, value in pairs:
        at[value] += it.count * it.divisor
    half = Z * math.sqrt((whole.rounding + whole.sampling) / 4) / whole.total
    middle, low, high = (_place(at, whole.total * part) for part in (0.5, 0.5 - half, 0.5 + half))
    begin, end, part = middle
    value = begin + (end - begin) * part if math.isfinite(end) else begin
    return whole.estimate(float(value), float(low[0]), float(high[1]))


def _number(text):
    try:
        return int(text)
    except (TypeError, ValueError):
        return None


def _place(at, goal):
    """The step in which the sum of what is at and below it reaches `goal`: its ends, and how far into it that is."""
    below, found = 0.0, None
    for step, here in at.items():
        if here > 0:
            if found is not None and below >= goal:
                break
            found = (step, min(1.0, max(0.0, (goal - below) / here)))
            below += here
    begin, part = found
    return begin, min((step for step in at if step > begin), default=math.inf), part


if __name__ == "__main__":
    lines = (line for name in sys.argv[1:] for line in open(name, encoding="utf-8") if line.strip())
    everything = records(lines)
    for event in sorted({it.event for it in everything}):
        print(event, total(it for it in everything if it.event == event))
