"""Planning: options by precedence, exporters where a format changes, refusals before anything runs."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from words_samples import WORDS

from lepton_rules.plugin import LeptonError
from lepton_rules.recipe.catalog import Catalog, Chip, PluginSource
from lepton_rules.recipe.plan import plan
from lepton_rules.recipe.reading import Recipe, RecipeStep

SOURCE = PluginSource(name="words", entry="lepton_plugin_words", paths=(WORDS,))


@pytest.fixture
def catalog() -> Catalog:
    return Catalog([SOURCE])


def planned(catalog: Catalog, *steps: RecipeStep, format: str = "words", chip: str | None = None) -> Any:
    found = plan(Recipe(steps=steps), format, catalog.chip(chip), catalog)
    return [(step.found.name, dict(step.config)) for step in found]


def refused(catalog: Catalog, *steps: RecipeStep, **more: Any) -> str:
    with pytest.raises(LeptonError) as caught:
        planned(catalog, *steps, **more)
    return str(caught.value)


def shorten(**config: Any) -> RecipeStep:
    return RecipeStep(name="words.shorten", config=config)


def test_the_plugins_libraries_are_not_loaded(catalog: Catalog) -> None:
    planned(catalog, shorten())
    assert "lepton_plugin_words.work" not in sys.modules


def test_options_come_from_the_recipe_then_the_chip_then_the_plugin(catalog: Catalog) -> None:
    assert planned(catalog, shorten()) == [("words.shorten", {"width": 10, "side": "left"})]
    assert planned(catalog, shorten(), chip="narrow") == [("words.shorten", {"width": 3, "side": "left"})]
    assert planned(catalog, shorten(width=5), chip="narrow") == [("words.shorten", {"width": 5, "side": "left"})]
    assert planned(catalog, shorten(side="right"), chip="words.narrow")[0][1] == {"width": 3, "side": "right"}


def test_an_exporter_is_put_in_where_a_pass_needs_it(catalog: Catalog) -> None:
    steps = planned(catalog, shorten(), RecipeStep(name="words.count"), chip="printer")
    assert [name for name, _ in steps] == ["words.shorten", "words.join", "words.count"]
    assert steps[1][1] == {"mark": "+"}


def test_an_exporter_is_put_in_where_the_chip_needs_it(catalog: Catalog) -> None:
    assert [name for name, _ in planned(catalog, chip="printer")] == ["words.join"]
    assert planned(catalog, chip="narrow") == []


def test_a_recipe_that_is_planned_stays_as_it_is(catalog: Catalog) -> None:
    first = planned(catalog, shorten(), RecipeStep(name="words.count"), chip="printer")
    again = planned(catalog, *(RecipeStep(name=name, config=config) for name, config in first), chip="printer")
    assert again == first


def test_an_exporter_that_must_be_told_something_is_refused_when_nothing_is_said(catalog: Catalog) -> None:
    assert "configuration of words.join: 'mark' is missing" in refused(catalog, RecipeStep(name="words.count"))


@pytest.mark.parametrize(
    ("step", "chip", "message"),
    [
        (
            RecipeStep(name="words.shortn"),
            None,
            "pass words.shortn: there is no such one. Did you mean 'words.shorten'?",
        ),
        (
            RecipeStep(name="word.shorten"),
            None,
            "pass word.shorten: there is no such one. Did you mean 'words.shorten'?",
        ),
        (RecipeStep(name="onnx.quantize"), None, "there is no plugin 'onnx' here; there is words"),
        (shorten(widht=3), None, "configuration of words.shorten: unknown option 'widht'. Did you mean 'width'?"),
        (shorten(width=0), None, "'width' is 0, accepted is at least 1 and at most 100"),
        (shorten(width="3"), None, "'width' is '3' (str), accepted is an int"),
        (shorten(side="top"), None, "'side' is 'top'"),
        (
            RecipeStep(name="words.shorten", config_version=1),
            None,
            "it was written for version 1, the plugin has version 2",
        ),
        (
            shorten(width=4),
            "narrow",
            "width = 4 of words.shorten: it needs int4_weights, which hardware narrow does not have; it has int8",
        ),
        (RecipeStep(name="words.shuffle_lines"), "printer", "it needs int8, which hardware printer does not have"),
        (shorten(), "wide", "hardware wide: no plugin here has such a target"),
    ],
)
def test_refusals(catalog: Catalog, step: RecipeStep, chip: str | None, message: str) -> None:
    assert message in refused(catalog, step, chip=chip)


def test_a_format_that_no_exporter_leads_to(catalog: Catalog) -> None:
    message = refused(catalog, shorten(), format="line")
    assert "words.shorten takes words, the model is line, and none of the plugins here (words) exports" in message


def test_without_a_chip_nothing_is_checked_against_one(catalog: Catalog) -> None:
    assert planned(catalog, shorten(width=4))[0][1]["width"] == 4


def test_a_chip_from_its_facts_is_the_chip(catalog: Catalog) -> None:
    chip = catalog.chip("narrow")
    assert chip
    again = Chip.from_json(chip.to_json())
    assert again.facts == chip.facts
    assert catalog.chip(chip.to_json()) == again


def test_a_plugin_named_twice(catalog: Catalog) -> None:
    with pytest.raises(LeptonError, match="plugin words: it is named twice"):
        catalog.add(SOURCE)


def test_what_was_done_to_a_model_a_chip_must_run_still(catalog: Catalog) -> None:
    made = [
        {"pass": "words.text", "config": {}},
        {"pass": "other.unknown", "config": {}},
        {"pass": "words.shuffle_lines", "config": {}},
        {"pass": "words.shorten", "config": {"width": 4, "side": "left"}},
    ]
    recipe = Recipe(steps=(shorten(),))
    for steps, chip, needed in (
        (made, "narrow", "words.shorten and needs int4_weights"),
        (made[:3], "printer", "words.shuffle_lines and needs int8"),
    ):
        with pytest.raises(LeptonError, match=f"model: it comes from {needed}, which hardware {chip} does not have"):
            plan(recipe, "words", catalog.chip(chip), catalog, steps)
    assert plan(recipe, "words", catalog.chip("narrow"), catalog, made[:3])
    assert plan(recipe, "words", None, catalog, made)
