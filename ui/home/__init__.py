"""The parts of the Home page.

Imports ui.frame, ui.charts and the public door of gan_core. Only app.py imports it.
"""
