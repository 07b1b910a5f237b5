"""The commands beside prove: a module to start from, coverage and sweep."""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import jax
import numpy as np
import pytest

from benchmarks import operations, rules
from jaxgrad.claims import entry
from jaxgrad.claims.cli import main
from jaxgrad.claims.sweep_command import _given_up
from jaxgrad.evidence.failing_float import FailingFloat
from jaxgrad.evidence.float_formats import Float
from jaxgrad.evidence.swept import SweptSoFar
from jaxgrad.numbers.progress import Progress
from jaxgrad.verdict import Evidence, Verdict


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_new_module_proves(capsys):
    pytest.importorskip("jaxgrad.gradients.compare")
    assert main(["prove", "--new", "first"]) == 0
    assert main(["prove", "--json"]) == 0
    claims = json.loads(capsys.readouterr().out.partition("\n")[2])["claims"]
    assert [one["id"] for one in claims] == ["FIRST1", *["FIRST2"] * 3]
    assert all(one["verdict"] == "PROVED" for one in claims)


def test_new_writes_a_module_that_compiles_and_never_overwrites(capsys):
    assert main(["prove", "--new", "first.py", "other"]) == 0
    path = Path("other/first.py")
    text = path.read_text(encoding="utf-8")
    compile(text, str(path), "exec")
    assert "def first_derivative" in text and "{" + "n}" in text
    path.write_text("mine", encoding="utf-8")
    assert main(["prove", "--new", "first", "other"]) == 2
    assert path.read_text() == "mine"
    assert main(["prove", "--new", "second", "other/first.py"]) == 2


def test_new_module_in_a_folder_that_cannot_be_written(capsys):
    assert main(["prove", "--new", "first", "/proc/jaxgrad"]) == 2
    assert "first.py cannot be written: " in capsys.readouterr().err


def test_coverage_that_cannot_be_written(monkeypatch, capsys):
    monkeypatch.setattr("jaxgrad.claims.report.coverage_table.render", lambda survey: "page")
    assert main(["coverage", "jax.numpy.sin", "--output", "/proc/jaxgrad"]) == 2
    assert "--output /proc/jaxgrad: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("no/such/page.md", "there is no folder no/such"),
        (".", "that is a folder; name a file"),
    ],
)
def test_a_page_that_cannot_be_written_is_not_made(tmp_path, monkeypatch, capsys, path, text):
    def worked(*_):
        raise AssertionError("the work was begun")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("jaxgrad.claims.coverage.survey.survey", worked)
    monkeypatch.setattr("benchmarks.rules.measure", worked)
    monkeypatch.setattr("benchmarks.operations.in_a_process", worked)
    assert main(["coverage", "--output", path]) == 2
    assert f"--output {path}: {text}" in capsys.readouterr().err
    for benchmark in (rules, operations):
        with pytest.raises(SystemExit):
            benchmark.main(["--output", path])
        assert f"--output {path}: {text}" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (lambda: operations.main(["--only", "nothere"]), "--only nothere: no case has that in its"),
        (lambda: rules.main(["--every", "0"]), "--every is 0; give 1 or more"),
        (lambda: rules.main(["--workers", "-1"]), "--workers is -1; give 1 or more"),
    ],
)
def test_a_benchmark_of_nothing(command, text, capsys):
    with pytest.raises(SystemExit) as ended:
        command()
    assert ended.value.code == 2
    assert text in capsys.readouterr().err


@pytest.mark.parametrize(
    ("verdict", "code"), [(Verdict.PROVED, 0), (Verdict.REFUTED, 1), (Verdict.UNDECIDED, 3)]
)
def test_sweep_reports_what_the_engine_found(monkeypatch, capsys, verdict, code):
    calls = []

    def sweep(f, dtype, holds, keep, part):
        calls.append((f, dtype.name, holds, keep, part))
        counterexample = "f(2.0)" if verdict is Verdict.REFUTED else None
        evidence = Evidence(verdict, "exhaustion", "every float", counterexample=counterexample)
        return SimpleNamespace(
            verdict=verdict, checked=65536, counterexample=counterexample, evidence=evidence
        )

    engine = ModuleType("jaxgrad.evidence.sweep")
    monkeypatch.setattr(engine, "sweep", sweep, raising=False)
    monkeypatch.setitem(sys.modules, "jaxgrad.evidence.sweep", engine)
    arguments = ["sweep", "math:sin", "--dtype", "bfloat16", "--holds", "os.path:isabs"]
    assert main([*arguments, "--keep", "here", "--part", "1/3"]) == code
    assert calls == [(math.sin, "bfloat16", os.path.isabs, "here", (1, 3))]
    out = capsys.readouterr().out
    assert f"{verdict}: math:sin on 65536 values of bfloat16\nevery float\n" in out
    assert ("f(2.0)" in out) is (verdict is Verdict.REFUTED)


def _give_up(failures, **options):
    """What a sweep says, and returns, that has found so many floats when it takes too long."""
    one = Float(np.dtype("float32"), 0x3F800000)
    failing = FailingFloat(one, np.float32(0.25)) if failures else None
    known = SweptSoFar(np.dtype("float32"), 4096, 2**32, failures, failing)
    with Progress().followed(lambda: known):
        return _given_up(SimpleNamespace(function="mine:f", timeout=5.0, **options))


@pytest.mark.parametrize("failures", [0, 3])
def test_a_sweep_that_is_given_up_is_refuted_by_what_it_has_found(failures, capsys):
    code = _give_up(failures, json=False)
    out, err = capsys.readouterr()
    late = "its sweep took longer than --timeout 5"
    counts = (
        "sweep evaluated 4096 of 4294967296 float32 bit patterns; the predicate fails at "
        f"{failures} of these"
    )
    if not failures:
        assert (code, out) == (3, "")
        assert err == f"jaxgrad, given up: {counts}\njaxgrad: mine:f is UNDECIDED: {late}\n"
        return
    assert (code, err) == (1, "")
    said, _, shown = out.partition("counterexample:\n")
    assert said == f"REFUTED: mine:f, though {late}\n{counts}\n"
    exec(shown, {})
    assert capsys.readouterr().out == "at x = 1.0 f(x) is 0.25 and holds(x, f(x)) should be True\n"


@pytest.mark.parametrize("failures", [0, 3])
def test_a_sweep_that_is_given_up_prints_one_object(failures, capsys):
    code = _give_up(failures, json=True)
    found = json.loads(capsys.readouterr().out)
    assert code == (1 if failures else 3)
    assert found.get("verdict") == ("REFUTED" if failures else None)
    assert "longer than --timeout 5" in found["evidence" if failures else "error"]


@pytest.mark.parametrize(("limit", "code"), [("0.25", 0), ("0.125", 1)])
def test_a_sweep_is_one_object(tmp_path, monkeypatch, capsys, limit, code):
    text = f"import jax\nslope = jax.grad(jax.nn.sigmoid)\ndef holds(x, y): return y <= {limit}\n"
    name = f"swept_for_json_{code}"  # as it stays imported
    (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    arguments = [f"{name}:slope", "--holds", f"{name}:holds", "--dtype", "float16"]
    assert main(["sweep", *arguments, "--json"]) == code
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == ("REFUTED" if code else "PROVED") and found["checked"] == 65536
    first = found["failures"]["first"]
    assert (found["failures"]["count"] > 0) is (first is not None) is bool(code)
    if first is not None:
        assert np.uint16(int(first["bits"], 16)).view(np.float16) == float(first["value"])
        assert first["value"] in found["counterexample"]


def test_sweep_refuses_what_is_no_dtype(capsys):
    arguments = ["sweep", "math:sin", "--dtype", "float17", "--holds", "math:isnan"]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "--dtype float17: 'float17' is no float dtype; take one of " in said
    assert "bfloat16" in said and "float8_e5m2" in said


@pytest.mark.parametrize("name", ["./mine:act", ".mine:act", "/mine:act"])
def test_a_module_is_named_as_in_an_import(name, capsys):
    assert main(["check", name, "0.5"]) == 2
    said = capsys.readouterr().err
    assert f"{name!r}: a module is named as in an import" in said and "write mine:act" in said


def test_an_interrupt_while_the_commands_are_imported(monkeypatch, capsys):
    class Interrupted(ModuleType):
        def __getattr__(self, name):
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "jaxgrad.claims.cli", Interrupted("cli"))
    assert entry.main() == 130
    assert capsys.readouterr().err == "jaxgrad: interrupted\n"


def test_the_versions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert f"jax {jax.__version__}, " in capsys.readouterr().out


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_shell_completes_commands_and_options(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(word in script for word in ("check", "prove", "--no-special-points", "--junit"))
    assert main(["--completion", "nosuch"]) == 2
    assert "no shell 'nosuch' is known; there are bash" in capsys.readouterr().err
