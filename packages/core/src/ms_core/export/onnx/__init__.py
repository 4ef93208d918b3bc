"""ONNX files from exported MINDIR files: `writer.write_onnx`."""
