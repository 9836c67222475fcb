"""What all pages share: the frame and menu, the run and step in the URL, the answers of jobs, who is looking.

Imports the public door of gan_core, gan_core.pictures and ui.charts. Every page imports it.
"""
