"""Statements with formulas: what is typeset, what stays text, and that no sign is lost."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxgrad.claims.report.page.elements import element, text_of, write
from jaxgrad.claims.report.page.mathematics import typeset

PROOFS = Path(__file__).parents[1] / "proofs"


def shown(text: str) -> str:
    """The text, with what is typeset in corner brackets."""
    pieces = typeset(text)
    return "".join(x if isinstance(x, str) else f"⟦{text_of(x)}⟧" for x in pieces)


def signs(text: str) -> str:
    """What of a text is a sign in its own right, in one form; scripts, roots and spaces are not."""
    for one, other in (("<=", "≤"), (">=", "≥"), ("!=", "≠"), ("==", "=")):
        text = text.replace(one, other)
    translated = str.maketrans("-–’'⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿᵏᵀᶻˣˡᴸ₀₁₂₃₄₅₆₇₈₉₊₋ₐⱼₖₗₙ",
                               "−−′′0123456789+−nkTzxlL0123456789+−ajkln")  # fmt: skip
    return re.sub(r"[\s_^√()\[\]{}]", "", text.translate(translated))


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("σ'(z) <= 1/4 for every real z", "⟦σ′(z)≤1/4⟧ for every real ⟦z⟧"),
        ("|w σ'(wa + b)| ≥ 1 needs |w| ≥ 4", "⟦|wσ′(wa+b)|≥1⟧ needs ⟦|w|≥4⟧"),
        ("σ(x) is in [0, ∞)", "⟦σ(x)⟧ is in ⟦[0,∞)⟧"),
        ("w = 100 and b = -100 a, whatever a is", "⟦w=100⟧ and ⟦b=−100a⟧, whatever a is"),
        ("a σ' of b", "a σ' of ⟦b⟧"),
        ("the last layer's speed grows 25-fold", "the last layer's speed grows 25-fold"),
        ("jnp.maximum(x, 0) in float32", "jnp.maximum(x, 0) in float32"),
        ("x**2 and C_max and |a and x^", "x**2 and C_max and |a and x^"),
        ("layers (see x = 1) of 3", "layers (see ⟦x=1⟧) of 3"),
        ("for x > 0 a function", "for ⟦x>0⟧ a function"),
        ("x > 0 a y", "x > 0 a y"),
        ("x^y^z, w_i_j, √x², √w_1", "x^y^z, w_i_j, √x², √w_1"),
        ("C++ on pages 3-4 of 2026-01-31", "C++ on pages 3-4 of 2026-01-31"),
        ("f'^2 and √(x²)", "⟦f′2⟧ and ⟦x2⟧"),
        ("|w| = 4cosh²u gives r = 1", "|w| = 4cosh²u gives ⟦r=1⟧"),
        ("A or B is 3.14 or 4", "A or ⟦B⟧ is 3.14 or 4"),
    ],
)
def test_formulas_among_words(statement: str, expected: str) -> None:
    assert shown(statement) == expected


@pytest.mark.parametrize(
    ("formula", "inside"),
    [
        ("b_(l-1)", "<msub><mi>b</mi><mrow><mi>l</mi><mo>−</mo><mn>1</mn></mrow></msub>"),
        ("4^(-L)", '<msup><mn>4</mn><mrow><mo form="prefix">−</mo><mi>L</mi></mrow></msup>'),
        ("z² + 1", "<msup><mi>z</mi><mrow><mn>2</mn></mrow></msup><mo>+</mo><mn>1</mn>"),
        (
            "f^(k)",
            '<msup><mi>f</mi><mrow><mo stretchy="false" lspace="0" rspace="0">(</mo><mi>k</mi>'
            '<mo stretchy="false" lspace="0" rspace="0">)</mo></mrow></msup>',
        ),
        ("√3 x", '<msqrt><mn>3</mn></msqrt><mspace width="0.22em"></mspace><mi>x</mi>'),
        ("b_1^2", "<msubsup><mi>b</mi><mrow><mn>1</mn></mrow><mrow><mn>2</mn></mrow></msubsup>"),
    ],
)
def test_scripts_and_roots(formula: str, inside: str) -> None:
    [_, math, _] = typeset(formula)
    assert write(math) == f"<math>{inside}</math>"


def test_long_formulas_may_break_before_a_relation_or_between_factors() -> None:
    pieces = [x for x in typeset("∂C/∂b_1 = σ'(z_1) w_2 σ'(z_2) w_3 … σ'(z_L) ∂C/∂a_L")]
    formulas = [text_of(x) for x in pieces if not isinstance(x, str)]
    assert formulas == ["∂C/∂b1", "=σ′(z1)w2σ′(z2)", "w3…σ′(zL)∂C/∂aL"]
    assert pieces[2] == " "


def statements() -> Iterator[str]:
    for file in sorted(PROOFS.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "jaxgrad.claim":
                yield ast.literal_eval(node.args[0])


def test_no_sign_of_the_proofs_is_lost_and_most_are_formulas() -> None:
    found = list(statements())
    assert len(found) > 50
    for statement in found:
        assert signs("".join(shown(statement)).translate({ord(c): "" for c in "⟦⟧"})) == signs(
            statement
        )
    assert sum("⟦" in shown(statement) for statement in found) > 40


PIECES = st.sampled_from(
    ["a", "x", "σ", "w_2", "z'", "σ'(z)", "|", "‖", "(", ")", "[", "]", "_", "^", "√", "²", "₁",
     "'", " ", " ", "=", "**", "-", "+", "/", ",", ".", "1", "4^(-L)", "0.5", "is", "wa", "log",
     "…", "∂C/∂b_1", "<=", "∞", "<b>", "&", "!", "\x00", "f's", "x_new", "Σ"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=14).map("".join) | st.text(max_size=20))
def test_whatever_is_written_its_signs_are_kept(text: str) -> None:
    pieces = typeset(text)
    whole = text_of(element("p", *pieces))
    # Of two scripts the lower one comes first, whichever was written first.
    assert sorted(signs(whole)) == sorted(signs(text_of(element("p", text))))
