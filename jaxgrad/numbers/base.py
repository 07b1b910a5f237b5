"""What every number system is: constants, arithmetic, functions, comparisons, selection.

An array over a number system is a NumPy object array of its elements, so broadcasting, transposing
and indexing come from NumPy.  A new number system subclasses :class:`NumberSystem` and overrides
what it can do better than the definitions here, which reduce every function to a few.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from jaxgrad.errors import CannotDecide, UnsupportedPrimitive
from jaxgrad.numbers.clock import ELEMENTS, tick, ticking
from jaxgrad.numbers.functions import FUNCTIONS

__all__ = ["UNKNOWN", "CannotDecide", "Element", "NumberSystem", "ObjectArray", "objects"]

Element = Any
# The functions that are methods, for systems that know better of them than :meth:`function` does.
METHODS = frozenset({"exp", "log", "sqrt", "logistic", "tanh", "log1p", "expm1"})
UNKNOWN = None  # a truth value that the precision does not settle
# NumPy cannot say what an object array holds, so neither can a type checker.
ObjectArray = Any
Truth = Any


COMPLEX = (
    "a number system holds real numbers; give it real and imaginary parts by themselves, or run a "
    "JAX function over it, in which complex numbers become pairs"
)
"""What to do where there are complex numbers."""


def objects(values: Any, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """A NumPy object array of the given elements, never unpacked into their parts."""
    array = np.fromiter(values, object)
    return array if shape is None else array.reshape(shape)


class NumberSystem:
    """The operations that a program is made of, over one kind of number: a base for your own.

    Elements support ``+ - *`` and unary minus among themselves, and f over them is what
    :func:`jaxgrad.run_over` returns.  A subclass has ``constant``; if programs divide, ``divide``;
    ``function(name, *xs)`` for exp, sin and the like, of which those that have a definition are
    else made of others; and if programs compare, ``compare``, ``truth``, ``known``,
    ``logical_not``, ``logical_and`` and ``select``.  Everything else is made of these, but that
    real numbers become integers only where ``exact_value`` tells what they are.

    Raises:
        UnsupportedPrimitive: a program needs what a subclass has not.

    Example:
        >>> class Rationals(NumberSystem):
        ...     name = "rational"
        ...     def constant(self, value):
        ...         return Fraction(value)
        ...     def divide(self, x, y):
        ...         return x / y
        >>> from jaxgrad import run_over
        >>> run_over(Rationals(), lambda x: (x**2 + 1) / x, Fraction(1, 3))
        Fraction(10, 3)

    Source: docs/architecture.md, to add a number system.
    """

    name = "number"
    sharpens = False
    """Whether comparisons that are open may be told by more bits of ``flint.ctx.prec``."""

    any_pivot = False
    """Whether any pivot of ``lu`` is taken that may be the largest, each in a run of its own."""

    # -- constants ---------------------------------------------------------------------------
    def constant(self, value: Any) -> Element:
        """The exact element of a Python or NumPy number (a float is a binary rational)."""
        raise self._lacks("constant")

    def constants(self, values: np.ndarray) -> np.ndarray:
        """Elementwise :meth:`constant`, with equal numbers converted once.

        Raises:
            UnsupportedPrimitive: the values are complex.
        """
        if np.iscomplexobj(values):
            raise UnsupportedPrimitive(COMPLEX)
        cache: dict[Any, Element] = {}
        flat = np.asarray(values).reshape(-1)
        if flat.dtype.kind not in "biufO":  # bfloat16 and the 8-bit floats
            flat = flat.astype(np.float64)
        out = []
        for value in flat.tolist():
            # -0.0 == 0.0 as a key, and both are the real number 0.
            if value not in cache:
                cache[value] = self.constant(value)
            out.append(cache[value])
        return objects(out, np.shape(values))

    def stored_as(self, dtype: Any, values: np.ndarray) -> np.ndarray:
        """Elements after a conversion to a floating-point dtype, which leaves reals alone."""
        return values

    def still(self, x: Element) -> Element:
        """An element that does not depend on the arguments of a program, where that tells more."""
        return x

    # -- arithmetic --------------------------------------------------------------------------
    def divide(self, x: Element, y: Element) -> Element:
        """x/y, where y may hold 0: what the system has in place of a number then."""
        raise self._lacks("divide")

    def difference(self, x: Element, y: Element) -> Element:
        """x − y, which is 0 if they are one number, however well that is known."""
        return x - y

    def power(self, x: Element, n: int) -> Element:
        """x to an integer power by repeated squaring; a negative n divides."""
        if n < 0:
            return self.divide(self.constant(1), self.power(x, -n))
        result, square = self.constant(1), x
        while n:
            if n & 1:
                result = result * square
            n >>= 1
            if n:
                square = square * square
        return result

    def matmul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """The product of object arrays of shapes (m, k) and (k, n)."""
        out = np.empty((a.shape[0], b.shape[1]), dtype=object)
        for i in range(a.shape[0]):
            for j in range(b.shape[1]):
                tick()
                out[i, j] = self.total([x * y for x, y in zip(a[i], b[:, j], strict=True)])
        return out

    def total(self, terms: list[Element]) -> Element:
        """The sum of a list of elements."""
        result = self.constant(0)
        for term in terms:
            result = result + term
        return result

    def matrix(self, name: str, *matrices: np.ndarray, **options: Any) -> Any:
        """A function of matrices that the system knows better than the textbook's algorithm.

        Args:
            name: of the primitive: ``"cholesky"``, ``"triangular_solve"``, ``"lu"``, ``"qr"``,
                ``"geqrf"``, ``"householder_product"``, ``"eigh"``, ``"svd"`` or ``"schur"``; with
                ``"complex "`` before it of the real and imaginary parts of complex matrices, and so
                are results (:mod:`jaxgrad.numbers.complex_matrices`).
            matrices: object arrays of shape (m, n).
            options: the parameters of the primitive; of ``"eigh"``, ``"svd"``, ``"schur"`` and
                ``"complex eig"`` also ``floats``, what it returns in floating point
                (:mod:`jaxgrad.numbers.vector_signs`).

        Returns:
            an object array, or a tuple of arrays; None to leave it to the algorithm.
        """
        return None

    def apart(self, x: Element) -> tuple[Any, Element]:
        """The ball of the real number that x is next to, and the infinitesimal x beside it.

        Raises:
            CannotDecide: it is next to none, or that is not known.
        """
        raise CannotDecide(f"{self.name} numbers are not known to be next to real ones")

    def real(self, ball: Any) -> Element:
        """The element of a real number in a ball, of a system that takes elements apart."""
        raise self._lacks("real")

    def orders(self, rest: ObjectArray) -> int:
        """How many powers of some infinitesimals a number tells apart; 0 if they all are 0."""
        return 0

    def up_to(self, rest: ObjectArray, order: int, x: Element) -> Element:
        """x, if what is next to it in so high a power of some infinitesimals is not known."""
        return x

    def magnitude(self, infinitesimals: ObjectArray) -> Element | None:
        """A positive power of which some infinitesimals are multiples, and some no smaller ones.

        None if the largest may all be 0.

        Raises:
            CannotDecide: the system does not know of what is beside a number.
        """
        raise CannotDecide(f"{self.name} numbers have no order of magnitude")

    # -- functions ---------------------------------------------------------------------------
    def carry_out(self, name: str, operation: Callable[..., Element], *xs: Element) -> Element:
        """``operation(self, *xs)``, for a system in which some elements need another way.

        Args:
            name: of the operation.
        """
        return operation(self, *xs)

    def apply(self, name: str, *xs: Element) -> Element:
        """A named real function, in the system's own way where it has one."""
        return getattr(self, name)(*xs) if name in METHODS else self.function(name, *xs)

    def function(self, name: str, *xs: Element) -> Element:
        """A named real function that has no method of its own: here, by its definition."""
        known = FUNCTIONS.get(name)
        if known is not None and known.definition is not None:
            return known.definition(self, *xs)
        raise UnsupportedPrimitive(
            f"{name} is not known over the {self.name} numbers; a method `function(name, *xs)` of "
            f"{type(self).__name__} may say what it is, or, of a function of your own, the fields "
            "of jaxgrad.function"
        )

    def _lacks(self, method: str) -> UnsupportedPrimitive:
        return UnsupportedPrimitive(
            f"{type(self).__name__} has no method `{method}`, which the program needs; "
            "jaxgrad.NumberSystem says what it returns"
        )

    def exp(self, x: Element) -> Element:
        """eˣ."""
        return self.function("exp", x)

    def log(self, x: Element) -> Element:
        """The natural logarithm."""
        return self.function("log", x)

    def sqrt(self, x: Element) -> Element:
        """The root that is not negative."""
        return self.function("sqrt", x)

    def logistic(self, x: Element) -> Element:
        """σ(x) = 1/(1 + e⁻ˣ)."""
        return self.function("logistic", x)

    def tanh(self, x: Element) -> Element:
        """The hyperbolic tangent."""
        return self.function("tanh", x)

    def log1p(self, x: Element) -> Element:
        """log(1 + x), which loses nothing near 0."""
        return self.function("log1p", x)

    def expm1(self, x: Element) -> Element:
        """eˣ − 1, which loses nothing near 0."""
        return self.function("expm1", x)

    # -- truth -------------------------------------------------------------------------------
    def compare(self, relation: str, x: Element, y: Element) -> Truth:
        """Whether ``x relation y`` (``lt le gt ge eq ne``)."""
        raise self._lacks("compare")

    def ordered(self, relation: str, x: Element, y: Element) -> Truth:
        """As :meth:`compare`, for what puts elements in an order, in which NaN has no place."""
        return self.compare(relation, x, y)

    def opened(self, p: Truth, tie: Truth) -> Truth:
        """p, but open where a tie may hold, of which a program takes any."""
        return p

    def certainly_differ(self, x: Element, y: Element) -> bool:
        """Whether two elements are known not to be the same."""
        return self.known(self.compare("ne", x, y)) is True

    def logical_not(self, p: Truth) -> Truth:
        """Whether p does not hold; as open as p is."""
        raise self._lacks("logical_not")

    def logical_and(self, p: Truth, q: Truth) -> Truth:
        """Whether both hold; open where it depends on what is open."""
        raise self._lacks("logical_and")

    def logical_or(self, p: Truth, q: Truth) -> Truth:
        """Whether one of them holds."""
        return self.logical_not(self.logical_and(self.logical_not(p), self.logical_not(q)))

    def truth(self, value: bool) -> Truth:
        """A known truth value as an element."""
        raise self._lacks("truth")

    def known(self, p: Truth) -> bool | None:
        """True or False if the truth value is decided, else None."""
        raise self._lacks("known")

    def select(self, p: Truth, if_false: Element, if_true: Element) -> Element:
        """``if_true`` where p holds, else ``if_false``; the other is never looked at."""
        raise self._lacks("select")

    def number(self, p: Truth) -> Element:
        """The number 1 where p holds, else 0."""
        return self.select(p, self.constant(0), self.constant(1))

    def maximum(self, x: Element, y: Element) -> Element:
        """The larger one."""
        return self.select(self.compare("gt", x, y), y, x)

    def minimum(self, x: Element, y: Element) -> Element:
        """The smaller one."""
        return -self.maximum(-x, -y)

    def absolute(self, x: Element) -> Element:
        """|x|."""
        return self.maximum(x, -x)

    def conjugate(self, x: Element) -> Element:
        """x itself, of real numbers."""
        return x

    def imaginary(self, x: Element) -> Element | None:
        """The imaginary part; None in a system of real numbers."""
        return None

    def squared_size(self, x: Element) -> Element:
        """|x|²."""
        return x * x

    def sign(self, x: Element) -> Element:
        """1, 0 or −1 as x is positive, zero or negative."""
        zero = self.constant(0)
        positive = self.number(self.compare("gt", x, zero))
        return positive - self.number(self.compare("lt", x, zero))

    def largest(self, xs: list[Element]) -> Element:
        """The maximum of a list, −∞ if it is empty."""
        if not xs:
            return self.constant(-math.inf)
        result = xs[0]
        for x in xs[1:]:
            result = self.maximum(result, x)
        return result

    def exact_value(self, x: Element) -> Fraction | None:
        """The rational number an element is, where that is known."""
        return None

    def is_finite(self, x: Element) -> Truth:
        """Every element is a real number unless the system says otherwise."""
        return self.truth(True)

    # -- arrays ------------------------------------------------------------------------------
    def map(self, operation: Callable[..., Any], *arrays: np.ndarray) -> np.ndarray:
        """Applies an operation to broadcast object arrays, elementwise."""
        shape = arrays[0].shape
        if any(array.shape != shape for array in arrays):
            arrays = np.broadcast_arrays(*arrays, subok=False)
            shape = arrays[0].shape
        each = zip(*(array.reshape(-1) for array in arrays), strict=True)
        if arrays[0].size > ELEMENTS:  # fewer are done before the next look at the clock
            each = ticking(each)
        return objects(itertools.starmap(operation, each), shape)


def exact(value: Any) -> Fraction:
    """The rational number a finite Python or NumPy number is.

    Example:
        >>> exact(0.5)
        Fraction(1, 2)
    """
    if isinstance(value, np.integer):
        value = int(value)
    if isinstance(value, int | Fraction):
        return Fraction(value)
    number = float(value)
    if not math.isfinite(number):
        raise CannotDecide(f"{number} is not a real number")
    return Fraction(number)
