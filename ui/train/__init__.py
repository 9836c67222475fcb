"""The parts of the Train page.

Imports ui.frame, ui.charts and the public door of gan_core. pages/train.py imports it, pages/distances.py its
marks of events, and ui.home its titles of data sets.
"""
