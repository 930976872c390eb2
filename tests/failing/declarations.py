"""Mistakes in BUILD files that are found before anything runs."""

from __future__ import annotations

from case import Case, Group
from clients import CLIENTS, VERSIONS
from deployments import DEPLOYMENTS
from images import IMAGES


def _recipe(name: str, passes: str, says: str) -> Case:
    return Case(name, f'lepton_recipe(name = "x", passes = [{passes}])\n', says)


def _artifact(name: str, attributes: str, says: str, before: str = "") -> Case:
    """An artifact of //good:hello."""
    build = f'lepton_artifact(name = "x", model = "//good:hello", {attributes})\n'
    return Case(name, before + build, says)


def _with_recipe(
    name: str, passes: str, says: str, hardware: str = "//sample:page", attributes: str = "", before: str = ""
) -> Case:
    """An artifact of //good:hello with a recipe of its own."""
    return _artifact(
        name,
        f'hardware = "{hardware}", recipe = ":recipe", {attributes}',
        says,
        before=f'{before}lepton_recipe(name = "recipe", passes = [{passes}])\n',
    )


def _recipe_override(name: str, overrides: str, says: str) -> Case:
    """A recipe that extends one of sample.append() and overrides."""
    base = 'lepton_recipe(name = "base", passes = [sample.append()])\n'
    return Case(name, f'{base}lepton_recipe(name = "x", extends = ":base", overrides = [{overrides}])\n', says)


def _size(name: str, attributes: str, says: str) -> Case:
    return Case(name, f'lepton_size_test(name = "x", artifact = "//good:hello_page", {attributes})\n', says)


def _accuracy(name: str, attributes: str, says: str, artifact: str = "//gates:right") -> Case:
    return Case(name, f'lepton_accuracy_test(name = "x", artifact = "{artifact}", {attributes})\n', says)


def _throughput(name: str, attributes: str, says: str) -> Case:
    return Case(name, f'lepton_throughput_test(name = "x", artifact = "//gates:right", {attributes})\n', says)


def _memory(name: str, attributes: str, says: str) -> Case:
    return Case(name, f'lepton_memory_test(name = "x", artifact = "//gates:right", {attributes})\n', says)


def _cold_start(name: str, attributes: str, says: str) -> Case:
    return Case(name, f'lepton_cold_start_test(name = "x", artifact = "//gates:right", {attributes})\n', says)


def _latency(name: str, attributes: str, says: str, artifact: str = "//gates:right") -> Case:
    return Case(name, f'lepton_latency_test(name = "x", artifact = "{artifact}", {attributes})\n', says)


_METRICS = 'load("@lepton_rules//plugins/metrics:passes.bzl", "metrics", METRICS = "DESCRIPTORS")\n'
_PLUGIN = """lepton_plugin(name = "{name}", descriptors = {descriptors}, environment = "@failing_small//:environment")
"""


def _component(variable: str, kind: str, name: str) -> str:
    """A component of the plugin whose target is called as the variable, without a passes.bzl."""
    plugin = f'package_relative_label(":{variable}")'
    return f'{variable} = lepton_component(kind = "{kind}", plugin = {plugin}, name = "{name}", config = {{}})\n'


def _plugin(name: str, descriptors: str, says: str) -> Case:
    return Case(name, _PLUGIN.format(name="x", descriptors=descriptors), says)


def _dataset(name: str, attributes: str, says: str) -> Case:
    build = f"""lepton_dataset(
    name = "x",
    environment = "@lepton_rules_onnx//:environment",
    {attributes}
)
"""
    return Case(name, build, says)


_OPTIONS = [
    _recipe(
        "unknown_pass",
        'lepton_pass(plugin = package_relative_label("//sample"), name = "apend", config = {})',
        'lepton: pass sample.apend in {here}:x: //sample:sample registers no such pass; did you mean "append"? '
        "Correct its name, or generate the plugin's passes.bzl again.",
    ),
    _recipe(
        "misspelled_option",
        "sample.append(tims = 2)",
        'lepton: tims of sample.append in {here}:x: there is no such option; did you mean "times"? '
        "Correct its name, or remove it.",
    ),
    _recipe(
        "unknown_option",
        "sample.append(colour_of_the_ink = 2)",
        "lepton: colour_of_the_ink of sample.append in {here}:x: there is no such option; accepted are bits, text, "
        "times. Correct its name, or remove it.",
    ),
    _recipe(
        "option_of_a_pass_without_any",
        "sample.teach(loud = True)",
        "lepton: loud of sample.teach in {here}:x: there is no such option; accepted are none. "
        "Correct its name, or remove it.",
    ),
    _recipe(
        "wrong_type_string_for_int",
        'sample.append(times = "2")',
        'lepton: times of sample.append in {here}:x: "2" is a string, and it takes an int. Write it as an int.',
    ),
    _recipe(
        "wrong_type_bool_for_int",
        "sample.append(times = True)",
        "lepton: times of sample.append in {here}:x: True is a bool, and it takes an int. Write it as an int.",
    ),
    _recipe(
        "wrong_type_int_for_string",
        "sample.append(text = 2)",
        "lepton: text of sample.append in {here}:x: 2 is an int, and it takes a string. Write it as a string.",
    ),
    _recipe(
        "wrong_type_int_for_bool",
        "sample.style(bold = 1)",
        "lepton: bold of sample.style in {here}:x: 1 is an int, and it takes a bool. Write it as a bool.",
    ),
    _recipe(
        "wrong_type_string_for_list",
        'sample.style(words = "one")',
        'lepton: words of sample.style in {here}:x: "one" is a string, and it takes a list of strings. '
        "Write it as a list of strings.",
    ),
    _recipe(
        "wrong_type_in_list",
        "sample.style(sizes = [1, None])",
        "lepton: sizes of sample.style in {here}:x: [1, None] is a list, and it takes a list of ints. "
        "Write it as a list of ints.",
    ),
    _recipe(
        "wrong_type_in_dict",
        'sample.style(names = {"a": 1})',
        'lepton: names of sample.style in {here}:x: {"a": 1} is a dict, and it takes a dict of strings to strings. '
        "Write it as a dict of strings to strings.",
    ),
    _recipe(
        "label_for_string",
        'sample.append(text = package_relative_label("//sample"))',
        "lepton: text of append in {here}:x: it is a Label, which no option takes. "
        "Give a bool, a number, a string, a list or a dict.",
    ),
    _recipe(
        "select_for_string",
        'sample.append(text = select({"//conditions:default": "a"}))',
        "lepton: text of append in {here}:x: it is a select, which no option takes. "
        "Write a target for each case, and select() among them.",
    ),
    _recipe(
        "too_small",
        "sample.append(times = 0)",
        "lepton: times of sample.append in {here}:x: 0 is less than 1. Give at least 1.",
    ),
    _recipe(
        "too_large",
        "sample.append(times = 10)",
        "lepton: times of sample.append in {here}:x: 10 is more than 9. Give at most 9.",
    ),
    _recipe(
        "too_small_in_list",
        "sample.style(sizes = [4, 0])",
        "lepton: sizes of sample.style in {here}:x: 0 is less than 1. Give at least 1.",
    ),
    _recipe(
        "option_is_nan",
        'sample.style(weight = float("nan"))',
        "lepton: weight of style in {here}:x: nan is not a finite number. Write a finite number.",
    ),
    _recipe(
        "option_is_infinite",
        'sample.style(weight = float("-inf"))',
        "lepton: weight of style in {here}:x: -inf is not a finite number. Write a finite number.",
    ),
    _recipe(
        "unknown_choice",
        'sample.style(face = "serf")',
        'lepton: face of sample.style in {here}:x: "serf" is none of the choices; did you mean "serif"? '
        "Choose one of them.",
    ),
    _with_recipe(
        "option_without_default",
        "sample.misbehave()",
        "lepton: deed of sample.misbehave in {here}:x: it has no default and nobody sets it. Set it in the recipe.",
    ),
    _recipe(
        "importer_in_a_recipe",
        "sample.text()",
        "lepton: sample.text in {here}:x: it is an importer, and a pass or an exporter belongs here. "
        "Use one of the plugin's passes or exporters.",
    ),
    Case(
        "pass_as_importer",
        'lepton_model(name = "x", importer = sample.append(), weights = ["//good:hello.txt"])\n',
        "lepton: sample.append in {here}:x: it is a pass, and an importer belongs here. "
        "Use one of the plugin's importers.",
    ),
    Case(
        "passes_are_no_list",
        'lepton_recipe(name = "x", passes = sample.append())\n',
        "lepton: passes in {here}:x: it is a struct, and it takes a list. Write a list, such as [onnx.quantize()].",
    ),
    Case(
        "passes_are_strings",
        'lepton_recipe(name = "x", passes = ["sample.append"])\n',
        'lepton: passes in {here}:x: "sample.append" is no component of a plugin. '
        "Load the plugin's passes.bzl and call one, such as onnx.quantize().",
    ),
    Case(
        "pass_is_not_called",
        'lepton_recipe(name = "x", passes = [sample.append])\n',
        "lepton: passes in {here}:x: <function _append from //sample:passes.bzl> is no component of a plugin. "
        "Load the plugin's passes.bzl and call one, such as onnx.quantize().",
    ),
]

_PLANS = [
    _with_recipe(
        "format_that_nothing_produces",
        "sample.carve()",
        "lepton: format in {here}:x: sample.carve takes stone, the model is text, and none of the plugins sample "
        "exports one to the other. Use a recipe or a plugin with an exporter from text to stone.",
    ),
    _with_recipe(
        "two_exporters_lead_there",
        "rival.flourish()",
        "lepton: format in {here}:x: //sample:page takes blob, the model is text, and several exporters lead there: "
        "sample.text_to_blob and rival.press. Put the one that you want into the recipe's passes.",
    ),
    _with_recipe(
        "format_after_the_exporter",
        "sample.text_to_blob(), sample.append()",
        "lepton: format in {here}:x: sample.append takes text, the model is blob, and none of the plugins sample "
        "exports one to the other. Use a recipe or a plugin with an exporter from blob to text.",
    ),
    _with_recipe(
        "int4_in_the_recipe",
        "sample.append(bits = 4)",
        "lepton: bits = 4 of sample.append in {here}:x: it comes from the recipe and needs int4_weights, which "
        "//sample:page does not have; it has int8. "
        "Set bits to a value that the hardware supports, or choose hardware with int4_weights.",
    ),
    _with_recipe(
        "int4_in_the_artifact",
        "sample.append()",
        "lepton: bits = 4 of sample.append in {here}:x: it comes from the artifact and needs int4_weights, which "
        "//sample:page does not have; it has int8. "
        "Set bits to a value that the hardware supports, or choose hardware with int4_weights.",
        attributes="overrides = [sample.append(bits = 4)]",
    ),
    _with_recipe(
        "int4_by_the_plugins_default",
        "sample.pack()",
        "lepton: bits = 4 of sample.pack in {here}:x: it comes from the plugin's default and needs int4_weights, which "
        "//sample:page does not have; it has int8. "
        "Set bits to a value that the hardware supports, or choose hardware with int4_weights.",
    ),
    _with_recipe(
        "int4_by_the_hardwares_default",
        "sample.append()",
        "lepton: bits = 4 of sample.append in {here}:x: it comes from //sample:bold_page and needs int4_weights, which "
        "//sample:bold_page does not have; it has int8. "
        "Set bits to a value that the hardware supports, or choose hardware with int4_weights.",
        hardware="//sample:bold_page",
    ),
    _with_recipe(
        "pass_that_the_chip_cannot_run",
        "sample.brew()",
        "lepton: sample.brew in {here}:x: it needs fp8, which //sample:wide_page does not have; it has int4_weights, "
        "int8. Take the pass out of the recipe for this hardware, or choose hardware with fp8.",
        hardware="//sample:wide_page",
    ),
    Case(
        "int4_in_a_recipe_that_names_its_chip",
        'lepton_recipe(name = "x", hardware = ["//sample:wide_page", "//sample:page"], '
        "passes = [sample.append(bits = 4)])\n",
        "lepton: bits = 4 of sample.append in {here}:x: it comes from the recipe and needs int4_weights, which "
        "//sample:page does not have; it has int8. "
        "Set bits to a value that the hardware supports, or choose hardware with int4_weights.",
    ),
    Case(
        "int4_in_a_recipe_that_is_extended",
        'lepton_recipe(name = "base", passes = [sample.append(bits = 4)])\n'
        'lepton_recipe(name = "x", extends = ":base", hardware = ["//sample:page"])\n',
        "lepton: bits = 4 of sample.append in {here}:x: it comes from the recipe and needs int4_weights, which "
        "//sample:page does not have; it has int8. "
        "Set bits to a value that the hardware supports, or choose hardware with int4_weights.",
    ),
    _artifact(
        "int4_in_a_list",
        'hardware = "//sample:page", recipe = [sample.append(bits = 4)]',
        "lepton: bits = 4 of sample.append in {here}:x: it comes from the recipe and needs int4_weights, which "
        "//sample:page does not have; it has int8. "
        "Set bits to a value that the hardware supports, or choose hardware with int4_weights.",
    ),
    Case(
        "int4_in_the_artifact_before",
        'lepton_artifact(name = "before", hardware = "//sample:wide_page", model = "//good:hello", '
        "recipe = [sample.append(bits = 4)])\n"
        'lepton_artifact(name = "x", hardware = "//sample:page", model = ":before")\n',
        "lepton: model in {here}:x: {here}:before comes from sample.append, which needs int4_weights, and "
        "//sample:page does not have it; it has int8. "
        "Start from the model as it was before, or choose hardware with int4_weights.",
    ),
    _recipe_override(
        "override_of_what_is_not_extended",
        "sample.style(bold = True)",
        "lepton: overrides in {here}:x: {here}:base has no sample.style; accepted are sample.append. "
        "Correct its name, or put the pass into passes.",
    ),
    _recipe_override(
        "two_overrides_of_an_extended_pass",
        'sample.append(times = 2), sample.append(text = "?")',
        "lepton: overrides in {here}:x: sample.append is there twice. Write its options in one.",
    ),
    Case(
        "override_without_a_recipe_to_extend",
        'lepton_recipe(name = "x", overrides = [sample.append(times = 2)])\n',
        "lepton: overrides in {here}:x: the recipe extends none, and has no sample.append; accepted are none. "
        "Correct its name, or put the pass into passes.",
    ),
    _with_recipe(
        "misspelled_option_in_the_hardwares_default",
        "sample.append()",
        'lepton: bit of sample.append in {here}:x: there is no such option; did you mean "bits"? '
        "Correct the pass_defaults of //sample:torn_page.",
        hardware="//sample:torn_page",
    ),
    _with_recipe(
        "two_plugins_with_one_name",
        'lepton_pass(plugin = package_relative_label(":other_sample"), name = "append", config = {})',
        "lepton: plugin sample in {here}:x: both //sample:sample and {here}:other_sample claim the name. "
        "Rename one of them.",
        before=_PLUGIN.format(name="other_sample", descriptors="SAMPLE"),
    ),
    _with_recipe(
        "override_of_what_is_not_planned",
        "sample.append()",
        "lepton: overrides in {here}:x: the plan has no sample.style; it is sample.append, sample.text_to_blob. "
        "Remove the override, or add the pass to the recipe.",
        attributes="overrides = [sample.style(bold = True)]",
    ),
    _with_recipe(
        "two_overrides_of_one_pass",
        "sample.append()",
        "lepton: overrides in {here}:x: sample.append is there twice. Write its options in one.",
        attributes='overrides = [sample.append(times = 2), sample.append(text = "?")]',
    ),
    _with_recipe(
        "no_threads",
        "sample.append()",
        "lepton: threads in {here}:x: 0 is less than 1. Give at least 1.",
        attributes="threads = 0",
    ),
    _artifact(
        "dataset_without_evaluation_split",
        'hardware = "//scribe:desk", dataset = "//data:unmeasured"',
        "lepton: dataset in {here}:x: //data:unmeasured has no evaluation split. "
        "Name one in it, or leave dataset out and bind slots.",
    ),
    _artifact(
        "metrics_of_two_plugins",
        'hardware = "//scribe:desk", dataset = "//data:coins", metrics = [metrics.accuracy(), odd]',
        "lepton: metrics in {here}:x: they come from @lepton_rules//plugins/metrics:metrics and {here}:odd. "
        "Take the metrics of one target from one plugin.",
        before=_METRICS
        + _PLUGIN.format(name="odd", descriptors='METRICS | {"name": "odd"}')
        + _component("odd", "metric", "accuracy"),
    ),
]

_SLOTS = [
    _with_recipe(
        "slot_unbound",
        "sample.teach()",
        "lepton: slot teacher of sample.teach in {here}:x: nothing is bound to it. "
        'Write slots = {"//some:model": "teacher"}.',
    ),
    _with_recipe(
        "dataset_slot_unbound",
        "sample.study()",
        "lepton: slot notes of sample.study in {here}:x: nothing is bound to it. "
        'Write slots = {"//some:dataset": "notes"}.',
    ),
    _with_recipe(
        "slot_bound_twice",
        "sample.teach()",
        "lepton: slots in {here}:x: teacher is bound twice. Bind it once.",
        attributes='slots = {"//good:hello": "teacher", "//good:hello_page": "teacher"}',
    ),
    _with_recipe(
        "slot_unknown",
        "sample.teach()",
        'lepton: slots in {here}:x: no pass has a slot "techer"; did you mean "teacher"? '
        "Correct its name, or remove it.",
        attributes='slots = {"//good:hello": "techer"}',
    ),
    _with_recipe(
        "slot_of_another_kind",
        "sample.teach()",
        "lepton: slot teacher of sample.teach in {here}:x: it is bound to a dataset and takes a model. "
        "Bind it to a model.",
        attributes='slots = {"//data:coins": "teacher"}',
    ),
    _with_recipe(
        "slot_bound_to_a_hardware",
        "sample.teach()",
        "lepton: slots in {here}:x: //sample:page is neither a model nor a dataset. Bind teacher to one.",
        attributes='slots = {"//sample:page": "teacher"}',
    ),
    _with_recipe(
        "slot_bound_to_the_evaluation_split",
        "sample.study()",
        'lepton: slot notes in {here}:x: "evaluation" is the evaluation split of //data:coins, and nothing that '
        "shapes a model may see it. Name another split.",
        attributes='slots = {"//data:coins": "notes=evaluation"}',
    ),
    _with_recipe(
        "slot_bound_to_an_unknown_split",
        "sample.study()",
        'lepton: slot notes in {here}:x: //data:coins has no split "trian"; did you mean "train"? Name one of them.',
        attributes='slots = {"//data:coins": "notes=trian"}',
    ),
    _with_recipe(
        "model_slot_with_a_split",
        "sample.teach()",
        'lepton: slots in {here}:x: //good:hello is a model, which has no split "train". Write only "teacher".',
        attributes='slots = {"//good:hello": "teacher=train"}',
    ),
    _with_recipe(
        "slot_without_a_name",
        "sample.teach()",
        'lepton: slots in {here}:x: //good:hello is bound to no slot. Write the slot\'s name, such as "calibration".',
        attributes='slots = {"//good:hello": " "}',
    ),
]

_HARDWARE = [
    Case(
        "target_unknown",
        'lepton_hardware(name = "x", plugin = "//sample", target = "pages")\n',
        'lepton: target in {here}:x: //sample:sample registers no target "pages"; did you mean "page"? '
        "Correct its name.",
    ),
    Case(
        "hardware_without_threads",
        'lepton_hardware(name = "x", plugin = "//sample", target = "page", threads = -1)\n',
        "lepton: threads in {here}:x: -1 is less than 1. Give at least 1.",
    ),
    Case(
        "misspelled_hardware_default",
        'lepton_hardware(name = "x", plugin = "//sample", target = "page", pass_defaults = [sample.append(bit = 8)])\n',
        'lepton: bit of sample.append in {here}:x: there is no such option; did you mean "bits"? '
        "Correct its name, or remove it.",
    ),
]

_MODELS = [
    Case(
        "model_without_files",
        'lepton_model(name = "x", importer = sample.text())\n',
        "lepton: lepton_model in {here}:x: it has no files. Give srcs, data or weights.",
    ),
    Case(
        "code_where_there_is_none",
        'lepton_model(name = "x", importer = sample.text(), weights = ["//good:hello.txt"], allow_code = True)\n',
        "lepton: allow_code in {here}:x: importer sample.text runs no code from a model's files. Remove allow_code.",
    ),
    Case(
        "environment_that_lacks_what_the_plugin_requires",
        'lepton_plugin(name = "needy", descriptors = SAMPLE | {"name": "needy"}, requires = ["numpy"], '
        'environment = "@lepton_rules_onnx//:environment")\n'
        + _component("needy", "importer", "text")
        + 'lepton_model(name = "x", importer = needy, weights = ["//good:hello.txt"], '
        'environment = "@failing_small//:environment")\n',
        "lepton: environment in {here}:x: plugin needy requires numpy, which the environment small does not have; it "
        "has pluggy. Add numpy to its requirements_lock.",
    ),
    Case(
        "wheel_from_outside",
        'load("//lib:wheel.bzl", "wheel")\n'
        'wheel(name = "requests")\n'
        'lepton_model(name = "x", importer = sample.text(), weights = ["//good:hello.txt"], srcs = [":requests"])\n',
        "lepton: srcs in {here}:x: {here}:requests brings the installed package "
        "rules_python~~pip~pypi_311_requests/site-packages; wheels come from the environment's lock. "
        "Drop it from deps and add the package to the requirements_lock of the environment.",
    ),
    Case(
        "imports_outside_the_package",
        'lepton_model(name = "x", importer = sample.text(), weights = ["//good:hello.txt"], imports = ["../good"])\n',
        'lepton: imports in {here}:x: "../good" leaves the package. Name a directory below the package.',
    ),
]

_PLUGINS = [
    _plugin(
        "plugin_of_another_api_version",
        'SAMPLE | {"api_version": 2}',
        "lepton: plugin sample in {here}:x: it is written for api_version 2, and this lepton_rules has 1. "
        "Use a release of the plugin for api_version 1.",
    ),
    _plugin(
        "plugin_without_api_version",
        '{"name": "sample"}',
        "lepton: plugin sample in {here}:x: it is written for api_version None, and this lepton_rules has 1. "
        "Use a release of the plugin for api_version 1.",
    ),
    _plugin(
        "descriptors_are_no_json",
        '"{"',
        "lepton: descriptors in {here}:x: they are not the JSON of a plugin. "
        "Give DESCRIPTORS of the generated passes.bzl.",
    ),
    _plugin(
        "descriptors_of_an_unknown_kind",
        'SAMPLE | {"passses": {}}',
        'lepton: descriptors in {here}:x: "passses" is no kind of component; did you mean "passes"? '
        "Generate passes.bzl again.",
    ),
    _plugin(
        "descriptors_without_a_kind",
        '{"api_version": 1, "name": "sample"}',
        "lepton: descriptors of plugin sample in {here}:x: no table of importers. Generate passes.bzl again.",
    ),
    _plugin(
        "plugin_with_a_long_name",
        'SAMPLE | {"name": "n" * 64}',
        f'lepton: descriptors in {{here}}:x: "{"n" * 64}" is no name for a plugin or a component. '
        "Use at most 63 lower case ASCII letters, digits and _, a letter first.",
    ),
    _plugin(
        "plugin_with_a_path_for_a_name",
        'SAMPLE | {"name": "../sample"}',
        'lepton: descriptors in {here}:x: "../sample" is no name for a plugin or a component. '
        "Use at most 63 lower case ASCII letters, digits and _, a letter first.",
    ),
    Case(
        "plugin_whose_environment_lacks_a_distribution",
        'lepton_plugin(name = "x", descriptors = SAMPLE, environment = "@failing_small//:environment", '
        'requires = ["plugy"])\n',
        "lepton: environment in {here}:x: plugin sample requires plugy, which the environment small does not have; "
        'did you mean "pluggy"? Add plugy to its requirements_lock.',
    ),
]

_DATASETS = [
    _dataset(
        "data_without_a_generator",
        'arrays = "a.npz", splits = ["evaluation"], data = {"a.txt": "words"}',
        "lepton: data in {here}:x: there is no generator to read it. Give arrays alone, or a generator.",
    ),
    _dataset(
        "data_under_a_key_of_config",
        'generator = "a:b", splits = ["evaluation"], config = json.encode({"words": 3}), data = {"a.txt": "words"}',
        'lepton: data in {here}:x: {here}:a.txt has the key "words": config has this key too. Give it another key.',
    ),
    _dataset(
        "dataset_of_nothing",
        'splits = ["evaluation"],',
        "lepton: lepton_dataset in {here}:x: it has neither generator nor arrays. Give one of the two.",
    ),
    _dataset(
        "dataset_of_both",
        'splits = ["evaluation"], generator = "a:b", arrays = "a.npz",',
        "lepton: lepton_dataset in {here}:x: it has both generator and arrays. Give one of the two.",
    ),
    _dataset(
        "generator_is_no_function",
        'splits = ["evaluation"], generator = "coins.tosses",',
        'lepton: generator in {here}:x: "coins.tosses" is not module:function. Write it as `digits:load`.',
    ),
    _dataset(
        "dataset_config_is_no_json",
        'splits = ["evaluation"], generator = "a:b", config = "{count: 1}",',
        "lepton: config in {here}:x: it is not a JSON object. Write json.encode({…}).",
    ),
    _dataset(
        "dataset_without_splits",
        'splits = [], generator = "a:b",',
        "lepton: splits in {here}:x: there are none. Name at least one.",
    ),
    _dataset(
        "splits_without_indices",
        'splits = ["evaluation", "train"], generator = "a:b",',
        "lepton: splits in {here}:x: there are 2 and no split_indices says which samples they hold. "
        "Check in a JSON file of indices and give it as split_indices.",
    ),
    _dataset(
        "split_that_is_a_path",
        'splits = ["../evaluation"], evaluation_split = "", generator = "a:b",',
        'lepton: splits in {here}:x: "../evaluation" is no name for a file. Use letters, digits, - and _.',
    ),
    _dataset(
        "split_named_twice",
        'splits = ["evaluation", "evaluation"], generator = "a:b", split_indices = "//data:splits.json",',
        'lepton: splits in {here}:x: "evaluation" is there twice. Name it once.',
    ),
    _dataset(
        "evaluation_split_that_is_not_there",
        'splits = ["all"], generator = "a:b",',
        'lepton: evaluation_split in {here}:x: there is no split "evaluation"; it has all. '
        'Name one of them, or set evaluation_split to "" where nothing is measured.',
    ),
    Case(
        "checkpoint_of_nothing",
        'lepton_checkpoint(name = "x", plugin = "//sample")\n',
        "lepton: lepton_checkpoint in {here}:x: it has neither function nor src. Give one of the two.",
    ),
    Case(
        "checkpoint_of_both",
        'lepton_checkpoint(name = "x", plugin = "//sample", function = "a:b", src = "a.pt")\n',
        "lepton: lepton_checkpoint in {here}:x: it has both function and src. Give one of the two.",
    ),
    Case(
        "checkpoint_format",
        'lepton_checkpoint(name = "x", plugin = "//sample", function = "a:b", format = "safetensor")\n',
        'lepton: format in {here}:x: plugin sample writes no "safetensor"; did you mean "safetensors"? Give one of '
        "them, or name another plugin.",
    ),
    Case(
        "checkpoint_format_of_a_file",
        'lepton_checkpoint(name = "x", plugin = "//sample", src = "a.pt", format = "h5")\n',
        "lepton: format in {here}:x: a converted file is safetensors, not h5. Remove format.",
    ),
    Case(
        "training_on_the_evaluation_split",
        'lepton_checkpoint(name = "x", plugin = "//sample", function = "a:b", dataset = "//data:coins", '
        'splits = ["evaluation"])\n',
        'lepton: splits in {here}:x: "evaluation" is the evaluation split of //data:coins, and nothing that shapes a '
        "model may see it. Name another split.",
    ),
]

_BUDGETS = [
    _size(
        "no_budget",
        "",
        "lepton: budgets in {here}:x: none is set. Set one of max_compressed_size_bytes, "
        "max_compressed_size_ratio, max_image_size_bytes, max_size_bytes, max_size_ratio.",
    ),
    Case(
        "no_budget_in_budgets",
        'lepton_budgets(name = "x", artifact = "//good:hello_page")\n',
        "lepton: budgets in {here}:x: none is set. Set one, such as min_accuracy = 0.97.",
    ),
    Case(
        "batch_alone_is_no_budget",
        'lepton_budgets(name = "x", artifact = "//good:hello_page", max_size_bytes = 100, batch = 8)\n',
        "lepton: batch in {here}:x: no budget of cold_start is set. Set one, such as max_cold_start_ratio = 0.8, or "
        "remove batch.",
    ),
    _size(
        "budget_with_a_unit",
        'max_size_bytes = "11MB"',
        'lepton: max_size_bytes in {here}:x: "11MB" is not a whole number. '
        'Write it like "1000000"; the unit is in the name.',
    ),
    _size(
        "budget_of_half_a_byte",
        "max_size_bytes = 0.5",
        'lepton: max_size_bytes in {here}:x: "0.5" is not a whole number. '
        'Write it like "1000000"; the unit is in the name.',
    ),
    _size(
        "budget_in_percent_of_size",
        'max_size_ratio = "27%", baseline = "//good:hello"',
        'lepton: max_size_ratio in {here}:x: "27%" is not a decimal number. '
        'Write it like "0.97"; the unit is in the name.',
    ),
    _size(
        "ratio_in_percent",
        'max_size_ratio = 27, baseline = "//good:hello"',
        'lepton: max_size_ratio in {here}:x: 27 is more than 10. Give it as a fraction of 1, such as "0.97".',
    ),
    _accuracy(
        "accuracy_in_percent",
        "min_accuracy = 97",
        'lepton: min_accuracy in {here}:x: 97 is more than 1. Give it as a fraction of 1, such as "0.97".',
    ),
    _accuracy(
        "budget_is_nan",
        'min_accuracy = float("nan")',
        'lepton: min_accuracy in {here}:x: "nan" is not a decimal number. '
        'Write it like "0.97"; the unit is in the name.',
    ),
    _accuracy(
        "budget_is_infinite",
        'min_accuracy = "inf"',
        'lepton: min_accuracy in {here}:x: "inf" is not a decimal number. '
        'Write it like "0.97"; the unit is in the name.',
    ),
    _accuracy(
        "budget_is_negative",
        "min_accuracy = -0.5",
        "lepton: min_accuracy in {here}:x: -0.5 is negative. Give a number above 0.",
    ),
    _accuracy(
        "budget_is_zero",
        "min_accuracy = 0",
        "lepton: min_accuracy in {here}:x: it is 0. Give a number above 0.",
    ),
    _accuracy(
        "budget_has_a_comma",
        'min_accuracy = "0,97"',
        'lepton: min_accuracy in {here}:x: "0,97" is not a decimal number. '
        'Write it like "0.97"; the unit is in the name.',
    ),
    _latency(
        "speedup_with_a_unit",
        'min_speedup = "3.2x", baseline = "//gates:slow"',
        'lepton: min_speedup in {here}:x: "3.2x" is not a decimal number. '
        'Write it like "0.97"; the unit is in the name.',
    ),
    _latency(
        "milliseconds_with_a_unit",
        'max_p99_ms = "5ms"',
        'lepton: max_p99_ms in {here}:x: "5ms" is not a decimal number. Write it like "0.97"; the unit is in the name.',
    ),
    _latency(
        "batch_of_nothing",
        "max_p99_ms = 5, batch = 0",
        "lepton: batch in {here}:x: 0 is less than 1. Give at least 1.",
    ),
    _size(
        "ratio_without_a_baseline",
        "max_size_ratio = 0.27",
        "lepton: max_size_ratio in {here}:x: it is relative to a baseline, and there is none. "
        "Set baseline to the artifact to compare with.",
    ),
    _accuracy(
        "drop_without_a_baseline",
        "max_accuracy_drop = 0.01",
        "lepton: max_accuracy_drop in {here}:x: it is relative to a baseline, and there is none. "
        "Set baseline to the artifact to compare with.",
    ),
    _accuracy(
        "agreement_without_a_baseline",
        "min_agreement = 0.99",
        "lepton: min_agreement in {here}:x: it is relative to a baseline, and there is none. "
        "Set baseline to the artifact to compare with.",
    ),
    _latency(
        "speedup_without_a_baseline",
        "min_speedup = 2",
        "lepton: min_speedup in {here}:x: it is relative to a baseline, and there is none. "
        "Set baseline to the artifact to compare with.",
    ),
    _accuracy(
        "drop_of_what_compares",
        'max_agreement_drop = 0.01, baseline = "//gates:slow"',
        "lepton: max_agreement_drop in {here}:x: agreement itself compares with the baseline. Set min_agreement.",
    ),
    _accuracy(
        "budget_on_the_wrong_side",
        "max_accuracy = 0.9",
        "lepton: max_accuracy in {here}:x: accuracy is better when it is higher. "
        "Set one of min_accuracy, max_accuracy_drop, max_accuracy_drop_ratio.",
    ),
    _accuracy(
        "budget_on_an_unknown_metric",
        "min_acuracy = 0.9",
        'lepton: min_acuracy in {here}:x: there is no metric "acuracy"; did you mean "min_accuracy"? '
        "Correct its name, or give the metric in metrics.",
    ),
    Case(
        "misspelled_budget_of_latency",
        'lepton_budgets(name = "x", artifact = "//gates:right", min_speed_up = 2)\n',
        'lepton: min_speed_up in {here}:x_accuracy_test: there is no metric "speed_up"; '
        'did you mean "min_speedup"? Correct its name, or give the metric in metrics.',
    ),
    _accuracy(
        "budget_on_a_metric_is_a_select",
        'min_accuracy = select({"//conditions:default": 0.9})',
        "lepton: min_accuracy in {here}:x: it is a select, which no budget on a metric takes. "
        "Write a target for each case.",
    ),
    Case(
        "misspelled_budget_of_memory",
        'lepton_budgets(name = "x", artifact = "//gates:right", max_load_rss_byte = 2)\n',
        'lepton: max_load_rss_byte in {here}:x_accuracy_test: there is no metric "load_rss_byte"; '
        'did you mean "max_load_rss_bytes"? Correct its name, or give the metric in metrics.',
    ),
    _size(
        "image_budget_without_an_image",
        "max_image_size_bytes = 100",
        "lepton: max_image_size_bytes in {here}:x: it is about an image, and there is none. "
        "Set image to a lepton_image of the artifact.",
    ),
    _accuracy(
        "relative_drop_in_percent",
        'max_accuracy_drop_ratio = 5, baseline = "//gates:slow"',
        'lepton: max_accuracy_drop_ratio in {here}:x: 5 is more than 1. Give it as a fraction of 1, such as "0.97".',
    ),
    _accuracy(
        "confidence_in_percent",
        "min_accuracy = 0.9, confidence = 95",
        'lepton: confidence in {here}:x: 95 is more than 1. Give it as a fraction of 1, such as "0.97".',
    ),
    _accuracy(
        "confidence_of_certainty",
        "min_accuracy = 0.9, confidence = 1",
        "lepton: confidence in {here}:x: 1 is certainty, which samples never give. Give for example 0.95.",
    ),
    Case(
        "concurrency_alone_is_no_budget",
        'lepton_budgets(name = "x", artifact = "//gates:right", max_size_bytes = 100, concurrency = 8)\n',
        "lepton: concurrency in {here}:x: no budget of throughput is set. "
        "Set one, such as min_throughput_ratio = 2, or remove concurrency.",
    ),
    Case(
        "concurrency_of_nothing",
        'lepton_throughput_test(name = "x", artifact = "//gates:right", min_samples_per_s = 1, concurrency = 0)\n',
        "lepton: concurrency in {here}:x: 0 is less than 1. Give at least 1.",
    ),
    Case(
        "memory_in_megabytes",
        'lepton_memory_test(name = "x", artifact = "//gates:right", max_load_rss_bytes = "90MB")\n',
        'lepton: max_load_rss_bytes in {here}:x: "90MB" is not a whole number. '
        'Write it like "1000000"; the unit is in the name.',
    ),
    Case(
        "cold_start_without_a_baseline",
        'lepton_cold_start_test(name = "x", artifact = "//gates:right", max_cold_start_ratio = 0.8)\n',
        "lepton: max_cold_start_ratio in {here}:x: it is relative to a baseline, and there is none. "
        "Set baseline to the artifact to compare with.",
    ),
    Case(
        "cold_start_is_nan",
        'lepton_cold_start_test(name = "x", artifact = "//gates:right", max_cold_start_ms = float("nan"))\n',
        'lepton: max_cold_start_ms in {here}:x: "nan" is not a decimal number. '
        'Write it like "0.97"; the unit is in the name.',
    ),
    Case(
        "reproducibility_of_what_was_imported",
        'lepton_reproducibility_test(name = "x", artifact = "//gates:right_model")\n',
        "lepton: artifact in {here}:x: //gates:right_model has no passes of its own. Name a lepton_artifact.",
    ),
    Case(
        "release_without_a_digest",
        'lepton_release(name = "x", digest = "sha256:abc", manifest = "m.json", model = [], '
        'hardware = "//scribe:desk")\n',
        'lepton: digest in {here}:x: "sha256:abc" is not sha256: and 64 hexadecimal digits. '
        "Copy it from the release's manifest.",
        files={"m.json": "{}"},
    ),
    Case(
        "affinity_that_is_no_list",
        'lepton_hardware(name = "x", plugin = "//scribe", target = "desk", affinity = "3-0")\n',
        'lepton: affinity in {here}:x: "3-0" is no list of CPUs. Write it like "0-3,8".',
    ),
    Case(
        "metric_twice",
        f'{_METRICS}lepton_accuracy_test(name = "x", artifact = "//gates:right", min_accuracy = 0.9, '
        "metrics = [metrics.accuracy(), metrics.accuracy()])\n",
        "lepton: metrics in {here}:x: accuracy is there twice. Keep one of the two: a budget names the metric alone.",
    ),
    Case(
        "metrics_without_a_budget",
        f'{_METRICS}lepton_budgets(name = "x", artifact = "//gates:right", max_size_bytes = 1, '
        "metrics = [metrics.accuracy()])\n",
        "lepton: metrics in {here}:x: no budget of accuracy is set. "
        "Set one, such as min_accuracy = 0.97, or remove metrics.",
    ),
    _accuracy(
        "accuracy_without_a_dataset",
        "min_accuracy = 0.9",
        "lepton: artifact in {here}:x: //good:hello_page was never evaluated. Give it a dataset.",
        artifact="//good:hello_page",
    ),
    _latency(
        "latency_without_a_dataset",
        "max_p99_ms = 5",
        "lepton: artifact in {here}:x: //good:hello_page has no dataset to take inputs from. Give it one.",
        artifact="//good:hello_page",
    ),
    _accuracy(
        "baseline_without_a_dataset",
        'max_accuracy_drop = 0.01, baseline = "//good:hello_page"',
        "lepton: baseline in {here}:x: //good:hello_page was never evaluated. Give it a dataset.",
    ),
    _accuracy(
        "baseline_on_another_dataset",
        'max_accuracy_drop = 0.01, baseline = "//gates:right_on_dice"',
        "lepton: baseline in {here}:x: //gates:right is evaluated on //data:coins, and //gates:right_on_dice on "
        "//data:dice. Give both artifacts the same dataset.",
    ),
    _latency(
        "baseline_in_another_runtime",
        'min_speedup = 2, baseline = "//gates:typed"',
        "lepton: baseline in {here}:x: //gates:typed does not run in the runtime scribe.reader of //gates:right; a "
        "ratio is judged in one process. Compare with an artifact for hardware of the same runtime.",
    ),
    _latency(
        "baseline_for_no_chip",
        'min_speedup = 2, baseline = "//good:hello"',
        "lepton: baseline in {here}:x: //good:hello does not run in the runtime scribe.reader of //gates:right; a "
        "ratio is judged in one process. Compare with an artifact for hardware of the same runtime.",
    ),
]

# Limits that nothing could keep, or that everything keeps.
_FRACTION = 'Give it as a fraction of 1, such as "0.97".'
_POSITIVE = "Give a number above 0."
_LIMITS = [
    _accuracy(
        "drop_in_percent",
        'max_accuracy_drop = 5, baseline = "//gates:slow"',
        f"lepton: max_accuracy_drop in {{here}}:x: 5 is more than 1. {_FRACTION}",
    ),
    _accuracy(
        "drop_that_is_negative",
        'max_accuracy_drop = -0.01, baseline = "//gates:slow"',
        "lepton: max_accuracy_drop in {here}:x: -0.01 is negative. Give 0 or more.",
    ),
    _accuracy(
        "drop_of_everything",
        'max_accuracy_drop = 1, baseline = "//gates:slow"',
        "lepton: max_accuracy_drop in {here}:x: 1 is the most that accuracy can be, so every model keeps it. "
        'Give less, such as "0.005".',
    ),
    _accuracy(
        "drop_of_the_whole_baseline",
        'max_accuracy_drop_ratio = 1, baseline = "//gates:slow"',
        "lepton: max_accuracy_drop_ratio in {here}:x: all of accuracy may go, so every model keeps it. "
        'Give less, such as "0.005".',
    ),
    _accuracy(
        "drop_against_itself",
        'max_accuracy_drop = 0.005, baseline = "//gates:right"',
        "lepton: baseline in {here}:x: it is //gates:right itself, so max_accuracy_drop says nothing. "
        "Name another model.",
    ),
    _accuracy(
        "f1_in_percent",
        "min_f1 = 90",
        f"lepton: min_f1 in {{here}}:x: 90 is more than 1. {_FRACTION}",
    ),
    _accuracy(
        "agreement_of_the_metric_in_percent",
        'min_agreement = 99.5, baseline = "//gates:slow"',
        f"lepton: min_agreement in {{here}}:x: 99.5 is more than 1. {_FRACTION}",
    ),
    _accuracy(
        "confidence_of_nothing",
        "min_accuracy = 0.9, confidence = 0",
        f"lepton: confidence in {{here}}:x: it is 0. {_POSITIVE}",
    ),
    _accuracy(
        "budget_of_many_digits",
        f'min_accuracy = "0.{"9" * 19}"',
        f'lepton: min_accuracy in {{here}}:x: "0.{"9" * 19}" is not a decimal number. '
        'Write it like "0.97"; the unit is in the name.',
    ),
    _size(
        "ratio_of_nothing",
        'max_size_ratio = 0, baseline = "//good:hello"',
        f"lepton: max_size_ratio in {{here}}:x: it is 0. {_POSITIVE}",
    ),
    _size(
        "ratio_that_is_negative",
        'max_size_ratio = -0.5, baseline = "//good:hello"',
        f"lepton: max_size_ratio in {{here}}:x: -0.5 is negative. {_POSITIVE}",
    ),
    _size(
        "ratio_to_itself",
        'max_size_ratio = 0.5, baseline = "//good:hello_page"',
        "lepton: baseline in {here}:x: it is //good:hello_page itself, so max_size_ratio says nothing. "
        "Name another model.",
    ),
    _size(
        "compressed_ratio_in_percent",
        'max_compressed_size_ratio = 80, baseline = "//good:hello"',
        f"lepton: max_compressed_size_ratio in {{here}}:x: 80 is more than 10. {_FRACTION}",
    ),
    _latency(
        "speedup_of_nothing",
        'min_speedup = 0, baseline = "//gates:slow"',
        f"lepton: min_speedup in {{here}}:x: it is 0. {_POSITIVE}",
    ),
    _latency(
        "speedup_that_is_negative",
        'min_speedup = -2, baseline = "//gates:slow"',
        f"lepton: min_speedup in {{here}}:x: -2 is negative. {_POSITIVE}",
    ),
    _latency(
        "speedup_in_percent",
        'min_speedup = 320, baseline = "//gates:slow"',
        "lepton: min_speedup in {here}:x: 320 is more than 100, above which a gain is a broken measurement. "
        'Give the ratio of the two, such as "3.2", or raise max_plausible_speedup.',
    ),
    _latency(
        "speedup_over_itself",
        'min_speedup = 2, baseline = "//gates:right"',
        "lepton: baseline in {here}:x: it is //gates:right itself, so min_speedup says nothing. Name another model.",
    ),
    _latency(
        "plausible_speedup_that_refuses_equal_models",
        'min_speedup = 0.5, baseline = "//gates:slow", max_plausible_speedup = 1',
        "lepton: max_plausible_speedup in {here}:x: 1 is not above 1, so an equal model would be implausible. "
        'Give more, such as "100".',
    ),
    _latency(
        "seconds_of_nothing",
        'min_speedup = 2, baseline = "//gates:slow", seconds = 0',
        f"lepton: seconds in {{here}}:x: it is 0. {_POSITIVE}",
    ),
    _latency(
        "seconds_that_are_negative",
        'min_speedup = 2, baseline = "//gates:slow", seconds = -1',
        f"lepton: seconds in {{here}}:x: -1 is negative. {_POSITIVE}",
    ),
    _latency(
        "milliseconds_of_nothing",
        "max_p99_ms = 0",
        f"lepton: max_p99_ms in {{here}}:x: it is 0. {_POSITIVE}",
    ),
    _latency(
        "milliseconds_that_are_negative",
        "max_p50_ms = -5",
        f"lepton: max_p50_ms in {{here}}:x: -5 is negative. {_POSITIVE}",
    ),
    _latency(
        "median_above_the_tail",
        "max_p50_ms = 8, max_p99_ms = 5",
        "lepton: max_p50_ms in {here}:x: 8 is more than 5 of max_p99_ms, which bounds it already. "
        "Give less, or remove it.",
    ),
    _throughput(
        "throughput_of_nothing",
        "min_samples_per_s = 0",
        f"lepton: min_samples_per_s in {{here}}:x: it is 0. {_POSITIVE}",
    ),
    _throughput(
        "throughput_in_percent",
        'min_throughput_ratio = 250, baseline = "//gates:slow"',
        "lepton: min_throughput_ratio in {here}:x: 250 is more than 100, above which a gain is a broken measurement. "
        'Give the ratio of the two, such as "3.2", or raise max_plausible_speedup.',
    ),
    _memory(
        "memory_of_nothing",
        "max_inference_rss_bytes = 0",
        f"lepton: max_inference_rss_bytes in {{here}}:x: it is 0. {_POSITIVE}",
    ),
    _memory(
        "megabytes_for_bytes",
        "max_load_rss_bytes = 300",
        "lepton: max_load_rss_bytes in {here}:x: 300 is less than 1000000, which no process that runs a model keeps. "
        "Give more; the unit is in the name.",
    ),
    _memory(
        "memory_ratio_in_percent",
        'max_inference_rss_ratio = 80, baseline = "//gates:slow"',
        f"lepton: max_inference_rss_ratio in {{here}}:x: 80 is more than 10. {_FRACTION}",
    ),
    _cold_start(
        "cold_start_in_seconds",
        "max_cold_start_ms = 0.9",
        "lepton: max_cold_start_ms in {here}:x: 0.9 is less than 1, which no process that runs a model keeps. "
        "Give more; the unit is in the name.",
    ),
    _cold_start(
        "cold_start_ratio_in_percent",
        'max_cold_start_ratio = 80, baseline = "//gates:slow"',
        f"lepton: max_cold_start_ratio in {{here}}:x: 80 is more than 10. {_FRACTION}",
    ),
    Case(
        "parity_with_nothing",
        'lepton_budgets(name = "x", artifact = "//gates:right", max_relative_difference = 0.01)\n',
        "lepton: parity_baseline in {here}:x_parity_test: parity is with another artifact, and there is none. "
        "Set it, or baseline, to that artifact.",
    ),
    Case(
        "parity_baseline_alone_is_no_budget",
        'lepton_budgets(name = "x", artifact = "//gates:right", max_size_bytes = 100, '
        'parity_baseline = "//gates:slow")\n',
        "lepton: parity_baseline in {here}:x: no budget of parity is set. "
        "Set one, such as max_relative_difference = 0.01, or remove parity_baseline.",
    ),
]

DECLARATIONS = Group(
    "declarations",
    [
        *_OPTIONS, *_PLANS, *_SLOTS, *_HARDWARE, *_MODELS, *_PLUGINS, *_DATASETS, *_BUDGETS, *_LIMITS, *DEPLOYMENTS,
        *CLIENTS, *VERSIONS,
        *IMAGES,
    ],
)  # fmt: skip
