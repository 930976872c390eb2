"""DatasetInfo: arrays in named splits."""

def _init(*, label, splits, evaluation_split):
    if evaluation_split and evaluation_split not in splits:
        fail("lepton: evaluation_split {} in {}: there is no such split; it has {}. Name one of them.".format(
            repr(evaluation_split),
            label,
            ", ".join(sorted(splits)),
        ))
    return {
        "evaluation_split": evaluation_split,
        "label": label,
        "splits": splits,
    }

DatasetInfo, _new_dataset_info = provider(
    doc = "A dataset: one npz file for each named split. No pass can reach the evaluation split.",
    init = _init,
    fields = {
        "evaluation_split": "string: the split that accuracy is measured on, or empty.",
        "label": "string: the label of the dataset, as messages show it.",
        "splits": "dict of string to File: each split's npz; its arrays are named as the model's inputs, and `labels`.",
    },
)
