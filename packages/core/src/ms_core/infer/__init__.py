"""Exported models at work: three runtimes from Python, what their outputs mean, and the results of the C++ programs."""
