"""The parts of the Gallery page.

Imports ui.frame, ui.charts and the public door of gan_core. pages/gallery.py imports it, and ui.distances
its view of one sample.
"""
