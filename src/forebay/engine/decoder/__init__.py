"""Language models built from their weights: a GGUF file or a folder of Hugging Face's becomes OpenVINO's graph.

weights (`gguf_weights`, `folder_weights`) ─► `architecture` and `codes` ─► `builder` ─► openvino_model.xml
"""
