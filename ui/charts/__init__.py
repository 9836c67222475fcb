"""Records and arrays -> Plotly figures, and the component that draws them.

Imports the public door of gan_core. The figures are pure functions; only plot.py knows Streamlit.
"""
