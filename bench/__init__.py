"""Figures, side by side in one run: `python bench/run.py`. Never a test; trust ratios, not times.

`upstream.py` is the model's provider in its own process, `processes.py` starts servers and measures
them, `driver.py` plays the clients; one file for each section; `peers/` has what we compare with.
"""
