"""A report as a notebook and a console show it: text in, text out, nothing is measured.

Imports records, the words of the distances, and the colours of the pictures. A `Report` reaches it through the public
door when it is shown, so that records themselves know no drawing.
"""
