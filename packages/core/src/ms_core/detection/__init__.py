"""Boxes, default boxes, target coding, matching, NMS, augmentation and the single-shot loss."""
