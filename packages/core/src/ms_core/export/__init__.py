"""Trained networks as files for deployment, and the proof that such a file computes the same."""
