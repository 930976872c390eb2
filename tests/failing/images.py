"""Mistakes in images that are found before anything runs."""

from __future__ import annotations

from case import Case

_LOAD = """\
load("@lepton_rules//lepton_rules:defs.bzl", "lepton_image", "lepton_image_index", "lepton_model_oci")
load("@lepton_rules//plugins/oci:passes.bzl", "oci")
"""


def _image(name: str, attributes: str, says: str, artifact: str = "//good:hello_page") -> Case:
    build = f'{_LOAD}lepton_image(name = "x", artifact = "{artifact}", {attributes})\n'
    return Case(name, build, f"lepton: {says}")


def _case(name: str, build: str, says: str) -> Case:
    return Case(name, _LOAD + build, f"lepton: {says}")


_PATH = "Use at most 63 ASCII letters, digits, '_', '.' and '-', a letter or a digit first."

IMAGES = [
    _image(
        "compression",
        'compression = "zst"',
        'compression in {here}:x: "zst"; did you mean "zstd"? Choose gzip, zstd or none.',
    ),
    _image(
        "platform",
        'platform = "amd64"',
        'platform in {here}:x: "amd64" is no platform. Write os/architecture, such as linux/amd64.',
    ),
    _image(
        "model_name_with_a_slash",
        'model_name = "a/b"',
        f'model_name in {{here}}:x: "a/b" is no name for a path, a tag and an address. {_PATH}',
    ),
    _image(
        "model_name_that_leads_up",
        'model_name = "a..b"',
        f'model_name in {{here}}:x: "a..b" is no name for a path, a tag and an address. {_PATH}',
    ),
    _image(
        "version_empty",
        'version = ""',
        f'version in {{here}}:x: "" is no name for a path, a tag and an address. {_PATH}',
    ),
    _image(
        "label_of_two_lines",
        r'labels = {"a": "b\nc"}',
        r'labels in {here}:x: "a" = "b\nc" has a line break (U+000A). Write one line.',
    ),
    _image(
        "title_of_two_lines",
        r'title = "a\n--platform=b"',
        r'title in {here}:x: "a\n--platform=b" has a line break (U+000A). Write one line.',
    ),
    _image(
        "title_with_a_line_separator",
        'title = "a\u2028b"',
        r'title in {here}:x: "a\u2028b" has a line break (U+2028). Write one line.',
    ),
    _image(
        "title_that_colours_a_terminal",
        r'title = "\033[31mred"',
        r'title in {here}:x: "\x1b[31mred" has a control character (U+001B). Write one line.',
    ),
    _image(
        "variable_of_two_lines",
        r'env = {"A": "b\nLD_PRELOAD=c"}',
        r'env in {here}:x: "A" = "b\nLD_PRELOAD=c" has a line break (U+000A). Write one line.',
    ),
    _image(
        "variable_with_a_control_character",
        r'env = {"A": "b\tc"}',
        r'env in {here}:x: "A" = "b\tc" has a control character (U+0009). Write one line.',
    ),
    _image(
        "variable_with_a_line_separator",
        'env = {"A\u2029": "b"}',
        r'env in {here}:x: "A\u2029" = "b" has a line break (U+2029). Write one line.',
    ),
    _image(
        "variable_from_json_with_a_line_separator",
        r"""env = json.decode('{"A": "b\\u2028c"}')""",
        r'env in {here}:x: "A" = "b\u2028c" has a line break (U+2028). Write one line.',
    ),
    _image(
        "variable_without_a_name",
        'env = {"": "b"}',
        'env in {here}:x: "b" has no name. Write {"NAME": "value"}.',
    ),
    _image(
        "variable_with_an_equals_sign",
        'env = {"A=B": "c"}',
        """env in {here}:x: "A=B" is no name of a variable, for it has a '='. Write {"NAME": "value"}.""",
    ),
    _image(
        "option_misspelled",
        "packager = oci.server(max_bach = 4)",
        'max_bach of oci.server in {here}:x: there is no such option; did you mean "max_batch"? '
        "Correct its name, or remove it.",
    ),
    _image(
        "option_out_of_range",
        "packager = oci.server(port = 0)",
        "port of oci.server in {here}:x: 0 is less than 1. Give at least 1.",
    ),
    _image(
        "a_pass_as_packager",
        "packager = sample.append()",
        "sample.append in {here}:x: it is a pass, and a packager belongs here. Use one of the plugin's packagers.",
    ),
    _image(
        "nothing_to_serve_it_with",
        'title = "x"',
        "artifact in {here}:x: //good:hello names no hardware, so that nothing says what runs it, and the packager "
        "oci.server serves it. Name a lepton_artifact, or choose a packager that does not serve, such as "
        "oci.modelcar().",
        artifact="//good:hello",
    ),
    _image(
        "files_that_nobody_packs",
        'files = {"//good:hello.txt": "labels"}',
        'files in {here}:x: the packager oci.server packs nothing called "labels"; accepted are none. '
        "Correct the name, or remove it.",
    ),
    _image(
        "base_without_an_index",
        'base = "//images:two_files"',
        "base in {here}:x: //images:two_files has 2 files, and none or several are an index.json. "
        "Name one OCI layout directory, or a filegroup of all its files.",
    ),
    _image(
        "environment_for_another_platform",
        'environment = "//images:arm64_layers", platform = "linux/amd64"',
        "environment in {here}:x: //images:arm64_layers is for linux/arm64, and platform says linux/amd64. "
        "Take one for linux/amd64, or change platform.",
    ),
    _image(
        "environment_for_another_base",
        'base = "//images:amd64_layers", environment = "//images:arm64_layers"',
        "environment in {here}:x: //images:arm64_layers is for linux/arm64, and base says linux/amd64. "
        "Take one for linux/amd64, or change base.",
    ),
    _case(
        "kind_of_a_model",
        'lepton_model_oci(name = "x", model = "//good:hello", kind = "modelpak")\n',
        'kind in {here}:x: "modelpak"; did you mean "modelpack"? Choose one of them.',
    ),
    _case(
        "index_of_nothing",
        'lepton_image_index(name = "x")\n',
        "images in {here}:x: images and hardware are not given. Give one of them.",
    ),
    _case(
        "index_of_one_platform_twice",
        'lepton_image_index(name = "x", images = ["//images:plain", "//images:other"])\n',
        "images in {here}:x: @@//images:plain and @@//images:other are both for linux/amd64. Give one of them a "
        "platform with a variant, such as linux/amd64/v3, or leave it out.",
    ),
    _case(
        "index_with_an_annotation_of_two_lines",
        r'lepton_image_index(name = "x", images = ["//images:plain"], annotations = {"a": "b\rc"})' + "\n",
        r'annotations in {here}:x: "a" = "b\rc" has a line break (U+000D). Write one line.',
    ),
    _case(
        "index_of_hardware_without_a_platform",
        'lepton_image_index(name = "x", artifact = {"model": "//good:hello"}, hardware = {"//sample:page": {}})\n',
        'hardware in {here}:x: //sample:page has no platform. Write {"//sample:page": {"platform": "linux/arm64"}}.',
    ),
    _case(
        "index_of_hardware_without_a_model",
        'lepton_image_index(name = "x", hardware = {"//sample:page": {"platform": "linux/arm64"}})\n',
        'artifact in {here}:x: it has no model. Write artifact = {"model": ":model", "recipe": ":recipe"}.',
    ),
]
