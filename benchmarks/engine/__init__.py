"""The engine against named peers: `python -m benchmarks.engine`."""
