"""`import clinsim` registers two environments and does nothing else."""

import json
import subprocess
import sys

import gymnasium
import pettingzoo
import pytest

import clinsim

UNLOADED = ["simpy", "yaml", "torch", "transformers", "openai", "matplotlib", "typer", "rich"]

PROBE = f"""
import sys, clinsim
loaded = [name for name in {UNLOADED!r} if name in sys.modules]
own = sorted(name for name in sys.modules if name.startswith("clinsim"))
sys.stderr.write(__import__("json").dumps([loaded, own]))
"""


def test_import_loads_nothing_heavy_and_prints_nothing():
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert json.loads(done.stderr) == [[], ["clinsim"]]


def test_environments_are_registered_by_string():
    ward = pettingzoo.spec("aec", "clinsim/ward-v1")
    task = gymnasium.spec("clinsim/Task-v1")
    assert (ward.entry_point, task.entry_point) == ("clinsim.rollout:env", "clinsim.benchmark.env:TaskEnv")


@pytest.mark.parametrize("name", clinsim.__all__)
def test_public_name_is_there_and_documented(name):
    value = getattr(clinsim, name)
    assert name in dir(clinsim)
    assert name == "__version__" or value.__doc__


def test_public_names_are_the_table():
    assert sorted(clinsim.__all__) == clinsim.__all__
    assert set(clinsim.__all__) == {*clinsim._HOMES, "__version__"}


def test_no_public_name_is_hidden_by_a_module(root):
    modules = {path.stem for path in (root / "clinsim").iterdir()}
    assert not modules & set(clinsim.__all__)


def test_unknown_name_says_what_there_is():
    with pytest.raises(AttributeError, match=r"'clinsim' has no attribute 'ward'; it has .*tool"):
        _ = clinsim.ward
