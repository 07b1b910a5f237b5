"""Arguments that are trees are drawn by what a parameter is said to be."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from jaxgrad.claims.cli import main
from jaxgrad.claims.exit_codes import Exit

MODULE = """\
{first}
import dataclasses
from typing import NamedTuple
import jax, jax.numpy as jnp

class Pair(NamedTuple):
    q: jax.Array
    v: jax.Array

@jax.tree_util.register_dataclass
@dataclasses.dataclass
class Body:
    q: jax.Array
    v: jax.Array

def energy(s, mass):
    return jnp.sum(s.q**2) + mass * jnp.sum(s.v**2) / 2

def ruled(kind):
    @jax.custom_vjp
    def f(s: {kind}, mass: float):
        return energy(s, mass)
    def back(kept, g):
        s, mass = kept
        return type(s)(2 * s.q * g, {factor} * mass * s.v * g), jnp.sum(s.v**2) / 2 * g
    f.defvjp(lambda s, mass: (energy(s, mass), (s, mass)), back)
    return f

f = ruled({kind})
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("first", "kind", "factor"),
    [("from __future__ import annotations", "Pair", 1), ("", "Pair", 2), ("", "Body", 2)],
)
def test_a_rule_of_a_tree_is_checked_at_one(
    here: Path, capsys: pytest.CaptureFixture[str], first: str, kind: str, factor: int
) -> None:
    name = f"of_{kind}_{factor}_{len(first)}"
    text = MODULE.format(first=first, kind=kind, factor=f"{factor}.0")
    if first:  # a text is read where the function stands
        text = text.replace(f"def ruled({kind}):", "def ruled(kind):")
    (here / f"{name}.py").write_text(text)
    code = main(["rules", name, "--check"])
    said = capsys.readouterr().out
    assert f"jaxgrad check {name}:f '{kind}(f32[3, 2], f32[3, 2])' 'f32[]'" in said
    assert ("REFUTED" in said) is (factor == 2) and ("PROVED" in said) is (factor == 1)
    assert (code == 0) is (factor == 1)
    assert sys.modules.pop(name, None) is None  # it runs by itself


def test_an_annotation_that_names_nothing_is_none(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "unnamed.py").write_text(
        "from __future__ import annotations\nimport jax\n\n@jax.custom_jvp\n"
        "def f(x: Nothing):\n    return 2 * x\n\nf.defjvp(lambda x, v: (f(*x), 2 * v[0]))\n"
    )
    assert main(["rules", "unnamed", "--check"]) == 0
    assert "jaxgrad check unnamed:f 'f32[3, 2]'" in capsys.readouterr().out


def test_the_module_is_known_by_its_name(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = MODULE.format(first="", kind="Pair", factor="1.0")
    (here / "bodies").mkdir()
    (here / "bodies" / "__init__.py").write_text("")
    (here / "bodies" / "rigid.py").write_text(text)
    code = main(["check", "bodies.rigid:f", "bodies.rigid.Pair(1.0, 2.0)", "3.0"])
    assert code == 0 and "PROVED" in capsys.readouterr().out
    assert main(["check", "bodies.rigid:f", "rigid.Pair(1.0, 2.0)", "3.0"]) == Exit.USAGE
    assert "name 'rigid' is not defined" in capsys.readouterr().err
