"""The page: the content of a report as one HTML file, the same bytes for the same content."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lepton_rules.measure.verdict import show
from lepton_rules.report import content as content_
from lepton_rules.report import plots

_HERE = Path(__file__).parent
_CSS = {"PASS": "pass", "FAIL": "fail", "IMPLAUSIBLE": "fail"}
_NONE = "-"
# What CycloneDX's scopes mean here (docs/provenance.md).
_SCOPES = {"required": "in the image", "excluded": "built with"}
_OPERATORS = 8
_LAYERS = 12


def html(content: Mapping[str, Any]) -> str:
    """The whole page. Every value of `content` is escaped."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    many = len(content["artifacts"]) > 1
    text: str = environment.get_template("page.html.j2").render(
        content=content,
        style=Markup((_HERE / "page.css").read_text(encoding="utf-8")),
        overall=_overall(content),
        many=many,
        family=_family(content) if many else None,
        pareto_plots=[(Markup(svg), caption) for svg, caption in _pareto(content)],
        comparison=_compared(content),
        entries=[_entry(entry, content) for entry in content["artifacts"]],
        environment=_environment(content["environment"]),
    )
    return text


def _overall(content: Mapping[str, Any]) -> dict[str, str]:
    verdicts = [budget["verdict"] for entry in content["artifacts"] for budget in entry["budgets"]]
    if not verdicts:
        return {"css": "unsure", "text": "No budget was judged."}
    kept = verdicts.count("PASS")
    others = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in sorted(set(verdicts) - {"PASS"}))
    text = f"{kept} of {len(verdicts)} budgets kept" + (f": {others}." if others else ".")
    css = "pass" if kept == len(verdicts) else "fail" if any(_CSS.get(v) == "fail" for v in verdicts) else "unsure"
    return {"css": css, "text": text}


def _family(content: Mapping[str, Any]) -> dict[str, Any]:
    entries = content["artifacts"]
    names = list(dict.fromkeys(name for entry in entries for name in entry["metrics"]))
    front = {point["artifact"]: not point["dominated"] for point in content["pareto"]}
    rows = [
        [
            f"{number}. {plots.short(entry['label'])}",
            entry["hardware"] or _NONE,
            f"{entry['bytes']:,}",
            f"{entry['parameters']:,}",
            _NONE if entry["macs"] is None else f"{entry['macs']:,}",
            *(show(entry["metrics"][name]) if name in entry["metrics"] else _NONE for name in names),
            _milliseconds(content_.latency_ms(entry)),
            _kept(entry),
            "yes" if front.get(entry["label"]) else "dominated",
        ]
        for number, entry in enumerate(entries, start=1)
    ]
    head = ["artifact", "chip", "bytes", "parameters", "MACs", *names, "median", "budgets", "Pareto front"]
    return {"head": head, "rows": rows, "numbers": tuple(range(2, 6 + len(names)))}


def _kept(entry: Mapping[str, Any]) -> str:
    if not entry["budgets"]:
        return _NONE
    kept = sum(budget["verdict"] == "PASS" for budget in entry["budgets"])
    return f"{kept} of {len(entry['budgets'])} kept"


def _pareto(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    points = [
        {**point, "number": number}
        for number, point in enumerate(content["pareto"], start=1)
        if point["metric"] is not None
    ]
    found = []
    for x, what, note in (
        ("bytes", "Size", ""),
        ("latency_ms", "Latency", " Each artifact was measured in a process of its own."),
    ):
        known = [point for point in points if point[x] is not None]
        if len(known) > 1:
            numbers = ", ".join(f"{point['number']} {plots.short(point['artifact'])}" for point in known)
            caption = f"{what} and {known[0]['metric']}: {numbers}. The hollow ones are dominated.{note}"
            found.append((plots.pareto(known, x, content["label"]), caption))
    return found


def _compared(content: Mapping[str, Any]) -> dict[str, Any] | None:
    """One artifact: a row for each figure. Several: a row for each artifact."""
    rows = content["comparison"]
    if not rows:
        return None
    if len(content["artifacts"]) == 1:
        head = ["what", "against", "before", "after", "after / before"]
        table = [
            [row["what"], row["against"], _shown(row["before"]), _shown(row["after"]), _ratio(row)] for row in rows
        ]
        return {"head": head, "rows": table, "numbers": (2, 3, 4)}
    names = list(dict.fromkeys(row["what"] for row in rows))
    by_artifact: dict[str, dict[str, str]] = {}
    for row in rows:
        by_artifact.setdefault(row["artifact"], {})[row["what"]] = f"{_shown(row['after'])} ({_ratio(row)} of it)"
    return {
        "head": ["against " + plots.short(rows[0]["against"]), *names],
        "rows": [
            [plots.short(artifact), *(values.get(name, _NONE) for name in names)]
            for artifact, values in by_artifact.items()
        ],
        "numbers": tuple(range(1, len(names) + 1)),
    }


def _shown(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else show(value)


def _ratio(row: Mapping[str, Any]) -> str:
    return _NONE if row["ratio"] is None else show(row["ratio"], 3)


def _entry(entry: Mapping[str, Any], content: Mapping[str, Any]) -> dict[str, Any]:
    from markupsafe import Markup

    return {
        "label": entry["label"],
        "anchor": "artifact-" + re.sub(r"[^A-Za-z0-9]+", "-", entry["label"]).strip("-"),
        "facts": _facts(entry),
        "budgets": [_budget(budget) for budget in entry["budgets"]],
        "no_budgets": "None of this artifact's budgets was judged: run its tests, then this report again.",
        "lineage": _lineage(entry),
        "plots": [(Markup(svg), caption) for svg, caption in _plots(entry)],
        "profile": None if entry["profile"] is None else _profile(entry["profile"]),
        "parity": [_parity(one) for one in entry["parity"]],
        "parity_against": entry["parity_against"],
        "provenance": _provenance(entry),
        "recipe": entry["recipe"],
        "commands": _commands(entry),
    }


def _facts(entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    facts = [
        ("format", entry["format"]),
        ("chip", entry["hardware"] or _NONE),
        ("size", f"{entry['bytes']:,} bytes"),
        ("parameters", f"{entry['parameters']:,}"),
        ("MACs of a sample", _NONE if entry["macs"] is None else f"{entry['macs']:,}"),
        *[(side[:-1], _tensor(tensor)) for side in ("inputs", "outputs") for tensor in entry[side]],
        *[(name, f"{show(value)} on {entry['samples']:,} samples") for name, value in entry["metrics"].items()],
    ]
    if content_.latency_ms(entry) is not None:
        facts.append(("median latency", _milliseconds(content_.latency_ms(entry))))
    if entry["profile"] is not None:
        memory = entry["profile"]["memory"]
        for name, field in (("memory to load", "load_peak"), ("memory to run", "inference_peak")):
            if field in memory:
                facts.append((name, f"{(memory[field] - memory['libraries']) / 1e6:.0f} MB"))
    return [*facts, ("digest", entry["digest"])]


def _milliseconds(value: float | None) -> str:
    return _NONE if value is None else f"{show(value, 4)} ms"


def _tensor(tensor: Mapping[str, Any]) -> str:
    return f"{tensor['name']} {tensor['dtype']}[{', '.join(map(str, tensor['shape']))}]"


def _budget(budget: Mapping[str, Any]) -> dict[str, Any]:
    unit = "" if budget["unit"] in ("ratio", "fraction") else f" {budget['unit']}"
    interval = _NONE
    if budget["interval"]:
        interval = " to ".join(show(value, 4) for value in budget["interval"])
    return {
        **{name: budget[name] for name in ("name", "verdict", "test", "message", "next")},
        "css": _CSS.get(budget["verdict"], "unsure"),
        "limit": show(budget["limit"]) + unit,
        "value": _NONE if budget["value"] is None else show(budget["value"]) + unit,
        "margin": _NONE if budget["margin"] is None else f"{100 * budget['margin']:+.1f} %",
        "interval": interval,
    }


def _lineage(entry: Mapping[str, Any]) -> dict[str, Any]:
    steps = entry["lineage"]
    names = list(dict.fromkeys(name for step in steps for name in step["metrics"]))
    timed = any(step["latency_ms"] is not None for step in steps)
    builds = {step["build"]["build"]: step["build"]["date"] for step in steps if step["build"] is not None}
    rows = []
    for step in steps:
        row = [
            str(step["number"]),
            step["pass"],
            step["format"] or _NONE,
            _NONE if step["bytes"] is None else f"{step['bytes']:,}",
            _NONE if step["macs"] is None else f"{step['macs']:,}",
            *(show(step["metrics"][name]) if name in step["metrics"] else _NONE for name in names),
        ]
        if builds:
            row.append("not in that build" if step["build"] is None else f"{show(step['build']['seconds'], 3)} s")
        if timed:
            row.append(_milliseconds(step["latency_ms"]))
        rows.append([*row, _digest(step["digest"])])
    head = ["step", "pass", "format", "bytes", "MACs", *names]
    head += [*(["time to make"] if builds else []), *(["latency"] if timed else []), "digest"]
    note = ""
    if builds:
        where = sorted({step["build"]["where"] for step in steps if step["build"] is not None})
        told = " and ".join(f"{build} of {date}" for build, date in sorted(builds.items(), key=lambda one: one[1]))
        many = "builds" if len(builds) > 1 else "build"
        note = (
            f"Time to make: how long the program of each pass ran, in {' or '.join(where)}, measured once in the "
            f"{many} {told}, while others may have run beside it. What came from a cache did not run."
        )
    return {"head": head, "rows": rows, "numbers": (0, *range(3, len(head) - 1)), "note": note}


def _digest(digest: str | None) -> str:
    return _NONE if digest is None else digest.removeprefix("sha256:")[:16]


def _plots(entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    name = entry["label"]
    found = []
    known = [step for step in entry["lineage"] if step["bytes"] is not None]
    if len(known) > 1:
        found.append((plots.lineage(known, name), "Size after each pass."))
    timed = [step for step in entry["lineage"] if step["latency_ms"] is not None]
    if len(timed) > 1:
        svg = plots.bars(
            [step["pass"] for step in timed], [step["latency_ms"] for step in timed], "ms", f"latency of {name}"
        )
        found.append((svg, "Median latency after each pass, measured in turns in one process."))
    if entry["latency"] is not None:
        latency = entry["latency"]
        values, baseline = latency["samples_ms"], latency["baseline_ms"]
        against = f", and of the baseline {latency['baseline']}" if baseline else ""
        found.append(
            (
                plots.histogram(values, baseline, name),
                f"Latencies of {len(values)} inferences{against}: {latency['source']}.",
            )
        )
        found.append((plots.run_order(values, baseline, name), "The same in the order in which they ran."))
    if entry["profile"] is not None:
        found += _profile_plots(entry["profile"], name)
    return found


def _profile_plots(profile: Mapping[str, Any], name: str) -> list[tuple[str, str]]:
    found = []
    groups = profile["groups"][:_OPERATORS]
    if groups:
        names = [f"{group['operator']} {group['precision']}".strip() for group in groups]
        svg = plots.bars(names, [group["seconds"] * 1e6 for group in groups], "µs", f"operators of {name}")
        found.append((svg, "Time by operator in one inference, with the profiler on."))
    layers = [layer for layer in profile["layers"] if layer["sqnr_db"] is not None][:_LAYERS]
    if layers:
        names = [layer["name"] for layer in layers]
        values = [layer["sqnr_db"] for layer in layers]
        svg = plots.bars(names, values, "dB", f"sensitivity of {name}", plots.TWO)
        found.append((svg, "SQNR of the outputs when one layer alone is quantized, the worst first."))
    return found


def _profile(profile: Mapping[str, Any]) -> dict[str, Any]:
    roof = "" if profile["roof_share"] is None else f", {100 * profile['roof_share']:.0f} % of the roofline"
    peaks = profile["peaks"] or {"operations": {}, "bandwidth": []}
    best = [f"{name} {rate / 1e9:.0f} G/s" for name, rate in sorted(peaks["operations"].items())]
    best += [f"{size / 2**20:g} MiB at {rate / 1e9:.0f} GB/s" for size, rate in peaks["bandwidth"]]
    measured = [layer for layer in profile["layers"] if layer["sqnr_db"] is not None]
    worst = f" The worst is {measured[0]['name']} with {measured[0]['sqnr_db']:g} dB." if measured else ""
    outputs = ""
    if profile["output_sqnr_db"] is not None:
        outputs = f" All together: {profile['output_sqnr_db']:g} dB."
    return {
        "summary": f"{show(profile['kernel_ms'], 4)} ms in operators, on {profile['threads']} of {profile['cores']} "
        f"cores, batch {profile['batch']}{roof}. Peaks of this machine, measured in the same process: "
        f"{', '.join(best) or _NONE}.",
        "groups": [
            [
                group["operator"],
                group["precision"] or _NONE,
                group["place"] or _NONE,
                str(group["nodes"]),
                f"{group['seconds'] * 1e6:.0f}",
                _percent(group["share"]),
                _percent(group["roof_share"]),
            ]
            for group in profile["groups"]
        ],
        "nodes": [
            [
                node["layer"] or node["name"],
                node["operator"],
                node["precision"] or _NONE,
                f"{node['seconds'] * 1e6:.0f}",
                _percent(node["share"]),
                _percent(node["roof_share"]),
                node["bound"] or _NONE,
            ]
            for node in profile["nodes"]
        ],
        "sensitivity": f"SQNR of the outputs when one layer alone gets 8 bits, on {profile['samples']} samples; less "
        f"is worse.{worst}{outputs}",
        "layers": [
            [
                layer["name"],
                layer["operator"],
                layer["precision"],
                f"{layer['weights']:,}",
                f"{layer['sqnr_db']:g}",
                _percent(layer["share"]),
            ]
            for layer in measured
        ],
        "advice": profile["advice"],
    }


def _percent(share: float | None) -> str:
    return _NONE if share is None else f"{100 * share:.1f} %"


def _parity(one: Mapping[str, Any]) -> dict[str, Any]:
    if one["max_abs"] is None:
        text = f"{one['output']}: sample {one['worst_sample']} of {one['samples']} is not a number, or infinite."
    else:
        text = (
            f"{one['output']}: at most {one['max_abs']:.4g} apart, {one['mean_abs']:.4g} in the mean, "
            f"{one['sqnr_db']:g} dB over {one['samples']:,} samples. The worst is sample {one['worst_sample']}:"
        )
    rows = [
        [str(place), _number(was), _number(now), _NONE if None in (was, now) else f"{now - was:+.4g}"]
        for place, (was, now) in enumerate(zip(one["expected"], one["got"], strict=True))
    ]
    return {"text": text, "rows": rows}


def _number(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.5g}"


def _provenance(entry: Mapping[str, Any]) -> dict[str, Any]:
    steps = [
        {
            "title": f"{step['number']}. {step['pass']} of {step['plugin']}",
            "libraries": ", ".join(f"{name} {version}" for name, version in sorted(step["libraries"].items())),
            "config": json.dumps(step["config"], sort_keys=True, indent=2, ensure_ascii=False),
            "command": step["command"],
            "notes": json.dumps(step["notes"], sort_keys=True, indent=2, ensure_ascii=False) if step["notes"] else "",
        }
        for step in entry["lineage"]
    ]
    known = entry["provenance"]
    dataset = "" if entry["dataset_digest"] is None else f"; evaluated on data {_digest(entry['dataset_digest'])}"
    parent = "" if known["parent"] is None else f", made from {_digest(known['parent'])}"
    return {
        "summary": f"{len(steps)} steps, each with its whole configuration{dataset}",
        "steps": steps,
        "materials_summary": f"{len(known['files'])} files of the model{parent}, "
        f"and {len(known['packages'])} packages that its steps ran with",
        "files": [[file["name"], f"{file['bytes']:,}", file["digest"]] for file in known["files"]],
        "packages": [[package["purl"], ", ".join(package["used_by"])] for package in known["packages"]],
        "images": [_image(image) for image in known["images"]],
        "no_images": "An image's statement (in-toto, SLSA) and bill of materials (CycloneDX) are on this page when the "
        "report names it in `images`; its own target writes them: bazel build IMAGE --output_groups=provenance,sbom",
    }


def _image(image: Mapping[str, Any]) -> dict[str, Any]:
    installed = [one for one in image["components"] if one["scope"] == "required"]
    return {
        "title": f"Image {image['label']} for {image['platform']}",
        "facts": [
            ("builder", image["builder"]),
            ("build type", image["build_type"]),
            ("subject", image["digest"]),
            ("bill of materials", image["serial_number"]),
        ],
        "materials_summary": f"Its statement: {len(image['materials'])} materials",
        "materials": [[one["name"], one["use"], one["digest"] or _NONE] for one in image["materials"]],
        "components_summary": f"Its bill of materials: {len(installed)} components in the image, and "
        f"{len(image['components']) - len(installed)} that the model was built with",
        "components": [
            [one["name"], one["version"], _SCOPES.get(one["scope"], one["scope"]), one["purl"] or _NONE]
            for one in image["components"]
        ],
        "commands": "\n".join(image["commands"][name] for name in sorted(image["commands"])),
    }


def _commands(entry: Mapping[str, Any]) -> str:
    tests = sorted({budget["test"] for budget in entry["budgets"]})
    lines = [f"{entry['commands']['build']}  # {entry['digest']}"]
    lines += [f"bazel test {test}" for test in tests]
    lines += [entry["commands"]["report"], entry["commands"]["recipe"]]
    return "\n".join(lines)


def _environment(environment: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    if environment is None:
        return []
    rows = []
    for name, value in sorted(environment.items()):
        if isinstance(value, Mapping):
            shown = ", ".join(f"{key} {item}" for key, item in sorted(value.items()))
        elif isinstance(value, Sequence) and not isinstance(value, str):
            shown = ", ".join(map(str, value)) or "none"
        else:
            shown = str(value)
        rows.append((name, shown))
    return rows
