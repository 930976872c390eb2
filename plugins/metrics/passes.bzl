"""What the plugin metrics offers. Generated from its descriptors: do not edit."""

load("@lepton_rules//lepton_rules:pass.bzl", "lepton_component")

DESCRIPTORS = json.decode(r'''{
 "api_version": 1,
 "exporters": {},
 "importers": {},
 "metrics": {
  "accuracy": {
   "config": {
    "fields": {
     "labels": {
      "default": "labels",
      "doc": "The dataset\u0027s array of labels: for each sample the index of its class.",
      "optional": false,
      "type": "string"
     },
     "output": {
      "default": "",
      "doc": "The output that holds a score for each class on its last axis; empty for a model\u0027s only output.",
      "optional": false,
      "type": "string"
     }
    },
    "version": 1
   },
   "doc": "The share of samples whose highest score is their label\u0027s.",
   "higher_is_better": true,
   "needs_baseline": false
  },
  "agreement": {
   "config": {
    "fields": {
     "output": {
      "default": "",
      "doc": "The output that holds a score for each class on its last axis; empty for a model\u0027s only output.",
      "optional": false,
      "type": "string"
     }
    },
    "version": 1
   },
   "doc": "The share of samples on which model and baseline have their highest score at the same class.",
   "higher_is_better": true,
   "needs_baseline": true
  }
 },
 "name": "metrics",
 "passes": {},
 "runtimes": {},
 "targets": {}
}''')

def _accuracy(
        *,
        labels = None,
        output = None,
        **unknown):
    """The share of samples whose highest score is their label's.

    Args:
      labels: The dataset's array of labels: for each sample the index of its class. Default
        "labels".
      output: The output that holds a score for each class on its last axis; empty for a model's
        only output. Default "".
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a metric.
    """
    return lepton_component(
        kind = "metric",
        plugin = Label("//plugins/metrics"),
        name = "accuracy",
        config = {
            "labels": labels,
            "output": output,
        },
        unknown = unknown,
    )

def _agreement(
        *,
        output = None,
        **unknown):
    """The share of samples on which model and baseline have their highest score at the same class.

    Args:
      output: The output that holds a score for each class on its last axis; empty for a model's
        only output. Default "".
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a metric.
    """
    return lepton_component(
        kind = "metric",
        plugin = Label("//plugins/metrics"),
        name = "agreement",
        config = {
            "output": output,
        },
        unknown = unknown,
    )

metrics = struct(
    accuracy = _accuracy,
    agreement = _agreement,
)
