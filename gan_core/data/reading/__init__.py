"""One door for files as people have them: tables, arrays, pictures, IDX, archives and folders, each in a module.

Uploads and measurements read through `door.read_contents`; what they make of the samples lies in `data/uploads.py` and
`data/measured_files.py`. The libraries that read a kind of file are imported where a file of that kind is read.
"""
