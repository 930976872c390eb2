"""Olive: one pass of static quantization with its defaults, as in its example of a ResNet on a CPU; of an encoder its
optimization of transformers and then dynamic quantization, as in its examples of BERT on a CPU.

Usage: with_olive.py MODEL.onnx CALIBRATION.npz OUTPUT.onnx cnn|encoder

Runs `olive run --config` with the configuration that stands below.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_HERE = Path(__file__).resolve().parent


_PASSES = {
    "cnn": {"quantization": {"type": "OnnxStaticQuantization", "data_config": "calibration"}},
    "encoder": {
        "transformers": {"type": "OrtTransformersOptimization", "model_type": "bert"},
        "quantization": {"type": "OnnxDynamicQuantization"},
    },
}


def main(model: str, calibration: str, output: str, kind: str) -> None:
    """Quantizes."""
    with tempfile.TemporaryDirectory() as scratch:
        data = {
            "name": "calibration",
            "user_script": str(_HERE / "olive_data.py"),
            "load_dataset_config": {"type": "calibration_samples", "data_dir": calibration},
            "pre_process_data_config": {"type": "skip_pre_process"},
            "post_process_data_config": {"type": "skip_post_process"},
            "dataloader_config": {"batch_size": 1},
        }
        config = {
            "input_model": {"type": "ONNXModel", "model_path": model},
            "systems": {
                "here": {
                    "type": "LocalSystem",
                    "accelerators": [{"device": "cpu", "execution_providers": ["CPUExecutionProvider"]}],
                }
            },
            "data_configs": [data],
            "passes": _PASSES[kind],
            "host": "here",
            "target": "here",
            "cache_dir": f"{scratch}/cache",
            "output_dir": f"{scratch}/output",
        }
        Path(scratch, "config.json").write_text(json.dumps(config), encoding="utf-8")
        olive = Path(sys.executable).with_name("olive")
        subprocess.run([olive, "run", "--config", f"{scratch}/config.json"], cwd=scratch, check=True)
        (made,) = Path(scratch, "output").rglob("*.onnx")
        shutil.move(made, output)


if __name__ == "__main__":
    main(*sys.argv[1:])
