"""The parts of the Gallery page.

Imports ui.frame, ui.charts and the public door of gan_core. Only pages/gallery.py imports it.
"""
