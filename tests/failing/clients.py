"""Mistakes in declarations of clients, and of tests of compatibility and parity."""

from __future__ import annotations

from case import Case

_DIGEST = "sha256:" + "0" * 64


def _client(name: str, attributes: str, says: str, target: str = "x") -> Case:
    return Case(name, f'lepton_client(name = "{target}", artifact = "//gates:right", {attributes})\n', says)


def _compatibility(name: str, attributes: str, says: str, model: str = "//gates:right") -> Case:
    files = {"manifest.json": "{}", "other.json": "{}"}
    return Case(name, f'lepton_compatibility_test(name = "x", model = "{model}", {attributes})\n', says, files)


def _parity(name: str, attributes: str, says: str, artifact: str = "//gates:right") -> Case:
    return Case(name, f'lepton_parity_test(name = "x", artifact = "{artifact}", {attributes})\n', says)


CLIENTS = [
    _client(
        "client_in_an_unknown_language",
        'language = "rust"',
        'lepton: language in {here}:x: there is no "rust". Give one of cpp, java, python.',
    ),
    _client(
        "client_whose_name_is_no_package",
        'language = "python"',
        'lepton: package in {here}:right-client: "right-client" is no name of a package in python. '
        'Set package to one, such as "resnet_client".',
        target="right-client",
    ),
    _client(
        "client_in_a_reserved_namespace",
        'language = "cpp", package = "shop::class"',
        'lepton: package in {here}:x: "shop::class" is no name of a namespace in cpp. '
        'Set package to one, such as "shop::resnet".',
    ),
    _client(
        "client_in_another_languages_package",
        'language = "java", package = "shop::resnet"',
        'lepton: package in {here}:x: "shop::resnet" is no name of a package in java. '
        'Set package to one, such as "com.example.resnet".',
    ),
    _client(
        "client_whose_class_is_none",
        'language = "java", class_name = "Right-Client"',
        'lepton: class_name in {here}:x: "Right-Client" is no name of a class. '
        'Set class_name to one, such as "ResnetClient".',
    ),
    _client(
        "client_whose_class_is_taken",
        'language = "java", class_name = "Transport"',
        "lepton: class_name in {here}:x: Transport is another class of the client. Choose another name.",
    ),
]

VERSIONS = [
    _compatibility(
        "compatibility_within_nothing",
        'baseline = "//gates:slow"',
        "lepton: budgets in {here}:x: none is set, so any answer would do. Set one of max_absolute_difference, "
        "max_relative_difference, min_agreement, or give only the baseline's manifest.json to compare signatures.",
    ),
    _compatibility(
        "compatibility_with_a_file_of_no_name",
        'baseline = "manifest.json"',
        "lepton: baseline_digest in {here}:x: {here}:manifest.json is a file, and nothing says which release it is of. "
        "Set baseline_digest to the digest in it.",
    ),
    _compatibility(
        "compatibility_with_half_a_digest",
        'baseline = "manifest.json", baseline_digest = "sha256:12"',
        'lepton: baseline_digest in {here}:x: "sha256:12" is not sha256: and 64 hexadecimal digits. '
        "Copy it from the baseline's manifest.",
    ),
    _compatibility(
        "compatibility_of_answers_with_a_manifest",
        f'baseline = "manifest.json", baseline_digest = "{_DIGEST}", min_agreement = 0.9',
        "lepton: min_agreement in {here}:x: {here}:manifest.json is a manifest, which gives no answers. "
        "Name the model as baseline, or remove min_agreement.",
    ),
    _compatibility(
        "compatibility_with_itself",
        'baseline = "//gates:right", min_agreement = 0.9',
        "lepton: baseline in {here}:x: it is //gates:right itself. Name another model.",
    ),
    _compatibility(
        "compatibility_without_a_dataset",
        'baseline = "//gates:slow", min_agreement = 0.9',
        "lepton: model in {here}:x: //good:hello_page has no dataset to answer. Give it one, or set dataset.",
        model="//good:hello_page",
    ),
    _compatibility(
        "compatibility_of_what_nothing_runs",
        'baseline = "//gates:slow", min_agreement = 0.9',
        "lepton: model in {here}:x: //good:hello is for no chip, so nothing runs it. Name a lepton_artifact.",
        model="//good:hello",
    ),
    _parity(
        "parity_within_nothing",
        'baseline = "//gates:slow"',
        "lepton: budgets in {here}:x: none is set. "
        "Set one of max_absolute_difference, max_relative_difference, min_agreement.",
    ),
    _parity(
        "agreement_in_percent",
        'baseline = "//gates:slow", min_agreement = 99',
        'lepton: min_agreement in {here}:x: 99 is more than 1. Give it as a fraction of 1, such as "0.97".',
    ),
    _parity(
        "difference_that_is_negative",
        'baseline = "//gates:slow", max_absolute_difference = -0.1',
        "lepton: max_absolute_difference in {here}:x: -0.1 is negative. Give 0 or more.",
    ),
    _parity(
        "difference_in_percent",
        'baseline = "//gates:slow", max_relative_difference = 25',
        'lepton: max_relative_difference in {here}:x: 25 is more than 10. Give it as a fraction of 1, such as "0.97".',
    ),
    _parity(
        "parity_of_nothing",
        'baseline = "//gates:slow", min_agreement = 0',
        "lepton: min_agreement in {here}:x: it is 0. Give a number above 0.",
    ),
]
