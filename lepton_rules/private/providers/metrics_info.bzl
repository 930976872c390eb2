"""MetricsInfo: what a model answered on its evaluation split, and how good that is."""

def _init(*, predictions, metrics, computed, dataset, step_metrics = {}, step_models = {}):
    return {
        "computed": computed,
        "dataset": dataset,
        "metrics": metrics,
        "predictions": predictions,
        "step_metrics": step_metrics,
        "step_models": step_models,
    }

MetricsInfo, _new_metrics_info = provider(
    doc = "Predictions of a model on the evaluation split of its dataset, and the metrics computed from them.",
    init = _init,
    fields = {
        "computed": "list of string: for each metric in metrics its plugin, name and configuration.",
        "dataset": "DatasetInfo: the dataset whose evaluation split was used.",
        "metrics": "File: metrics.json.",
        "predictions": "File: npz of the model's outputs, one row a sample.",
        "step_metrics": "dict of position in ModelInfo.steps to File: metrics.json of what came out of that step, where it was asked for.",
        "step_models": "dict of position in ModelInfo.steps to struct(directory, manifest): what came out of that step, exported for the chip, where it was asked for.",
    },
)
