"""OCI images as layers and metadata: written, read, sent. The standard library, and zstandard where a layer is zstd."""
