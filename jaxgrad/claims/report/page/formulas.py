"""A formula of Unicode as MathML: atoms from left to right, with scripts, primes and roots.

Source: https://www.w3.org/TR/mathml-core/ and, of brackets in scripts, Unicode Technical Note 28.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jaxgrad.claims.report.page.elements import Element, element

__all__ = [
    "BARS",
    "CLOSE",
    "NAMES",
    "OPEN",
    "OPERATORS",
    "RELATION",
    "RELATIONS",
    "SPACED",
    "SUBSCRIPTS",
    "SUPERSCRIPTS",
    "NoFormula",
    "Token",
    "is_pair",
    "is_relation",
    "mathml",
]

# What is set upright, as the name of one thing, among words that are none.
NAMES = frozenset(
    ["arctan", "cos", "cosh", "det", "diag", "erf", "exp", "lim", "ln", "log", "max", "min", "mod",
     "ReL", "sin", "sinh", "softplus", "sup", "tan", "tanh"]
)  # fmt: skip
RELATIONS = "=<>≤≥≠≈≡∈→↦~⇔⇒"
OPERATORS = "+-−–±·×/∏∑Σ∫∂∇⊙∘*!"
# Operators that are set with room on both sides, but for signs.
SPACED = "+-−–±·×,"
_SIGNS = "+-−–±"
OPEN, CLOSE, BARS = "([{", ")]}", "|‖"
SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿᵏᵀᶻˣˡᴸ", "0123456789+−nkTzxlL", strict=True))
SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ₐⱼₖₗₙ", "0123456789+−ajkln", strict=True))


@dataclass(frozen=True)
class Token:
    """A space, a number, a relation, a word, a letter or a sign, as its kind says."""

    kind: str
    text: str


def is_relation(token: Token) -> bool:
    """Whether it stands between two sides."""
    return token.kind == "relation" or (token.kind == "sign" and token.text in RELATIONS)


def is_pair(opening: str, closing: str) -> bool:
    """Whether one closes the other; those of an interval need not be alike."""
    return (opening == "{") == (closing == "}")


class NoFormula(Exception):
    """What was read is no formula after all."""


RELATION = {"<=": "≤", ">=": "≥", "!=": "≠", "==": "="}
_SHAPES = {"-": "−", "–": "−", "'": "′", "’": "′"}


def mathml(piece: Sequence[Token]) -> Element:
    """The element ``math`` of a formula.

    Raises:
        NoFormula: a bracket does not close, or a script or a root has nothing to stand at.

    Example:
        >>> from jaxgrad.claims.report.page.elements import write
        >>> write(mathml([Token("letter", "z"), Token("letter", "²")]))
        '<math><msup><mi>z</mi><mrow><mn>2</mn></mrow></msup></math>'
    """
    reader = _Reader(piece)
    row = reader.row()
    if reader.left:
        raise NoFormula
    if row and is_relation(piece[0]):  # the space before it is that of the text
        row[0].set("lspace", "0")
    return element("math", *row)


class _Reader:
    """Reads a formula from left to right, an atom with its scripts at a time."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens, self._at = tokens, 0

    @property
    def left(self) -> str:
        """The sign that comes next; nothing at the end."""
        return self._tokens[self._at].text if self._at < len(self._tokens) else ""

    def row(self) -> list[Element]:
        """Atoms as far as a bracket that was not opened here."""
        found: list[Element] = []
        while self.left and self.left not in CLOSE:
            if self._is_room():
                self._take()
            else:
                found += self._scripted()
        return found

    def _is_room(self) -> bool:
        """A space beside an operator, which makes room of its own."""
        beside = self._tokens[max(self._at - 1, 0) : self._at + 2]
        operators = (is_relation(token) or token.text in SPACED for token in beside)
        return self.left.isspace() and any(operators)

    def _take(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _scripted(self) -> list[Element]:
        """An atom, with what stands below and above it; a bracket is one with its inside."""
        atom = self._atom()
        below: list[Element] = []
        above: list[Element] = []
        while self.left:
            if self.left in "'’′":
                above.append(element("mo", _SHAPES.get(self._take().text, "′")))
            elif self.left in "_^":
                target = below if self._take().text == "_" else above
                if any(each.text != "′" for each in target):  # a^b^c, a power of which power?
                    raise NoFormula
                target += self._script()
            elif self.left in SUPERSCRIPTS:
                above.append(_atom_of(SUPERSCRIPTS[self._take().text]))
            elif self.left in SUBSCRIPTS:
                below.append(_atom_of(SUBSCRIPTS[self._take().text]))
            else:
                break
        if not below and not above:
            return atom
        *before, base = atom
        rows = [element("mrow", *script) for script in (below, above) if script]
        tag = "msubsup" if below and above else "msub" if below else "msup"
        return [*before, element(tag, base, *rows)]

    def _script(self) -> list[Element]:
        """What follows ``_`` or ``^``: one sign, or a bracket.

        Round ones and braces only hold a script together, as in UnicodeMath, unless it is one sign
        that needs no holding: f^(k) is the k-th derivative.
        """
        if not self.left:
            raise NoFormula
        if self.left in "({":
            opening, *inside, closing = self._atom()
            return inside if len(inside) > 1 else [opening, *inside, closing]
        sign = [element("mo", "−")] if self.left in "-−" and self._take() else []
        if not self.left or self.left.isspace():
            raise NoFormula
        return [*sign, *self._atom()]

    def _atom(self) -> list[Element]:
        token = self._take()
        if token.kind == "space":
            return [element("mspace", width="0.22em")]
        if token.text == "√":
            return [self._root()]
        if token.kind == "sign" and token.text in OPEN:
            inside = self.row()
            if not self.left or not is_pair(token.text, self.left):
                raise NoFormula
            return [_bracket(token.text), *inside, _bracket(self._take().text)]
        if token.text in "_^'’′":
            raise NoFormula
        if token.kind == "word" and token.text not in NAMES:
            return [element("mi", letter) for letter in token.text]
        if token.text in _SIGNS and self._begins():
            return [element("mo", _SHAPES.get(token.text, token.text), form="prefix")]
        return [_atom_of(token.text)]

    def _begins(self) -> bool:
        """Whether what was just taken comes first, or behind an operator, and so is a sign."""
        before = [t for t in self._tokens[: self._at - 1] if t.kind != "space"]
        return not before or is_relation(before[-1]) or before[-1].text in OPEN + SPACED

    def _root(self) -> Element:
        if self.left == "(":
            _, *inside, _ = self._atom()
            return element("msqrt", *inside)
        if not self.left.isalnum():
            raise NoFormula
        inside = self._atom()
        if self.left and (self.left in "_^'’′" or self.left in SUPERSCRIPTS | SUBSCRIPTS):
            raise NoFormula  # is it of the root, or in it?
        return element("msqrt", *inside)


def _atom_of(text: str) -> Element:
    """A number, a name, a bar or an operator."""
    if text[0].isnumeric():
        return element("mn", text)
    if len(text) == 1 and text.isupper() and not text.isascii() and text != "Σ":
        return element("mi", text, mathvariant="normal")
    if text.isalpha() and text not in ("Σ",) and text not in OPERATORS:
        return element("mi", text)
    if text in BARS:
        return _bracket(text)
    if text in ("∞", "…", "ℝ", "ℕ", "∅"):
        return element("mi", text, mathvariant="normal")
    shown = RELATION.get(text) or _SHAPES.get(text, text)
    if shown in ("/", "∂", "∇"):  # no room around them: the quotient stays one thing
        return element("mo", shown, lspace="0", rspace="0")
    if shown in ("Σ", "∑", "∏"):
        return element("mo", shown, largeop="false", movablelimits="false", lspace="0.1em",
                       rspace="0.15em")  # fmt: skip
    return element("mo", shown)


def _bracket(text: str) -> Element:
    return element("mo", text, stretchy="false", lspace="0", rspace="0")
