"""The protocol over gRPC. Needs grpcio and protobuf, which nothing else here does."""
