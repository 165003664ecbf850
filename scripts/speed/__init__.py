"""What `measure_speed.py` measures, a module for each section."""
