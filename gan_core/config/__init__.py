"""What a run is: its settings, which of them go together, the recipes, and what may change while it trains.

Imports validation, NumPy and msgspec only. Every other wing may import this one.
"""
