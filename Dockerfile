# syntax=docker/dockerfile:1
# The image of ordermesh: the binary on a base without a shell, as a user without rights.
#
#   docker build -t ordermesh:0.1.0 .
#   docker run -p 127.0.0.1:50051:50051 -v ordermesh:/data ordermesh:0.1.0

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# The binary leaves the cached target folder in the same step: a cache mount is not part of the layer.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --release --locked -p ordermesh \
    && install -D target/release/ordermesh /out/ordermesh \
    && mkdir /out/data

# Same Debian release as the builder, hence the same glibc.
FROM gcr.io/distroless/cc-debian12:nonroot
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ordermesh" \
      org.opencontainers.image.description="Headless order platform: typed contracts over gRPC, durable event feeds" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"

COPY --from=build /out/ordermesh /usr/local/bin/ordermesh
# A new volume takes its owner from the folder below it.
COPY --from=build --chown=65532:65532 /out/data /data

USER 65532:65532
VOLUME /data
# 50051: gRPC. 50052: only grpc.health.v1, for probes.
EXPOSE 50051 50052
ENTRYPOINT ["/usr/local/bin/ordermesh"]
CMD ["dev", "--data", "/data", "--listen", "0.0.0.0:50051", "--health-listen", "0.0.0.0:50052"]
