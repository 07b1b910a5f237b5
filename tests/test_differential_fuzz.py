"""Random programs against real arithmetic by mpmath, which shares no code with the package."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import fuzz_checks
import fuzz_comparisons
import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from fuzz_cases import as_code, case_of, findings_of, shrunk
from fuzz_checks import CHECKS, Case, Finding
from fuzz_derivatives import Quotients, along
from fuzz_drawing import draw_program
from fuzz_operations import OPERATIONS
from fuzz_programs import Input, Program, Step, Unknown, evaluate, finite
from fuzz_rule_checks import steps_and_weights_told

# Programs of a test, and how many tests there are.
AT_ONCE, TIMES = 25, 8
# Small programs, of which more can be had in the time of a suite.
MOST_STEPS = 10


@pytest.mark.fuzz
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", range(TIMES))
def test_random_programs(part: int, request: pytest.FixtureRequest) -> None:
    """Nothing that is said of any of them is wrong."""
    asked = request.config.getoption("--fuzz-programs")
    count = AT_ONCE if asked is None else -(-int(asked) // TIMES)
    counts: Counter[str] = Counter()
    for seed in range(part * count, (part + 1) * count):
        case, names = case_of(seed, MOST_STEPS if asked is None else 25)
        for name, finding in findings_of(case, names):
            small, again = shrunk(case, name, finding)
            pytest.fail(f"{name}: {again.kind}\n{again.text}\n\n{as_code(small)}")
        counts += case.counts
    decided = sum(n for key, n in counts.items() if key.split()[-2:-1] != ["UNDECIDED"])
    assert counts["values: held"] > count, counts
    assert decided > count, counts


# -- the evaluator -------------------------------------------------------------------------------
def test_the_evaluator_is_jax_up_to_rounding() -> None:
    """Where JAX's floats and the real numbers are both defined, they are near each other."""
    near = 0
    for seed in range(1000, 1012):
        program, point = draw_program(Random(seed), most=8)
        try:
            values, real = evaluate(program, point)
        except Unknown:
            continue
        if real.undefined or real.tie or not finite(values):
            continue
        with jax.disable_jit(False):
            floats = np.asarray(program.function(*point)).astype(np.float64)
        within = np.isclose(floats, values.astype(np.float64), rtol=0.05, atol=0.05)
        near += bool(within.all())
        assert within.any() or program.operations & ROUNDED, as_code(Case(program, point, True))
    assert near > 4


# What jumps makes of a rounding something large.
ROUNDED = {
    "floor",
    "ceil",
    "round",
    "trunc",
    "mod",
    "rem",
    "float to float",
    "tan",
    "float to integer",
}


def test_every_operation_is_drawn() -> None:
    drawn: set[str] = set()
    for seed in range(600):
        drawn |= draw_program(Random(seed))[0].operations
    assert drawn == set(OPERATIONS)


def _case(operation: str, other: str | None = None, **parameters: object) -> Case:
    """x ↦ operation(x), against another one."""
    step = Step(operation, (0,), tuple(sorted(parameters.items())), "float32", (3,))
    if other is not None:
        step = replace(step, other=replace(step, operation=other, parameters=()))
    program = Program((Input((3,), "float32"),), (step,))
    return Case(program, [np.array([0.3, 0.7, -0.2], np.float32)], other is None)


def test_a_derivative_is_a_quotient_of_many_digits() -> None:
    case = _case("sin")
    found = Quotients(case.program, case.point).smooth(along(case.program, 0, (1,)))
    with mpmath.workdps(30):
        assert abs(found - mpmath.cos(mpmath.mpf(float(case.point[0][1])))) < mpmath.mpf(10) ** -25


# -- planted errors: each check finds what it is for ---------------------------------------------
def _kinds(case: Case, check: str) -> set[str]:
    return {finding.kind for finding in CHECKS[check](case)}


def test_a_wrong_ball_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    case = _case("sin")
    assert not _kinds(case, "balls_hold_values")
    monkeypatch.setattr(jnp, "sin", jnp.cos)  # the source is read when the function is first made
    assert _kinds(_case("sin"), "balls_hold_values") == {"wrong ball"}


def test_a_wrong_derivative_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not _kinds(_case("square"), "balls_hold_derivatives")
    monkeypatch.setattr(jnp, "square", lambda x: x * jax.lax.stop_gradient(x))
    case = _case("square")
    assert not _kinds(case, "balls_hold_values")
    assert _kinds(case, "balls_hold_derivatives") == {"wrong derivative"}


@pytest.mark.parametrize("verdict", ["PROVED", "REFUTED", "AGREES"])
@pytest.mark.parametrize("check", ["values_compare", "gradients_compare"])
def test_a_wrong_verdict_of_compare_is_found(
    verdict: str, check: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import jaxgrad

    right, compare = _case("sin"), jaxgrad.compare
    different = _case("sin", other="exp")
    assert not _kinds(right, check)
    assert not _kinds(different, check)
    refuted = compare(jnp.sin, jnp.cos, *right.point)
    same = jnp.sin if verdict == "PROVED" else lambda x: jnp.where(x == 0.123, x, jnp.sin(x))
    passed = compare(jnp.sin, same, *right.point)
    said = refuted if verdict == "REFUTED" else passed
    assert str(said.verdict) == verdict
    monkeypatch.setattr(jaxgrad, "compare", lambda *args, **keywords: said)
    (kind,) = _kinds(right if verdict == "REFUTED" else different, check)
    assert kind.startswith(f"wrong {verdict} of ")


def test_a_wrong_verdict_of_check_grads_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    import jaxgrad
    from jaxgrad.errors import GradientMismatch

    rule = {"name": "sin", "f": "jnp.sin(x)", "value": "jnp.sin(x)"}
    right = _case("custom jvp", kind="right", derivative="jnp.cos(x) * t", **rule)
    wrong = _case("custom jvp", kind="sign", derivative="-jnp.cos(x) * t", **rule)
    assert not _kinds(right, "rules_are_judged")
    assert not _kinds(wrong, "rules_are_judged")
    assert wrong.counts["check_grads: REFUTED wrong"] == 1
    passed = jaxgrad.check_grads(right.program.function, right.point, special_points=False)
    with pytest.raises(GradientMismatch) as refuted, steps_and_weights_told():
        jaxgrad.check_grads(wrong.program.function, wrong.point, special_points=False)

    def mismatch(*args: object, **keywords: object) -> None:
        raise GradientMismatch(str(refuted.value).replace("is -0.95", "is 0.9"))

    monkeypatch.setattr(jaxgrad, "check_grads", lambda *args, **keywords: passed)
    assert _kinds(wrong, "rules_are_judged") == {f"wrong {passed.verdict} of rules"}
    text = _agreeing(str(refuted.value))

    def false_alarm(*args: object, **keywords: object) -> None:
        raise GradientMismatch(text)

    monkeypatch.setattr(jaxgrad, "check_grads", false_alarm)
    assert _kinds(right, "rules_are_judged") == {"wrong REFUTED of rules"}


def _agreeing(message: str) -> str:
    """The message of a refutation, with numbers by the rules that are the true ones."""
    return message.replace(" is [-0.", " is [0.").replace(" is -0.", " is 0.")


def test_what_is_raised_and_what_does_not_end_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    case = _case("sin")

    def fails(*args: object, **keywords: object) -> None:
        raise IndexError("list index out of range")

    def never_ends(*args: object, **keywords: object) -> None:
        while True:
            pass

    monkeypatch.setattr(fuzz_comparisons.jaxgrad, "compare", fails)
    assert _kinds(case, "values_compare") == {"raised IndexError"}
    monkeypatch.setattr(fuzz_comparisons.jaxgrad, "compare", never_ends)
    monkeypatch.setattr(fuzz_checks, "CPU_SECONDS", 0.05)
    assert _kinds(case, "values_compare") == {"too long"}


def test_a_finding_is_shrunk_to_the_step_that_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    program, point = next(
        drawn
        for drawn in (draw_program(Random(seed)) for seed in range(1000))
        if "tanh" in drawn[0].operations and len(drawn[0].steps) > 10
    )

    def holds_tanh(case: Case) -> list[Finding]:
        return [Finding("tanh", "")] if "tanh" in case.program.operations else []

    monkeypatch.setitem(CHECKS, "balls_hold_values", holds_tanh)
    small, _ = shrunk(Case(program, point, True), "balls_hold_values", Finding("tanh", ""))
    assert "tanh" in small.program.operations
    assert len(small.program.steps) <= 3


def test_the_command_says_what_it_ran(tmp_path: Path) -> None:
    command = Path(__file__).with_name("fuzz_campaign.py")
    options = ["--programs", "2", "--seed", "7"]
    ran = subprocess.run(
        [sys.executable, str(command), *options], capture_output=True, text=True, cwd=tmp_path
    )
    assert ran.stdout.startswith("2 programs"), ran.stdout + ran.stderr
    assert "values: held" in ran.stdout
