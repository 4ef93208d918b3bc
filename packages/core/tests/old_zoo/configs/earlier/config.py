"""Selects a configuration, as src/config.py of the old zoo did."""

from .config_ssd300 import config as config_ssd300
from .config_ssd_mobilenet_v1_fpn import config as config_ssd_mobilenet_v1_fpn

using_model = "ssd_mobilenet_v1_fpn"

config_map = {"ssd300": config_ssd300, "ssd_mobilenet_v1_fpn": config_ssd_mobilenet_v1_fpn}

config = config_map[using_model]

if config.num_ssd_boxes == -1:
    num = 0
    h, w = config.image_shape
    for i in range(len(config.steps)):
        num += (h // config.steps[i]) * (w // config.steps[i]) * config.num_default[i]
    config.num_ssd_boxes = num
