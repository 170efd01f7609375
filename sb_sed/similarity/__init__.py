"""Finding more like this: the moments of a collection nearest to examples.

A pretrained encoder turns recordings into embeddings of moments, which an
index keeps on disk; examples are embedded likewise.

Authors
 * sb_sed contributors 2026
"""
