"""The revisions of the tables, oldest first. A revision is never changed: stores have it. There is no way back."""
