"""What a pass that measured a derivative says: counts of tiles, and the floats it left open."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import ml_dtypes
import numpy as np
from flint import arb

from jaxgrad.errors import EnginesDisagree, JaxgradError
from jaxgrad.evidence.bounds import bounds_of
from jaxgrad.evidence.float_formats import Float, Format
from jaxgrad.evidence.swept import Count, Extent
from jaxgrad.gradients.accuracy.measured import Accuracy, Binade, WorstFloat
from jaxgrad.gradients.accuracy.measuring import MeasuringPass
from jaxgrad.gradients.accuracy.ordinals import ordinal, ordinal_of
from jaxgrad.gradients.accuracy.settled import Settled, settle
from jaxgrad.gradients.accuracy.tile_rows import TileRows

__all__ = ["concluded"]

# Floats that intervals leave open and germs are asked of: as many as a dtype of 16 bits has, so
# that of those no float is left unasked.  A few hundred are left open in float32.
_MOST_ASKED = 2**16
# Floats at which intervals are held against germs, in tiles that are spread over all.
_WITNESSES = 16

_ROW = {name: k for k, name in enumerate(TileRows.NAMES)}
_FIRST_POWER = len(TileRows.NAMES)
_MISTAKES = ("zero", "overflow", "nan")
_DIGITS = 17
# Where the decimals of a true derivative would not fit into memory: e^(−10^38).
_LEAST, _MOST = 10.0**-300, 10.0**300
_BEYOND = ((-math.inf, -_MOST), (-_LEAST, 0.0), (0.0, _LEAST), (_MOST, math.inf),
           (-_LEAST, _LEAST))  # fmt: skip


def concluded(done: MeasuringPass) -> Accuracy:
    """What was measured.

    Args:
        done: the pass, which is over.

    Raises:
        EnginesDisagree: germs contradict what intervals say of a float.
    """
    format = done.format
    _require_witnesses(done)
    asked = list(itertools.islice(done.floats(_ROW["open"]), _MOST_ASKED))
    settled = [settle(done.program, x, y) for x, y in asked]
    totals = done.counts.astype(np.int64).sum(axis=0)  # after tiles that were looked at again
    if int(totals[_ROW["numbers"]]) != format.numbers:
        raise JaxgradError(
            f"accuracy visited {totals[_ROW['numbers']]} numbers of {format.numbers}: please report"
        )
    kinds = [found.kind for found in settled]
    left = int(totals[_ROW["open"]]) - len(settled) + kinds.count("open")
    counts = {name: _count(done, name, settled) for name in _MISTAKES}
    return Accuracy(
        dtype=format.dtype,
        binades=_binades(done, settled),
        zeros=counts["zero"],
        overflows=counts["overflow"],
        nans=counts["nan"],
        worst=_worst(done, settled),
        without_value=int(totals[_ROW["nowhere"]]),
        without_derivative=kinds.count("no derivative"),
        infinite=int(totals[_ROW["infinite"]]),
        open=left,
        first_open=next((found.x for found in settled if found.kind == "open"), None),
        trusts=(
            f"the program that XLA compiled for {done.devices[0].platform}, as it ran here",
            "intervals of float64 arrays",
            "Arb",
        ),
    )


# -- how many bits are right -----------------------------------------------------------------------
def _precision(format: Format) -> int:
    return int(ml_dtypes.finfo(format.dtype).nmant) + 1


def _right(format: Format, distance: int) -> int:
    return max(_precision(format) - distance.bit_length(), 0)


def _binade(format: Format, bits: int) -> tuple[bool, int]:
    """The sign of a float, and its exponent as it is stored."""
    exponent = (bits & int(format.magnitude)) >> (_precision(format) - 1)
    return bool(bits & format.sign), exponent


def _binades(done: MeasuringPass, settled: Sequence[Settled]) -> tuple[Binade, ...]:
    format, precision = done.format, _precision(done.format)
    found: dict[tuple[bool, int], np.ndarray] = {}
    keys = [_binade(format, number * done.tile) for number in range(len(done.counts))]
    for key, tiles in itertools.groupby(range(len(keys)), lambda number: keys[number]):
        row = done.counts[list(tiles)].astype(np.int64).sum(axis=0)
        others = sum(int(row[_ROW[name]]) for name in ("infinite", "open", "nowhere"))
        judged = int(row[_ROW["numbers"]]) - others
        off = np.array([judged, *row[_FIRST_POWER:], 0])  # by 2^(k − 1) floats or more
        of_length = off[:-1] - off[1:]
        right = np.zeros(precision + 1, np.int64)
        for length, count in enumerate(of_length):
            right[max(precision - length, 0)] += count
        found[key] = right
    for each in settled:
        if each.kind == "judged":
            found[_binade(format, each.x.bits)][_right(format, each.distance)] += 1
    least = int(ml_dtypes.finfo(format.dtype).minexp) - 1
    return tuple(
        Binade(negative, least + stored, tuple(map(int, right)))
        for (negative, stored), right in sorted(found.items())
        if right.any()
    )


# -- the worst float -------------------------------------------------------------------------------
def _worst(done: MeasuringPass, settled: Sequence[Settled]) -> WorstFloat | None:
    judged = [found for found in settled if found.kind == "judged"]
    candidates = [*judged, *(settle(done.program, *each) for each in _furthest_off(done))]
    known = [found for found in candidates if found.kind == "judged"]
    if not known:
        return None
    # Of those with the fewest right bits the one that is furthest off, and nearest to 0.
    worst = max(known, key=lambda found: (found.distance, -abs(ordinal(found.x))))
    is_nan = bool(np.isnan(worst.y.astype(np.float64)))
    return WorstFloat(
        worst.x,
        worst.y,
        _decimals(worst.truth),
        None if is_nan else worst.distance,
        _right(done.format, worst.distance),
    )


def _decimals(truth: arb | None) -> tuple[str, str]:
    if truth is None:
        raise JaxgradError("accuracy: a float is judged without its derivative: please report")
    for least, most in _BEYOND:
        if least < truth < most:
            return str(least), str(most)
    return bounds_of(truth).decimals(_DIGITS)


def _furthest_off(done: MeasuringPass) -> Iterator[tuple[Float, np.ndarray]]:
    """The ends, on each side of 0, of the floats at which most bits are wrong."""
    totals = done.counts[:, _FIRST_POWER:].sum(axis=0, dtype=np.int64)
    powers = np.flatnonzero(totals)
    row = _FIRST_POWER + int(powers[-1]) if powers.size else _ROW["numbers"]
    for half in done.halves():
        for outwards in (1, -1):
            x = done.first(row, half, outwards)
            if x is not None and np.isfinite(float(x.value)):
                yield x, done.output(x)


# -- mistakes --------------------------------------------------------------------------------------
def _is_mistake(name: str, found: Settled) -> bool:
    last = Format(found.x.dtype).last
    if found.kind != "judged" or found.distance == 0:
        return False
    is_nan = bool(np.isnan(found.y.astype(np.float64)))
    if name == "nan" or is_nan:
        return name == "nan" and is_nan and abs(found.rounded) < last
    returned = abs(ordinal_of(found.y))
    return returned == 0 if name == "zero" else returned == last and abs(found.rounded) < last


def _count(done: MeasuringPass, name: str, settled: Sequence[Settled]) -> Count:
    """Where the derivative is 0, infinite or NaN by mistake."""
    row, sign = _ROW[name], done.format.sign
    more = [found.x for found in settled if _is_mistake(name, found)]
    positive, negative = (
        _extent(done, row, half, [x for x in more if bool(x.bits & sign) is below])
        for half, below in zip(done.halves(), (False, True), strict=True)
    )
    return Count(Extent(negative.count, negative.last, negative.first), positive)


def _extent(done: MeasuringPass, row: int, half: range, more: Sequence[Float]) -> Extent:
    """How many there are on one side of 0, the first of them outwards and the last."""
    count = int(done.counts[half.start : half.stop, row].sum(dtype=np.int64)) + len(more)
    ends = (done.first(row, half), done.first(row, half, -1), *more)
    found = sorted((x for x in ends if x is not None), key=lambda x: abs(ordinal(x)))
    return Extent(count, found[0], found[-1]) if found else Extent(0, None, None)


# -- witnesses -------------------------------------------------------------------------------------
def _require_witnesses(done: MeasuringPass) -> None:
    """Hold what intervals say of some floats against germs.

    Raises:
        EnginesDisagree: one says otherwise.
    """
    if not done.by_intervals:
        return
    draw = np.random.default_rng(0)
    among = ("infinite", "open", "nowhere")
    for number in draw.integers(0, len(done.counts), _WITNESSES):
        masks, y = done.masks(int(number))
        judged = masks[_ROW["numbers"]] & ~np.any([masks[_ROW[name]] for name in among], axis=0)
        places = np.flatnonzero(judged)
        if not places.size:
            continue
        place = int(draw.choice(places))
        x = Float(done.format.dtype, int(number) * done.tile + place)
        found = settle(done.program, x, y[place])
        length = int(masks[_FIRST_POWER:, place].sum())
        agree = found.kind == "open" or (
            found.kind == "judged" and found.distance.bit_length() == length
        )
        if not agree:
            raise EnginesDisagree(
                f"accuracy: at {x} intervals have a derivative that is off by floats whose number "
                f"has {length} bits, and germs have {found}: please report"
            )
