"""The simple fix, the root cause and the general law: right as they stand, and able to fail."""

from __future__ import annotations

import contextlib
import io
import re
from fractions import Fraction
from pathlib import Path

import jax
import numpy as np
import pytest

from jaxgrad.claims.proof_modules import collect_file
from jaxgrad.claims.running import run
from jaxgrad.errors import ArgumentError
from jaxgrad.networks import Chain, drawn_speeds, layer_speeds
from jaxgrad.verdict import Verdict

PROOFS = Path(__file__).parent.parent / "proofs"
MODULES = ("simple_fix", "root_cause", "general_law")
CLAIMS = {
    claim.name: claim
    for module in MODULES
    for claim in collect_file(PROOFS / f"{module}.py").claims
}
PROVED, AGREES, REFUTED, UNDECIDED = (
    Verdict.PROVED, Verdict.AGREES, Verdict.REFUTED, Verdict.UNDECIDED,
)  # fmt: skip

# Seconds each: they draw networks or sweep float32. `jaxgrad prove` says the same of every claim.
SLOW = {
    "large_weight_in_floats", "exploding_floats", "balance_measured", "different_speeds",
    "equal_speeds",
}  # fmt: skip


def outcomes(name, **wrong):
    """The verdict of each part, with a constant got wrong."""
    found = CLAIMS[name].function(**wrong)
    parts = [("", found)] if hasattr(found, "verdict") else list(found)
    return {part: outcome.evidence.verdict for part, outcome in parts}


def test_every_claim_of_these_sections_is_there():
    assert {claim.id for claim in CLAIMS.values()} == {
        "B1", "B2", "C1", "C2", "C3", "D1", "D2", "D3",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(CLAIMS) - SLOW))
def test_every_part_has_the_verdict_that_its_claim_expects(name):
    results = list(run(CLAIMS[name]))
    # Exactly that one, where a stronger one would count as well.
    assert results and [r for r in results if r.verdict is not CLAIMS[name].expected] == []


# A part's name may be given in part; "" is any part, so "some part of it".
PLANTED = [
    # B1: 25 + 2⁻¹⁹ is the next float32; a bias off in its last bit; a range of z too wide to hold.
    ("large_weight", dict(factor=25.000002), "", REFUTED),
    ("large_weight", dict(bias=-99.99999), "", REFUTED),
    ("large_weight", dict(weight=50.0), "", REFUTED),
    ("large_weight_in_floats", dict(dtypes=["float16"], factor=24.98), "float16", REFUTED),
    ("large_weight_in_floats", dict(dtypes=["float16"], exponent=9), "float16", REFUTED),
    # Eight bits of significand are too few for the argument.
    ("large_weight_in_floats", dict(dtypes=["bfloat16"]), "bfloat16", REFUTED),
    # B2
    ("exploding", dict(ratio=25.000002), "L = 2", REFUTED),
    ("exploding", dict(ratio=1 / 25), "L = 12", REFUTED),
    ("exploding_at_every_depth", dict(ratio=25.000002), "", UNDECIDED),
    ("exploding_at_every_depth", dict(rest=0.5000001), "", UNDECIDED),
    ("exploding_floats", dict(ratio=24), "float64", REFUTED),
    ("exploding_errors", dict(ratio=24.999998), "L = 6", REFUTED),
    # C1: the first layer does see the factor of the second; products from a wrong layer on.
    ("product_of_the_earlier", dict(watched=1), "doubling", UNDECIDED),
    ("product_of_the_earlier", dict(earlier=False), "L = 3", PROVED),
    ("product_of_the_later", dict(shift=0), "L = 1", REFUTED),
    ("product_of_the_later", dict(shift=2), "L = 2", REFUTED),
    ("product_of_the_later", dict(factor=2), "every L", UNDECIDED),
    # C2: ¼ as 0.2499999, a digit, [X ≥ 1] ≤ 0.9999999 X; a bound with a wrong exponent.
    ("balance_is_unlikely", dict(quarter=Fraction("0.2499999")), "1. the bound", REFUTED),
    (
        "balance_is_unlikely",
        dict(mean_factor=("0.199471140210", "0.199471140211")),
        "3. E|w|/4",
        REFUTED,
    ),
    ("balance_is_unlikely", dict(one=Fraction("1.0000001")), "4. Markov", REFUTED),
    ("balance_measured", dict(power=8, draws=2**10, depths=[3]), "L = 3", UNDECIDED),
    ("balance_measured", dict(threshold=1e-9, draws=2**10, depths=[3]), "L = 3", UNDECIDED),
    # C3
    (
        "different_speeds",
        dict(factor=1e30, draws=2**7, networks=[Chain(2)]),
        "2 layers of 1",
        UNDECIDED,
    ),
    ("equal_speeds", dict(width=3, draws=2**6), "", UNDECIDED),
    # D1: sharp, in value and in kind.
    ("large_weight_needed", dict(four=Fraction("4.0000000001")), "implies", REFUTED),
    ("large_weight_needed", dict(four=Fraction("3.9999999999")), "implies", REFUTED),
    ("large_weight_needed", dict(strict=True), "implies", REFUTED),
    # D2
    ("exact_interval", dict(one=0), "everywhere inside", REFUTED),
    ("exact_interval", dict(one=2), "only inside", REFUTED),
    ("width", dict(quarters=3), "|w| = 4", REFUTED),
    ("width", dict(quarters=3), "|w| = 1000", REFUTED),
    (
        "largest_width",
        dict(largest=("0.447743204704", "0.447743204705")),
        "the largest width",
        REFUTED,
    ),
    ("largest_width", dict(at=("6.89415103237", "6.89415103238")), "attained", REFUTED),
    ("largest_width", dict(two=1), "4cosh", REFUTED),
    # D3
    ("outside", dict(one=2), "above", REFUTED),
    ("outside", dict(one=2), "below", REFUTED),
    ("falls", dict(first=("0.223871602357", "0.223871602358")), "sup v σ", REFUTED),
    ("falls", dict(second=("0.439228839990", "0.439228839991")), "sup v² σ", REFUTED),
    ("vanishes", dict(half=Fraction("0.5000000001")), "d ≥", REFUTED),
    ("vanishes", dict(rounded=Fraction("1.756915359")), "the constant", REFUTED),
]


@pytest.mark.parametrize(("name", "wrong", "part", "verdict"), PLANTED)
def test_a_planted_error_is_found(name, wrong, part, verdict):
    found = outcomes(name, **wrong)
    assert verdict in [value for key, value in found.items() if part in key], found
    assert verdict is not CLAIMS[name].expected


def test_a_factor_that_does_not_change_refutes_nothing():
    found = outcomes("product_of_the_earlier", weights=(1.0, 1.0))
    assert found["doubling the factor of an earlier layer"] is UNDECIDED


def test_every_claim_id_has_a_planted_error():
    assert {CLAIMS[name].id for name, *_ in PLANTED} == {c.id for c in CLAIMS.values()}


@pytest.mark.parametrize(
    ("name", "part", "printed"),
    [
        ("product_of_the_earlier", "doubling", "[0.015625, 0.03125, 0.125]"),
        ("product_of_the_earlier", "product", "0.015625 0.125"),
        ("exploding_floats", "float64", "[3.125, 0.125]"),
    ],
)
def test_a_counterexample_can_be_pasted(name, part, printed):
    wrong = {"ratio": 24} if name == "exploding_floats" else {}
    codes = [
        outcome.evidence.counterexample
        for key, outcome in CLAIMS[name].function(**wrong)
        if part in key
    ]
    assert printed in _printed(codes[0])


def test_drawing_is_repeatable_and_never_more_than_agrees():
    first, second = (outcomes("balance_measured", draws=2**10, depths=[2]) for _ in range(2))
    assert first == second == {"L = 2": AGREES}
    found = outcomes("different_speeds", draws=2**7, networks=[Chain(5)])
    assert found == {"5 layers of 1": AGREES}


# ------------------------------------------------------------------------------------- the page


def test_the_example_of_the_readme_is_a_proof(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", (PROOFS / "README.md").read_text("utf-8"), re.S)
    file = tmp_path / "example.py"
    file.write_text("\n\n".join(blocks), "utf-8")
    found = collect_file(file)
    assert not found.failures
    (claim,) = found.claims
    claim.function.__globals__["test_one_is_one"]()


# ---------------------------------------------------------------------------------- the picture


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_picture_is_saved(tmp_path, suffix):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"speeds{suffix}"
    layer_speeds(path, depth=4, networks=5)
    assert path.stat().st_size > 1000


def test_drawn_speeds_explode_by_25_and_vanish_without_the_fix():
    fixed = drawn_speeds(depth=6, networks=20, fixed=True)
    np.testing.assert_allclose(fixed[:, :-1] - fixed[:, 1:], np.log10(25), rtol=1e-5)
    drawn = drawn_speeds(depth=6, networks=20)
    assert drawn.shape == (20, 6)
    assert (drawn[:, 0] < drawn[:, -1]).all()
    assert (drawn != drawn_speeds(depth=6, networks=20, seed=1)).all()


@pytest.mark.parametrize(("depth", "networks"), [(0, 1), (1, 0), (-1, 3)])
def test_there_has_to_be_something_to_draw(depth, networks):
    with pytest.raises(ArgumentError, match="at least one of each"):
        drawn_speeds(depth, networks)


def _printed(code):
    """What pasted code prints; it may switch x64 on, which is put back."""
    out, before = io.StringIO(), jax.config.jax_enable_x64
    try:
        with contextlib.redirect_stdout(out):
            exec(code, {})
    finally:
        jax.config.update("jax_enable_x64", before)
    return out.getvalue()
