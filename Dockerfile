# syntax=docker/dockerfile:1
# Each service is an image of its own, of one static binary:
#   docker build --target auth-service -t latchkey/auth-service:0.1.0 .

FROM rust:1.95-bookworm AS tools
RUN cargo install --locked cargo-auditable@0.7.7 cargo-chef@0.1.78
WORKDIR /latchkey

FROM tools AS recipe
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

# What is not ours, in a layer that only changes with Cargo.lock and the manifests. `clean` drops
# what was built of the recipe's empty sources: cargo goes by times, and ours may be older.
FROM tools AS dependencies
COPY --from=recipe /latchkey/recipe.json .
RUN cargo chef cook --no-build --recipe-path recipe.json \
    && cargo static -p auth-service -p shop-service \
    && cargo clean --workspace --release --target host-tuple

FROM dependencies AS services
COPY . .
RUN cargo static -p auth-service -p shop-service

# Apart, so that the services' images do not wait for it.
FROM dependencies AS demo-build
COPY . .
RUN cargo static -p devstack

FROM gcr.io/distroless/static-debian12:nonroot AS image
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION
# By number, or Kubernetes' runAsNonRoot could not tell that it is not root.
USER 65532:65532

# For docker-compose.yml: makes its secrets and its demo data.
FROM image AS demo
LABEL org.opencontainers.image.title="Latchkey demo" \
      org.opencontainers.image.description="Demo data for Latchkey's services; not for production"
COPY --from=demo-build /latchkey/target/*/release/devstack /
ENTRYPOINT ["/devstack", "demo"]

FROM image AS auth-service
LABEL org.opencontainers.image.title="Latchkey auth-service" \
      org.opencontainers.image.description="OAuth2 token service: credentials, sessions, clients"
COPY --from=services /latchkey/target/*/release/auth-service /
ENV LISTEN_ADDR=0.0.0.0:9000 OPS_ADDR=0.0.0.0:9001
EXPOSE 9000 9001
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 \
    CMD ["/auth-service", "healthcheck"]
ENTRYPOINT ["/auth-service"]

FROM image AS shop-service
LABEL org.opencontainers.image.title="Latchkey shop-service" \
      org.opencontainers.image.description="Users, products, carts and orders, behind Latchkey's tokens"
COPY --from=services /latchkey/target/*/release/shop-service /
ENV LISTEN_ADDR=0.0.0.0:8000 OPS_ADDR=0.0.0.0:8001
EXPOSE 8000 8001
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 \
    CMD ["/shop-service", "healthcheck"]
ENTRYPOINT ["/shop-service"]
