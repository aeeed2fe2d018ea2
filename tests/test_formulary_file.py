"""The formulary as a file: nothing twice, and a wrong one is refused by name of file and field."""

from collections import Counter
from typing import Any

import pytest
import yaml

from clinsim.data_file import joined, read_folder
from clinsim.errors import ScenarioError
from clinsim.formulary_file import Formulary
from clinsim.hospital.safety import load_formulary
from clinsim.scenario_file import checked


def unique_keys(loader: yaml.SafeLoader, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    assert len(keys) == len(set(keys)), f"line {node.start_mark.line + 1}: {Counter(keys).most_common(1)}"
    return {key: loader.construct_object(value, deep=True) for key, (_, value) in zip(keys, node.value, strict=True)}


def test_no_name_stands_twice_in_a_file(root: Any) -> None:
    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, unique_keys)
    for path in (root / "scenarios" / "imaging.yaml", *(root / "scenarios" / "formulary").glob("*.yaml")):
        assert yaml.load(path.read_text(encoding="utf-8"), Loader), path


def test_no_name_stands_in_two_files_of_a_folder() -> None:
    assert read_folder("formulary").keys() == set(Formulary.model_fields)
    with pytest.raises(ScenarioError, match=r"formulary/b\.yaml: drugs: aspirin stands in another file"):
        joined({"aspirin": 1}, {"aspirin": 2}, "formulary/b.yaml: drugs")


def test_pairs_stand_once() -> None:
    pairs = [tuple(sorted(row.between)) for row in load_formulary().interactions]
    assert len(pairs) == len(set(pairs))


WRONG = {
    "negative dose": ({"drugs": {"aspirin": {"doses": {"oral": {"low": -75}}}}}, r"drugs\.aspirin\.doses\.oral\.low"),
    "usual above high": ({"drugs": {"aspirin": {"doses": {"oral": {"usual": 900}}}}}, "low <= usual <= high"),
    "unknown route": ({"drugs": {"aspirin": {"doses": {"ear": {"usual": 1, "low": 1, "high": 1}}}}}, "'oral', 'sl', 'iv'"),
    "unknown field": ({"drugs": {"aspirin": {"colour": "white"}}}, r"drugs\.aspirin\.colour"),
    "unknown class": (
        {"interactions": [{"between": ["aspirin", "moonlight"], "tier": "major", "text": "x", "source": "assumption"}]}, "unknown moonlight; allowed",
    ),
    "unknown tier": (
        {"interactions": [{"between": ["aspirin", "heparin"], "tier": "awful", "text": "x", "source": "assumption"}]}, "'contraindicated', 'major'",
    ),
    "no source": ({"slips": {"share": 0.1, "significant": 0.3, "weights": {}}}, r"slips\.source"),
}  # fmt: skip


def merged(raw: Any, change: Any) -> Any:
    if not isinstance(change, dict):
        return change
    return {**raw, **{key: merged(raw.get(key, {}), value) for key, value in change.items()}}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_formulary_is_refused_by_name_of_file_and_field(case: str) -> None:
    change, message = WRONG[case]
    raw = merged(read_folder("formulary"), change)
    if case == "no source":
        del raw["slips"]["source"]
    with pytest.raises(ScenarioError, match=message) as refusal:
        checked(Formulary, raw, "formulary")
    assert str(refusal.value).startswith("formulary: ")
