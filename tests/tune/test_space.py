"""The space is what recipe and chip leave open."""

from __future__ import annotations

from typing import Any

import pytest
from samples import EXPORT, QUANTIZE, SMOOTH, facts, step

from lepton_rules.plugin.errors import LeptonError
from lepton_rules.tune.space import Candidate, Fixed, Random, Space


def names(space: Space) -> list[str]:
    return [parameter.name for parameter in space.parameters]


def declared(options: dict[str, Any], name: str = "onnx.quantize") -> dict[str, Any]:
    return {"pass": name, "options": options}


def test_without_a_declaration_it_follows_from_the_schemas() -> None:
    # No list, no number without a narrow range, no option of an exporter that the recipe does not name.
    assert names(Space(facts())) == [
        "onnx.smooth.alpha",
        "onnx.quantize.calibrator",
        "onnx.quantize.per_channel",
        "onnx.quantize.symmetric",
    ]


@pytest.mark.parametrize("who", ["the recipe", "//chips:chip", "the artifact"])
def test_what_somebody_set_stays(who: str) -> None:
    pinned = QUANTIZE | {"origins": QUANTIZE["origins"] | {"calibrator": who}}
    assert "onnx.quantize.calibrator" not in names(Space(facts([EXPORT, pinned])))


def test_what_the_chip_cannot_do_is_no_part_of_it() -> None:
    space = Space(facts(capabilities=["int8_asymmetric", "int8_per_channel"]))
    assert "onnx.quantize.symmetric" not in names(space)
    assert space.dropped == ["onnx.quantize.symmetric = true: //chips:chip has no int8_symmetric"]


def test_a_declaration_is_all_there_is() -> None:
    options = {"calibrator": {"choices": ["MinMax", "Entropy"]}, "percentile": {"range": [99.0, 99.999]}}
    space = Space(facts(search=[declared(options)]))
    assert names(space) == ["onnx.quantize.calibrator", "onnx.quantize.percentile"]
    assert space.size is None


def test_a_declared_option_varies_although_the_recipe_sets_it_but_not_where_the_artifact_does() -> None:
    search = [declared({"calibrator": {"choices": ["MinMax", "Entropy"]}})]
    ours = QUANTIZE | {"origins": QUANTIZE["origins"] | {"calibrator": "the recipe"}}
    assert names(Space(facts([ours], search))) == ["onnx.quantize.calibrator"]
    theirs = QUANTIZE | {"origins": QUANTIZE["origins"] | {"calibrator": "the artifact"}}
    with pytest.raises(LeptonError, match="the artifact overrides it"):
        Space(facts([theirs], search))


def test_a_declaration_that_the_chip_cannot_do_at_all_is_an_error() -> None:
    search = [declared({"symmetric": {"choices": [True]}})]
    with pytest.raises(LeptonError, match=r"can do none of \[true\]"):
        Space(facts(search=search, capabilities=["int8_asymmetric"]))


def test_alternatives_have_their_own_options() -> None:
    space = Space(
        facts(
            search=[
                declared({"calibrator": {"choices": ["MinMax", "Entropy"]}}),
                declared({"calibrator": {"choices": ["Percentile"]}, "max_samples": {"range": [1, 3]}}),
            ]
        )
    )
    assert names(space) == ["onnx.quantize alternative", "onnx.quantize[0].calibrator", "onnx.quantize[1].max_samples"]
    assert space.size == 2 + 3
    found = [space.candidate(Fixed(point)).changes for point in space.points()]
    assert found == [
        {},
        {2: {"calibrator": "Entropy"}},
        {2: {"calibrator": "Percentile", "max_samples": 1}},
        {2: {"calibrator": "Percentile", "max_samples": 2}},
        {2: {"calibrator": "Percentile", "max_samples": 3}},
    ]


def test_a_pass_may_be_left_out() -> None:
    space = Space(facts(search=[declared({"calibrator": {"choices": ["MinMax", "Entropy"]}})], without=["onnx.smooth"]))
    assert names(space) == ["onnx.smooth is there", "onnx.quantize.calibrator"]
    assert space.size == 4
    assert {space.candidate(Fixed(point)).without for point in space.points()} == {(), (1,)}


def test_a_pass_that_changes_the_format_cannot_be_left_out() -> None:
    convert = SMOOTH | {"produces": "tflite"}
    with pytest.raises(LeptonError, match="what follows needs it"):
        Space(facts([EXPORT, convert], without=["onnx.smooth"]))


def test_points_are_as_many_as_the_size_says_and_no_two_are_the_same() -> None:
    space = Space(facts([EXPORT, QUANTIZE]))
    keys = [space.candidate(Fixed(point)).key for point in space.points()]
    assert len(keys) == len(set(keys)) == space.size == 3 * 2 * 2


def test_a_candidate_is_what_differs_from_the_plan() -> None:
    space = Space(facts([EXPORT, QUANTIZE]))
    answers = {"calibrator": '"Entropy"', "per_channel": "true", "symmetric": "false"}
    candidate = space.candidate(Fixed({f"onnx.quantize.{name}": value for name, value in answers.items()}))
    assert candidate == Candidate(without=(), changes={1: {"calibrator": "Entropy"}})
    assert space.config(candidate, 1)["calibrator"] == "Entropy"
    assert space.config(candidate, 1)["percentile"] == 99.99


def test_numbers_have_few_digits_and_stay_in_their_range() -> None:
    space = Space(facts(search=[declared({"percentile": {"range": [99.0, 99.9999999]}})]))
    chosen = [space.candidate(Random(seed)).changes[2]["percentile"] for seed in range(50)]
    assert all(99.0 <= value <= 99.9999999 and len(repr(value)) <= 10 for value in chosen)


def test_a_range_of_decades_is_even_in_the_logarithm() -> None:
    rate = step(
        "train", {"rate": {"type": "float", "default": 0.1, "minimum": 1e-8, "maximum": 100, "optional": False}}
    )
    space = Space(facts([rate], [declared({"rate": {"range": [0.0001, 1.0]}}, "onnx.train")]))
    (parameter,) = space.parameters
    assert parameter.log
    chosen = [space.candidate(Random(seed)).changes[0]["rate"] for seed in range(200)]
    assert 60 < sum(value < 0.01 for value in chosen) < 140


def test_the_baseline_is_the_model_without_passes() -> None:
    assert Space(facts()).baseline() == Candidate(without=(1, 2), changes={})


def test_the_digest_tells_spaces_and_plans_apart() -> None:
    other = QUANTIZE | {"config": QUANTIZE["config"] | {"max_samples": 8}}
    digests = {
        Space(facts()).digest,
        Space(facts([EXPORT, SMOOTH, other])).digest,
        Space(facts(without=["onnx.smooth"])).digest,
        Space(facts(search=[declared({"calibrator": {"choices": ["Entropy"]}})])).digest,
        Space(facts(search=[declared({"calibrator": {"choices": ["MinMax"]}})])).digest,
    }
    assert len(digests) == 5
    assert Space(facts()).digest == Space(facts()).digest


OF_THE_PLUGIN = [
    {"calibrator": {"choices": ["MinMax", "Entropy"]}},
    {"calibrator": {"choices": ["Percentile"]}, "percentile": {"range": [99.0, 99.999]}},
]


def searched_by_the_plugin(**origins: str) -> dict[str, Any]:
    return QUANTIZE | {"search": OF_THE_PLUGIN, "origins": QUANTIZE["origins"] | origins}


def test_a_plugin_says_what_its_passes_are_searched_over() -> None:
    assert names(Space(facts([SMOOTH, searched_by_the_plugin()]))) == [
        "onnx.smooth.alpha",
        "onnx.quantize alternative",
        "onnx.quantize[0].calibrator",
        "onnx.quantize[1].percentile",
    ]


def test_what_the_recipe_sets_leaves_the_alternatives_that_hold_with_it() -> None:
    # MinMax: a percentile means nothing.
    assert names(Space(facts([searched_by_the_plugin(calibrator="the recipe")]))) == []
    percentile = searched_by_the_plugin(calibrator="the recipe")
    percentile["config"] = percentile["config"] | {"calibrator": "Percentile"}
    assert names(Space(facts([percentile]))) == ["onnx.quantize.percentile"]


def test_a_recipes_declaration_wins_over_the_plugins() -> None:
    search = [declared({"per_channel": {"choices": [False, True]}})]
    assert names(Space(facts([SMOOTH, searched_by_the_plugin()], search))) == ["onnx.quantize.per_channel"]


TEMPERATURE = {"type": "float", "default": 4.0, "minimum": 0.01, "maximum": 1000, "optional": False}
EPOCHS = {"type": "int", "default": 10, "minimum": 1, "maximum": 10000, "optional": False}


def test_options_of_a_training_are_searched_like_any_other() -> None:
    """Numbers whose bounds are wide are no space by themselves; a plugin or a recipe makes them one."""
    distill = step("distill", {"temperature": TEMPERATURE, "epochs": EPOCHS}) | {
        "plugin": "torch",
        "consumes": "pytorch",
        "produces": "pytorch",
    }
    assert names(Space(facts([distill, EXPORT, QUANTIZE]))) == names(Space(facts([EXPORT, QUANTIZE])))
    options = {"temperature": {"range": [1.0, 8.0]}, "epochs": {"choices": [5, 10]}}
    by_the_plugin = Space(facts([distill | {"search": [options]}, EXPORT]))
    by_the_recipe = Space(facts([distill, EXPORT], [declared(options, "torch.distill")]))
    assert names(by_the_plugin) == names(by_the_recipe) == ["torch.distill.epochs", "torch.distill.temperature"]
    candidate = by_the_recipe.candidate(Fixed({"torch.distill.epochs": "5", "torch.distill.temperature": 2.5}))
    assert candidate.changes == {0: {"epochs": 5, "temperature": 2.5}}
