"""Datasets on disk (COCO, VOC, TXT) as plain records; nothing here imports mindspore.

`open.open_dataset` reads any of the formats, `images.read_image` one picture; `check` and `convert` are the
two jobs around them, `synthetic.make_shapes` makes a small set to try things on.
"""
