"""The parts of the Distances page.

Imports ui.frame, ui.charts and the public door of gan_core. Only pages/distances.py imports it.
"""
