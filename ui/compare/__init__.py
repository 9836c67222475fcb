"""The parts of the Compare page.

Imports ui.frame, ui.charts and the public door of gan_core. Only pages/compare.py imports it.
"""
