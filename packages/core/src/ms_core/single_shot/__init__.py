"""Training, evaluation, prediction and export of anchor-based one-stage detectors.

SSD and SSDLite differ in their networks only; a model package describes itself with a `DetectorPackage`
and gets every verb of the command line from here.
"""
