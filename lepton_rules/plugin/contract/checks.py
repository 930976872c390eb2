"""The checks, in the order in which a plugin should be mended. Each raises LeptonError for the first thing wrong."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from lepton_rules.plugin.config import config_schema, config_to_dict, parse_config
from lepton_rules.plugin.contract.samples import model_key
from lepton_rules.plugin.contract.subject import Contract, writes_model
from lepton_rules.plugin.describe import describe
from lepton_rules.plugin.descriptors import Exporter, Importer, Pass, Runtime
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.generate import generate


def check_hooks(contract: Contract) -> None:
    """The plugin loads: every hook is spelled right and returns its type, names are unique, the api_version is ours."""
    _ = contract.plugin


def check_lazy_import(contract: Contract) -> None:
    """Loading the plugin imports the standard library, pluggy, the SDK and the plugin's own package, nothing else.

    The generator runs where the plugin's libraries are not installed, and every action pays for what loading imports.
    """
    foreign = contract.drive("lazy")["foreign"]
    if foreign:
        raise contract.failure(
            f"loading it imports {', '.join(foreign)}",
            "Import it where the implementation is, not in the entry",
        )


def check_descriptors(contract: Contract) -> None:
    """What the plugin registers equals what its `lepton_plugin` target declares, so that planning is right."""
    declared = contract.declared
    if declared is None:
        return
    registered = json.loads(json.dumps(describe(contract.plugin)))
    difference = _difference(registered, declared, "")
    if difference:
        raise contract.failure(f"the declared descriptors differ: {difference}", f"Run {contract.mend}")


def check_passes(contract: Contract) -> None:
    """The plugin's `passes.bzl` is what the generator writes today."""
    if contract.passes is None:
        return
    text = generate(contract.plugin, contract.passes_label or f"//plugins/{contract.name}")
    written = contract.passes.read_text("utf-8") if contract.passes.is_file() else ""
    if written != text:
        sys.stdout.writelines(
            difflib.unified_diff(written.splitlines(True), text.splitlines(True), "in the tree", "generated")
        )
        raise contract.failure(f"{contract.passes.name} is not what its descriptors generate", f"Run {contract.mend}")


def check_implementations(contract: Contract) -> None:
    """Every implementation imports, can be called with one context, and is a class with run and close for a runtime.

    What an importer names for models in memory takes what it is called with.
    """
    for kind, name, component in contract.components():
        implementation = contract.plugin.resolve(component)
        try:
            inspect.signature(implementation).bind(object())
        except TypeError as error:
            raise contract.failure(
                f"{component.implementation} of {kind}.{name} cannot be called with a context ({error})",
                "Let it take one positional argument, the context",
            ) from error
        if isinstance(component, Runtime):
            for method in ("run", "close"):
                if not callable(getattr(implementation, method, None)):
                    raise contract.failure(f"{component.implementation} has no method {method}", f"Write {method}")
        if isinstance(component, Importer):
            references = dict.fromkeys(component.saves.values(), 3)
            references |= {component.loads: 1} if component.loads else {}
            for reference, count in references.items():
                named = contract.plugin.resolve(dataclasses.replace(component, implementation=reference))
                try:
                    inspect.signature(named).bind(*([None] * count))
                except TypeError as error:
                    raise contract.failure(
                        f"{reference} of {kind}.{name} cannot be called with {count} arguments ({error})",
                        "Write save(object, directory, config), or load(model)",
                    ) from error


def check_configurations(contract: Contract) -> None:
    """Every configuration reads back equal from what it is written as, and a schema's defaults are the class's."""
    for kind, name, component in contract.components():
        schema = config_schema(component.config)["fields"]
        for values in contract.configurations(kind, name):
            config: Any = parse_config(component.config, values, what=f"configuration of {kind}.{name}")
            written = config_to_dict(config)
            again: Any = parse_config(component.config, json.loads(json.dumps(written, allow_nan=False)))
            if again != config or type(again) is not type(config) or config_to_dict(again) != written:
                raise contract.failure(
                    f"{component.config.__qualname__} of {kind}.{name} does not read back: {written} gives {again}",
                    "Leave the fields as they were given; let __post_init__ check and change nothing",
                )
            for field, entry in schema.items():
                expected = values.get(field, entry.get("default"))
                if _differ(written[field], expected):
                    raise contract.failure(
                        f"{field!r} of {kind}.{name} is {written[field]!r} where {expected!r} was given or declared",
                        "Leave the fields as they were given; let __post_init__ check and change nothing",
                    )


def check_bad_configurations(contract: Contract) -> None:
    """A wrong configuration is refused with a LeptonError that names the option, and so is what the author lists."""
    for kind, name, component in contract.components():
        base = contract.configurations(kind, name)[-1]
        for field, values in _wrong(config_schema(component.config)["fields"], base):
            what = f"configuration of {kind}.{name}"
            try:
                parse_config(component.config, values, what=what)
            except LeptonError as error:
                if field in str(error):
                    continue
                raise contract.failure(
                    f"refusing {field!r} of {kind}.{name}, it says {error}", "Name the option"
                ) from error
            except Exception as error:
                raise contract.failure(
                    f"{kind}.{name} fails on a wrong {field!r} with {type(error).__name__}: {error}",
                    "Raise ValueError from __post_init__",
                ) from error
            raise contract.failure(
                f"{kind}.{name} accepts {field!r} with {values.get(field)!r}",
                "Declare the option's type, choices and range",
            )
    for case, outcome in contract.refusals:
        if outcome.get("refused"):
            continue
        where = f"{case['kind']}.{case['name']} with {case['config']}"
        if "error" in outcome:
            print(outcome["traceback"], file=sys.stderr)
            raise contract.failure(
                f"{where} is refused with no LeptonError: {outcome['error']}", "Raise LeptonError(what, why, fix)"
            )
        raise contract.failure(f"{where} is accepted", "Refuse it with a LeptonError")


def check_runs(contract: Contract) -> None:
    """Every component runs on its sample, leaves its model as it was and writes nothing beside its output."""
    for case, outcomes in zip(contract.cases, contract.runs, strict=True):
        for outcome in outcomes:
            _check_outcome(contract, _where(case), outcome)


def check_same_bytes(contract: Contract) -> None:
    """Equal inputs give equal bytes: twice in a row, and later, elsewhere, under another hash seed."""
    check_runs(contract)
    for case, (first, second), (other,) in zip(contract.cases, contract.runs, contract.later_runs, strict=True):
        _check_outcome(contract, _where(case), other)
        for outcome, how in ((second, "twice in a row"), (other, "later, elsewhere, under another hash seed")):
            difference = _difference(first, outcome, "")
            if difference:
                raise contract.failure(
                    f"{_where(case)} gives another outcome {how}: {difference}",
                    "Seed every generator, sort every set, and leave out times and paths",
                )


def check_signature(contract: Contract) -> None:
    """Inputs and outputs keep names, dtypes and shapes where the descriptor says so, and are what the files say."""
    check_runs(contract)
    for case, (outcome, _) in zip(contract.cases, contract.runs, strict=True):
        component = getattr(contract.plugin, case["kind"])[case["name"]]
        where = _where(case)
        if isinstance(component, Runtime):
            facts = contract.written_samples["models"][case["format"]]["facts"]
            _check_outputs(contract, where, outcome["outputs"], facts["outputs"])
        if not writes_model(component):
            continue
        for side in ("inputs", "outputs"):
            reported = outcome["facts"][side]
            if f"true_{side}" in outcome and _signature(outcome[f"true_{side}"]) != _signature(reported):
                true = _tensors(outcome[f"true_{side}"])
                raise contract.failure(
                    f"{where} reports the {side} {_tensors(reported)}, its files have {true}",
                    "Report what was written",
                )
            if isinstance(component, Exporter) or (isinstance(component, Pass) and component.preserves_signature):
                models = contract.written_samples["models"]
                key = model_key(models, case["kind"], case["name"], component.consumes)
                before = models[key]["facts"][side]
                if _signature(reported) != _signature(before):
                    raise contract.failure(
                        f"{where} turns the {side} {_tensors(before)} into {_tensors(reported)}",
                        "Keep the signature"
                        + (", or declare preserves_signature=False" if isinstance(component, Pass) else ""),
                    )


CHECKS: Sequence[Callable[[Contract], None]] = (
    check_hooks,
    check_lazy_import,
    check_descriptors,
    check_passes,
    check_implementations,
    check_configurations,
    check_bad_configurations,
    check_runs,
    check_same_bytes,
    check_signature,
)


def _where(case: Mapping[str, Any]) -> str:
    return f"{case['kind']}.{case['name']} with {case['config'] or 'the default configuration'}"


def _check_outcome(contract: Contract, where: str, outcome: Mapping[str, Any]) -> None:
    if "error" in outcome:
        print(outcome["traceback"], file=sys.stderr)
        error = outcome["error"].removeprefix("lepton: ")
        raise contract.failure(f"{where} fails on its sample: {error}", "See the traceback above")
    if outcome["stray"]:
        raise contract.failure(
            f"{where} wrote {outcome['stray'][0]!r} beside its output", "Write under context.output and nowhere else"
        )
    if outcome.get("changed_model"):
        raise contract.failure(f"{where} changed the model that it was given", "Copy before you change")


def _check_outputs(
    contract: Contract, where: str, outputs: Sequence[Mapping[str, Any]], declared: Sequence[Mapping[str, Any]]
) -> None:
    by_name = {t["name"]: t for t in declared}
    if sorted(by_name) != [o["name"] for o in outputs]:
        raise contract.failure(
            f"{where} gives the outputs {[o['name'] for o in outputs]}, the model has {sorted(by_name)}",
            "Give each output",
        )
    for output in outputs:
        spec = by_name[output["name"]]
        fits = len(spec["shape"]) == len(output["shape"]) and all(
            isinstance(want, str) or want == got for want, got in zip(spec["shape"], output["shape"], strict=True)
        )
        if not fits or output["dtype"] != spec["dtype"]:
            raise contract.failure(
                f"{where} gives {_tensors([output])}, the model has {_tensors([spec])}", "Return what it has"
            )


def _signature(tensors: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, list[int | None]]]:
    """Returns what must stay. A symbolic dimension may get another name; its place may not become a number."""
    return [(t["name"], t["dtype"], [d if isinstance(d, int) else None for d in t["shape"]]) for t in tensors]


def _tensors(tensors: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{t['name']} {t['dtype']}{t['shape']}" for t in tensors) or "none"


def _differ(a: Any, b: Any) -> bool:
    """Tells whether two JSON values differ; 1 and 1.0 do not, 1 and True do."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is not b
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) != len(b) or any(_differ(x, y) for x, y in zip(a, b, strict=True))
    return bool(a != b)


def _difference(ours: Any, theirs: Any, path: str) -> str:
    """Returns the first place where two JSON values differ, or an empty string."""
    if isinstance(ours, dict) and isinstance(theirs, Mapping):
        for key in sorted(ours.keys() | theirs.keys()):
            below = f"{path}.{key}".lstrip(".")
            if key not in theirs:
                return f"{below} is missing"
            if key not in ours:
                return f"{below} is not there any more"
            found = _difference(ours[key], theirs[key], below)
            if found:
                return found
        return ""
    if _differ(ours, theirs) and not (isinstance(ours, float) and isinstance(theirs, float) and math.isnan(ours)):
        return f"{path} is {theirs!r}, not {ours!r}"
    return ""


def _wrong(fields: Mapping[str, Any], base: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields (option, configuration) for configurations that are wrong in that one option."""
    misspelled = f"{next(iter(sorted(fields)), 'option')}_x"
    yield misspelled, {**base, misspelled: 1}
    for name, schema in fields.items():
        wrong: list[Any] = [object(), [None]]
        if schema["type"] != "bool":
            wrong.append(True)
        if schema["type"] in ("string", "string_list", "string_dict"):
            wrong.append(1)
        else:
            wrong.append("1")
        if schema["type"] == "float":
            wrong += [math.nan, math.inf]
        if schema["type"] == "int":
            wrong.append(1.5)
        if not schema["optional"]:
            wrong.append(None)
        for bound, step in (("minimum", -1), ("maximum", 1)):
            if bound in schema:
                value = schema[bound] + step
                wrong.append([value] if schema["type"] == "int_list" else value)
        if "choices" in schema:
            choice = schema["choices"][0]
            wrong.append(f"{choice}_x" if isinstance(choice, str) else max(schema["choices"]) + 1)
        for value in wrong:
            yield name, {**base, name: value}
        if "default" not in schema:
            yield name, {key: value for key, value in base.items() if key != name}
