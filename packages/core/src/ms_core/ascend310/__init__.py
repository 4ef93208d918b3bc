"""Exported models without Python, on Ascend 310 or not: C++ programs, their builder, files for Huawei's tools."""
