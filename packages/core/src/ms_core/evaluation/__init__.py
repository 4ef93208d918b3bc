"""Evaluators that keep results, not images: COCO average precision, VOC AP50, confusion matrices."""
