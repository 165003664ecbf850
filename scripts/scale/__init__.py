"""Parts of `python scripts/measure_scale.py`."""
