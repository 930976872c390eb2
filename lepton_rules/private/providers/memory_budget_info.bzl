"""MemoryBudgetInfo: what a lepton_memory_test proves."""

MemoryBudgetInfo = provider(
    doc = "The memory that a test holds a process to, for deployments that promise it.",
    fields = {
        "label": "string: the label of the test, as messages show it.",
        "manifest": "File: manifest.json of the model that it runs.",
        "max_inference_rss_bytes": "string: the most bytes of the resident set while the model runs; empty where the test has no such budget.",
    },
)
