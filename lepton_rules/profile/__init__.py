"""Where a model's time and memory go on its chip, what follows from that, and both live for Prometheus."""
