"""The pages' parts, one folder a page, beside what all pages share; with app.py and pages/ the only code that imports
Streamlit.
"""
