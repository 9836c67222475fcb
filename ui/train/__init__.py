"""The parts of the Train page.

Imports ui.frame, ui.charts and the public door of gan_core. Only pages/train.py imports it.
"""
