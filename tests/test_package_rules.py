"""``jaxgrad rules``: which custom derivative rules a package has, and how each is checked."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jaxgrad.claims.cli import main
from jaxgrad.claims.found_rule import FoundRule
from jaxgrad.claims.package_rules import rules_of
from jaxgrad.claims.suitable_arguments import with_arguments
from jaxgrad.errors import ArgumentError

FILES = {
    "__init__.py": "from ruled._norm import norm\nprint('imported')\n",
    "_norm.py": """\
import jax, jax.numpy as jnp
from functools import partial

@jax.custom_vjp
def norm(x, eps: float, axis=-1):
    return x / jnp.sqrt(jnp.sum(x**2) + eps)

norm.defvjp(lambda x, e, axis=-1: (norm(x, e), x), lambda x, g: (g, 0.0, None))

@partial(jax.jit, static_argnums=1)
@partial(jax.custom_jvp, nondiff_argnums=(1,))
def power(x, n):
    return x**n

power.__wrapped__.defjvp(lambda n, x, t: (x[0]**n, n * x[0]**(n - 1) * t[0]))
inv = jnp.linalg.inv
inverse = jax.custom_jvp(lambda a: inv(a))
inverse.defjvp(lambda a, t: (inv(a[0]), -inv(a[0]) @ t[0] @ inv(a[0])))

@jax.custom_jvp
def without(x):
    return x
""",
    "solvers/__init__.py": "",
    "solvers/made.py": """\
import jax
from jax.lax import custom_root
from ruled import norm

class Solver:
    def solve(self, a):
        @jax.custom_vjp
        def inner(x):
            return x
        return inner(a)

def root(a):
    def deeper():
        return custom_root(lambda x: x - a, a, lambda f, x: x, lambda g, y: y)
    return deeper()

@jax.custom_gradient
def square(x):
    return x**2, lambda g: (2 * g * x,)

class filter_custom_vjp:  # as equinox has it
    def __init__(self, f):
        self.f = f

    def __call__(self, x):
        return self.f(x)

@filter_custom_vjp
def filtered(x):
    return 2 * x

def caller(f, x: "int"):
    return f(x)

class Activation:
    @staticmethod
    @jax.custom_jvp
    def twice(x):
        return 2 * x
    twice.__func__.defjvp(lambda x, t: (2 * x[0], 2 * t[0]))
    @jax.custom_jvp
    def method(self, x):
        return x
    method.defjvp(lambda x, t: x)
    class Deeper:
        @staticmethod
        @jax.custom_vjp
        def malformed(x):
            return 2 * x
        malformed.__func__.defvjp(lambda x: (2 * x, None), lambda kept, g: g)
        shorter = malformed

def end(*_):
    raise SystemExit(0)

ends = jax.custom_vjp(lambda x: x)
ends.defvjp(lambda x: (x, None), end)
""",
    "parts/kernel.py": """\
import jax

@jax.custom_jvp
def half(x):
    return x / 2

half.defjvp(lambda x, t: (x[0] / 2, t[0] / 2))
""",
    "broken.py": "import nothing_of_that_name\n",
    "script.py": "raise SystemExit(3)\n",
    "made_test.py": "raise AssertionError('a test was imported')\n",
    "tests/__init__.py": "raise AssertionError('a test was imported')\n",
    "__main__.py": "raise AssertionError('a script was run')\n",
}


@pytest.fixture(autouse=True)
def _in_a_folder_with_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    for name, text in FILES.items():
        path = tmp_path / "ruled" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "ruled"]:
        del sys.modules[name]


def _line(file: str, text: str) -> int:
    """The first line of a file that begins so, but for its indentation."""
    lines = FILES[file].splitlines()
    return next(k for k, line in enumerate(lines, 1) if line.strip().startswith(text))


def _found() -> dict[str, FoundRule]:
    return {rule.name: with_arguments(rule) for rule in rules_of("ruled").rules}


def test_rules_with_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    found = _found()
    assert not capsys.readouterr().out  # what the modules print
    named = {
        "ruled:norm": ("custom_vjp", ("f32[3, 2]", "f32[]")),  # not where it is private
        "ruled._norm:power": ("custom_jvp", ("f32[3, 2]", "3")),
        "ruled._norm:inverse": ("custom_jvp", ("f32[3, 3]",)),
        "ruled._norm:without": ("custom_jvp", None),
        "ruled.parts.kernel:half": ("custom_jvp", ("f32[3, 2]",)),  # in no __init__.py
        "ruled.solvers.made:square": ("custom_gradient", ("f32[3, 2]",)),
        "ruled.solvers.made:filtered": ("filter_custom_vjp", ("f32[3, 2]",)),
        "ruled.solvers.made:Activation.twice": ("custom_jvp", ("f32[3, 2]",)),
        "ruled.solvers.made:Activation.method": ("custom_jvp", None),
        "ruled.solvers.made:Activation.Deeper.malformed": ("custom_vjp", ("f32[3, 2]",)),
        "ruled.solvers.made:ends": ("custom_vjp", ("f32[3, 2]",)),
    }
    assert {name: (r.kind, r.arguments) for name, r in found.items() if not r.inside} == named
    assert [name for name, rule in found.items() if rule.missing] == ["ruled._norm:without"]
    assert found["ruled:norm"].line == _line("_norm.py", "@jax.custom_vjp")
    assert found["ruled:norm"].file.endswith("_norm.py")


def test_rules_that_are_made_on_the_way() -> None:
    found = {name: rule for name, rule in _found().items() if rule.inside}
    assert set(found) == {"ruled.solvers.made:Solver.solve", "ruled.solvers.made:root"}
    solve, root = found.values()
    assert (solve.kind, root.kind) == ("custom_vjp", "custom_root")
    assert solve.line == _line("solvers/made.py", "@jax.custom_vjp")
    assert root.line == _line("solvers/made.py", "return custom_root")


def test_modules_that_cannot_be_imported() -> None:
    found = rules_of("ruled")
    failed = dict(found.failures)
    assert set(failed) == {"ruled.broken", "ruled.script"}
    assert "nothing_of_that_name" in failed["ruled.broken"]
    assert failed["ruled.script"] == "SystemExit at script.py:1: 3"
    assert found.modules == 5
    for name in ("no_such_package", "ruled.broken"):
        with pytest.raises(ArgumentError, match=f"{name} cannot be imported: ModuleNotFoundError"):
            rules_of(name)


def test_a_part_of_a_package_names_what_the_rest_defines() -> None:
    names = [rule.name for rule in rules_of("jax.nn").rules]
    assert "jax.nn:relu" in names and all(name.startswith("jax.nn:") for name in names)


# -- the command -----------------------------------------------------------------------------------
def test_the_command_says_how_each_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "ruled"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    at = lines.index(f"ruled:norm  custom_vjp, _norm.py:{_line('_norm.py', '@jax.custom_vjp')}")
    assert lines[at + 1] == "    jaxgrad check ruled:norm 'f32[3, 2]' 'f32[]'"
    assert "    it has no rule yet: without.defjvp(rule) defines one" in lines
    assert (
        "    made where root is called; check that, or what calls it: "
        "jaxgrad check ruled.solvers.made:root ARGUMENT ..." in lines
    )
    solve = "    made where Solver.solve is called: check what calls it"
    assert solve in lines  # the first argument of a method is no array
    assert lines[-1] == "13 custom rules in 5 modules of ruled; 2 more cannot be imported"
    assert "jaxgrad: ruled.broken cannot be imported: ModuleNotFoundError" in err


def test_the_command_checks_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "ruled", "--check", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    verdicts = {rule["name"]: rule["verdict"] for rule in found["rules"] if "verdict" in rule}
    assert verdicts == {
        "ruled:norm": "REFUTED",
        "ruled._norm:power": "PROVED",
        "ruled._norm:inverse": "AGREES",
        "ruled.parts.kernel:half": "PROVED",
        "ruled.solvers.made:filtered": "AGREES",
        "ruled.solvers.made:square": "PROVED",
        "ruled.solvers.made:Activation.twice": "PROVED",
        "ruled.solvers.made:Activation.Deeper.malformed": None,
        "ruled.solvers.made:ends": None,
        "ruled._norm:without": None,
        "ruled.solvers.made:Activation.method": None,
        "ruled.solvers.made:Solver.solve": None,
        "ruled.solvers.made:root": None,
    }
    assert found["modules"] == 5 and len(found["failures"]) == 2
    told = {rule["name"]: rule.get("text") for rule in found["rules"]}
    line = _line("solvers/made.py", "raise SystemExit")
    said = told["ruled.solvers.made:ends"].splitlines()
    assert said[0] == f"it raised SystemExit at made.py:{line}: 0"
    assert told["ruled._norm:without"] == "it has no rule yet: without.defjvp(rule) defines one"


def test_a_package_without_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "json"]) == 0
    assert capsys.readouterr().out.startswith("0 custom rules in ")
    assert main(["rules", "json", "--check"]) == 2
    out, err = capsys.readouterr()
    assert err.startswith("jaxgrad: json has no custom rule, so that nothing is checked; jaxgrad")
    checked, counted = out.splitlines()
    assert checked == "checked: none" and counted.startswith("0 custom rules in ")
    for name in ("ruled:norm", "ruled/_norm.py", "../ruled", ""):
        assert main(["rules", name]) == 2
        assert f"{name!r} names no package; write it as in an import" in capsys.readouterr().err
    assert main(["rules", "no_such_package"]) == 2
    assert "jaxgrad: no_such_package cannot be imported" in capsys.readouterr().err
