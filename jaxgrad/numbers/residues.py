"""Residues modulo random primes: identity testing where polynomials would be too large.

A program is run at a random point modulo several primes at once.  Two programs that are the same
polynomial, or quotient, of their inputs and of the values of functions have the same residues; two
that are not have them with a chance that :mod:`jaxgrad.numbers.residue_sizes` bounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jaxgrad.numbers.arrays import ArraySystem, SystemArray
from jaxgrad.numbers.nonfinite import NonFinite, apply_nonfinite
from jaxgrad.numbers.operations import LOGIC, operation
from jaxgrad.numbers.prime_fields import NoResidue, keys
from jaxgrad.numbers.residue_arithmetic import ResidueElement
from jaxgrad.numbers.residue_blocks import NONFINITE, Remainders, code_of
from jaxgrad.numbers.residue_functions import ResidueNumbers
from jaxgrad.numbers.residue_sizes import VALUE

__all__ = ["ResidueArrays", "Residues"]

# The windows of a convolution, say, repeat each number: 16 MiB of each of the primes, and three
# times as much where they are multiplied as matrices.
_LARGEST = 2**21
# So many summands are added one by one, which keeps what an exponent is made of.
_FEW = 4


class Residues(SystemArray):
    """Remainders modulo each of the primes, and the place of each number in what made it."""

    def each(self, f: Callable[[Any], Any]) -> Any:
        return type(self)(*(np.asarray(f(part)) for part in self.parts))


class ResidueArrays(ArraySystem):
    """Arrays of residues, all of one run.

    Args:
        numbers: the primes and what was drawn so far.

    Example:
        >>> from jaxgrad.numbers.prime_fields import PrimeFields
        >>> system = ResidueArrays(ResidueNumbers(PrimeFields(2)))
        >>> x = system.variables((3,))
        >>> twice = system.function("add", x, x)
        >>> bool((twice.parts[0] == system.function("mul", system.lift(2), x).parts[0]).all())
        True
    """

    name = "residue"

    def __init__(self, numbers: ResidueNumbers) -> None:
        self.numbers = numbers

    # -- between arrays and elements ---------------------------------------------------------
    def _element(self, array: Residues) -> ResidueElement:
        lanes = np.stack([np.asarray(part) for part in array.parts[:-1]])
        return ResidueElement(self.numbers, Remainders(lanes, np.asarray(array.parts[-1])))

    def _array(self, element: ResidueElement) -> Residues:
        values = element.values
        return Residues(*values.lanes, values.places)

    def _of_remainders(self, lanes: np.ndarray, places: np.ndarray) -> ResidueElement:
        return ResidueElement(self.numbers, Remainders(lanes, places))

    def variables(self, shape: tuple[int, ...]) -> Residues:
        """Real inputs, each drawn by itself."""
        return self.inputs(self.numbers.fields.drawn(math.prod(shape)), shape)

    def inputs(self, lanes: np.ndarray, shape: tuple[int, ...]) -> Residues:
        """Real inputs that were drawn, of shape (primes, n)."""
        return self._array(self.numbers.made(lanes, shape, "", (), VALUE))

    def lift(self, values: np.ndarray) -> Residues:
        return self._array(self.numbers.of_constants(values))

    def move(self, f: Callable[..., Any], *arrays: Residues) -> Any:
        parts = zip(*(array.parts for array in arrays), strict=True)
        made = [_sized(f(np, *each)) for each in parts]
        if not isinstance(made[0], list | tuple):
            return Residues(*map(np.asarray, made))
        return [Residues(*map(np.asarray, each)) for each in zip(*made, strict=True)]

    # -- functions ---------------------------------------------------------------------------
    def function(self, name: str, *arrays: Residues) -> Residues:
        xs = [self._element(array) for array in arrays]
        if any((x.values.places < 0).any() for x in xs):
            return self._array(self._case_by_case(name, operation(name), xs))
        return self._array(operation(name)(self.numbers, *xs))

    def _case_by_case(
        self, name: str, operate: Callable[..., Any], xs: Sequence[ResidueElement]
    ) -> ResidueElement:
        """A function of arrays of which some entries are no real numbers."""
        shape = np.broadcast_shapes(*(x.shape for x in xs))
        flat = [x.values.broadcast(shape).flat() for x in xs]
        codes = np.stack([np.minimum(x.places, 0) for x in flat])
        lanes, places = np.zeros_like(flat[0].lanes), np.zeros_like(flat[0].places)
        cases, which = np.unique(codes, axis=1, return_inverse=True)
        for k, case in enumerate(cases.T.tolist()):
            entries = np.flatnonzero(which.reshape(-1) == k)
            given = [
                NonFinite(NONFINITE[code]) if code else self._of_remainders(
                    x.lanes[:, entries], x.places[entries])
                for code, x in zip(case, flat, strict=True)
            ]  # fmt: skip
            if any(case):
                found = apply_nonfinite(self.numbers, name, tuple(given))
            else:
                found = operate(self.numbers, *given)
            if isinstance(found, NonFinite):
                places[entries] = code_of(found.value)
                continue
            values = found.values.broadcast(entries.shape)
            lanes[:, entries], places[entries] = values.lanes, values.places
        return ResidueElement(self.numbers, Remainders(lanes, places).reshape(shape))

    def _finite(self, what: str, *arrays: Residues) -> list[ResidueElement]:
        found = [self._element(array) for array in arrays]
        if any((x.values.places < 0).any() for x in found):
            raise NoResidue(f"{what} that holds an infinity or NaN")
        return found

    def power(self, array: Residues, exponents: np.ndarray) -> Residues:
        (x,) = self._finite("a power", array)
        shape = np.broadcast_shapes(x.shape, np.shape(exponents))
        flat = x.values.broadcast(shape).flat()
        each = np.broadcast_to(exponents, shape).reshape(-1)
        lanes, places = np.zeros_like(flat.lanes), np.zeros_like(flat.places)
        for n in np.unique(each).tolist():
            entries = np.flatnonzero(each == n)
            base = self._of_remainders(flat.lanes[:, entries], flat.places[entries])
            values = self.numbers.power(base, int(n)).values.broadcast(entries.shape)
            lanes[:, entries], places[entries] = values.lanes, values.places
        made = Remainders(lanes, places).reshape(shape)
        return self._array(ResidueElement(self.numbers, made))

    def reduce(self, name: str, rows: Residues) -> Residues:
        if name in ("max", "min"):
            x = self._element(rows)
            found = self._largest(x if name == "max" else self._negated(x))
            return self._array(found if name == "max" else self._negated(found))
        (x,) = self._finite("a sum or product", rows)
        count = x.shape[-1]
        if name == "sum" and count > _FEW:
            return self._array(self._sum(x))
        columns = [
            self._of_remainders(x.values.lanes[..., k], x.values.places[..., k])
            for k in range(count)
        ]
        operate = self.numbers.add if name == "sum" else self.numbers.multiply
        if not columns:
            neutral = self.numbers.constant(0 if name == "sum" else 1)
            values = neutral.values.broadcast(x.shape[:-1])
            return self._array(ResidueElement(self.numbers, values))
        total = columns[0]
        for column in columns[1:]:
            total = operate(total, column)
        return self._array(total)

    def _sum(self, x: ResidueElement) -> ResidueElement:
        size, sign = self.numbers.size(x), self.numbers.sign_of(x)
        lanes = self.numbers.fields.total(x.values.lanes)
        return self.numbers.made(lanes, x.shape[:-1], "", (), size.plus(size, x.shape[-1]), sign)

    def _negated(self, x: ResidueElement) -> ResidueElement:
        return self._element(self.function("neg", self._array(x)))

    def _largest(self, rows: ResidueElement) -> ResidueElement:
        """The maximum of each row: a value drawn for each set of numbers.

        Raises:
            NoResidue: one of the entries is NaN or +∞.
        """
        numbers, shape = self.numbers, rows.shape[:-1]
        places = rows.values.places
        if bool(((places < 0) & (places != code_of(-np.inf))).any()):
            raise NoResidue("the largest of numbers one of which is an infinity or NaN")
        count, length = math.prod(shape), rows.shape[-1]
        flat = rows.values.reshape((count, length))
        lanes = np.zeros((len(flat.lanes), count), np.int64)
        found = np.full(count, code_of(-np.inf), np.int64)
        several: list[int] = []
        sets: list[bytes] = []
        for row in range(count):
            finite = np.flatnonzero(flat.places[row] >= 0)
            each = keys(flat.lanes[:, row, finite])
            if not each:
                continue
            if len(set(each)) == 1:
                lanes[:, row] = flat.lanes[:, row, finite[0]]
                found[row] = flat.places[row, finite[0]]
                continue
            several.append(row)
            sets.append(b"".join(sorted(set(each))))
        made = numbers.largest_of(sets, numbers.sign_of(rows))
        lanes[:, several], found[several] = made.values.lanes, made.values.places
        return ResidueElement(numbers, Remainders(lanes, found).reshape(shape))

    def contract(self, a: Residues, b: Residues) -> Residues:
        x, y = self._finite("a product of matrices", a, b)
        numbers = self.numbers
        lanes = numbers.fields.matmul(x.values.lanes, y.values.lanes)
        product = numbers.size(x).times(numbers.size(y))
        terms = max(x.shape[-1], 1)
        size = product if terms == 1 else product.plus(product, terms)
        signs = numbers.sign_of(x), numbers.sign_of(y)
        sign = min(signs) if min(signs) > 0 and x.shape[-1] else 0
        shape = lanes.shape[1:]
        return self._array(numbers.made(lanes, shape, "", (), size, sign))

    # -- truth -------------------------------------------------------------------------------
    def truths(self, values: np.ndarray) -> Residues:
        return self.lift(np.asarray(values, np.float64))

    def compare(self, relation: str, a: Residues, b: Residues, ordered: bool = False) -> Residues:
        nan = code_of(np.nan)
        if ordered and any((array.parts[-1] == nan).any() for array in (a, b)):
            raise NoResidue("the place of a NaN in an order")
        xs = [self._element(array) for array in (a, b)]

        def compare(numbers: ResidueNumbers, x: Any, y: Any) -> ResidueElement:
            return numbers.compare(relation, x, y)

        if any((x.values.places < 0).any() for x in xs):
            return self._array(self._case_by_case(relation, compare, xs))
        return self._array(compare(self.numbers, *xs))

    def opened(self, truths: Residues, ties: Residues) -> Residues:
        if bool(self.numbers.is_zero(self._element(ties)).all()):
            return truths
        raise NoResidue("which of two entries that tie in a window moves, XLA decides")

    def is_finite(self, array: Residues) -> Residues:
        return self._array(self.numbers.is_finite(self._element(array)))

    def logic(self, name: str, *truths: Residues) -> Residues:
        return self._array(LOGIC[name](self.numbers, *map(self._element, truths)))

    def known(self, truths: Residues) -> np.ndarray | None:
        return self.numbers.known_entries(self._element(truths))

    def select(self, truths: Residues, if_false: Residues, if_true: Residues) -> Residues:
        return self._array(self.numbers.select(*map(self._element, (truths, if_false, if_true))))

    def number(self, truths: Residues) -> Residues:
        return truths

    def places(self, relation: str, keys: Sequence[Residues], stable: bool) -> np.ndarray:
        raise NoResidue("the order of numbers that depend on the inputs")

    def first(self, relation: str, rows: Residues) -> np.ndarray:
        raise NoResidue("which of some numbers that depend on the inputs is the largest")

    def integers(self, array: Residues) -> list[int | None]:
        constants = self.numbers.blocks.constants(np.asarray(array.parts[-1]))
        return [None] * array.size if constants is None else [int(q) for q in constants]


def _sized(made: Any) -> Any:
    """What entries were moved to, if that is no larger than there is room for.

    Raises:
        NoResidue: it is.
    """
    if sum(np.size(x) for x in (made if isinstance(made, list | tuple) else [made])) > _LARGEST:
        raise NoResidue(f"arrays of more than {_LARGEST} residues")
    return made
