"""The history of measurements: collected from test outputs, plotted, and searched for changes."""
