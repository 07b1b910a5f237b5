"""The guard in conftest.py: a test that leaves the process changed is reported."""

from __future__ import annotations

import re
from pathlib import Path

import jax.numpy as jnp
import pytest

pytest_plugins = ["pytester"]
HERE = Path(__file__).parent


@pytest.mark.parametrize(
    ("leak", "said"),
    [
        ('jax.config.update("jax_enable_x64", True)', "*the test left jax_enable_x64 on;*"),
        ("flint.ctx.prec = 100", "*the test left flint.ctx.prec at 100;*"),
    ],
)
def test_a_leak_is_reported_and_undone(pytester, leak, said):
    pytester.makeconftest((Path(__file__).parent / "conftest.py").read_text())
    pytester.makepyfile(f"""
        import flint, jax
        def test_that_leaks(): {leak}
        def test_after(): assert (jax.config.jax_enable_x64, flint.ctx.prec) == (False, 53)
    """)
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines([said])


def test_float32_is_the_default():
    assert jnp.asarray(0.1).dtype == jnp.float32


def test_float64_on_request(float64):
    assert jnp.asarray(0.1).dtype == jnp.float64


def test_what_is_in_the_list_of_slow_tests_is_slow(pytester: pytest.Pytester) -> None:
    pytester.makeconftest((HERE / "conftest.py").read_text())
    pytester.path.joinpath("slow_tests.txt").write_text("# a comment\ntest_both.py::test_slow[1]\n")
    pytester.makepyfile(
        test_both="""
        import pytest
        @pytest.mark.parametrize("i", range(3))
        def test_slow(i): pass
        """
    )
    pytester.runpytest_inprocess("-m", "not slow").assert_outcomes(passed=2, deselected=1)
    pytester.runpytest_inprocess("-m", "").assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("share", "left_out"),
    [
        ("0/2", ["slow[1]", "slow[4]", "other"]),
        ("1/2", ["slow[0]", "slow[3]", "one"]),
        ("2/3", ["slow[0]", "slow[1]", "slow[4]", "one"]),
        ("0/1", []),
    ],
)
def test_of_slow_tests_a_share_is_run(
    pytester: pytest.Pytester, share: str, left_out: list[str]
) -> None:
    pytester.makeconftest((HERE / "conftest.py").read_text())
    slow = [
        "test_slow[0]",
        "test_slow[1]",
        "test_slow[3]",
        "test_slow[4]",
        "test_one",
        "test_other",
    ]
    names = [f"test_both.py::{name}" for name in slow] + [f"test_golden.py::{n}" for n in slow[:4]]
    pytester.path.joinpath("slow_tests.txt").write_text("\n".join(names))
    body = """
        import pytest
        @pytest.mark.parametrize("i", range(5))
        def test_slow(i): pass
        """
    one = """
        def test_one(): pass
        def test_other(): pass
        """
    pytester.makepyfile(test_both=body + one, test_golden=body)
    # In a process of its own: a module of the golden file may have been imported in this one.
    ran = pytester.runpytest_subprocess("-m", "", f"--share={share}", "-v")
    ran.assert_outcomes(passed=12 - len(left_out), deselected=len(left_out))
    names = {f"test_both.py::test_{name}" for name in left_out}
    assert not any(name in line for name in names for line in ran.outlines)


def test_a_share_that_is_none_is_an_error(pytester: pytest.Pytester) -> None:
    pytester.makeconftest((HERE / "conftest.py").read_text())
    for share in ("2/2", "odd", "1/0"):
        ran = pytester.runpytest_subprocess(f"--share={share}")
        ran.stderr.fnmatch_lines([f"*argument --share: invalid _share value: '{share}'"])


def test_the_list_of_slow_tests_names_tests_that_exist() -> None:
    lines = (HERE / "slow_tests.txt").read_text(encoding="utf-8").splitlines()
    named = [line.split("::") for line in lines if line.startswith("tests/")]
    assert len(named) > 50
    for file, name in named:
        source = (HERE.parent / file).read_text(encoding="utf-8")
        assert re.search(rf"\b{name.partition('[')[0]}\b", source), f"{file} has no {name}"


def test_an_unforeseen_exception_fails_a_test(pytester: pytest.Pytester) -> None:
    pytester.makeconftest((Path(__file__).with_name("conftest.py")).read_text(encoding="utf-8"))
    pytester.makepyfile("""
        from jaxgrad.errors import UnsupportedPrimitive
        from jaxgrad.gradients.special_points.unforeseen import passed_over

        def test_foreseen():
            with passed_over("here"):
                raise UnsupportedPrimitive("no rule")

        def test_unforeseen():
            with passed_over("here"):
                raise KeyError("x")
    """)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-q")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(
        ["*passed over in a search for special points: *here: KeyError: 'x'*"]
    )
