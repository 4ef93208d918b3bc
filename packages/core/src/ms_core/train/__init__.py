"""The compiled training step and the loop around it."""
