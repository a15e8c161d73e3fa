# The programs of migrationlink: worker, starter and simulator, in one image.
#
#   docker build -t migrationlink .

# The compiler runs on the machine's own platform, for whichever is asked for.
FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
ARG TARGETOS TARGETARCH
WORKDIR /src
# The sources belong to whoever checked them out; git, which Go asks for version,
# commit and date, reads such a repository only when told to.
RUN git config --system --add safe.directory /src
# A mount, not a copy: the layer has the programs alone. They wait more than they
# compute, so nothing is inlined, and functions are not far apart: that makes them a tenth smaller. The tags leave out
# what no program here uses: gRPC's trace pages with html/template, and the YAML of the
# test helpers that Temporal's SDK links.
RUN --mount=type=bind,target=. \
    --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -tags grpcnotrace,testify_yaml_fail -gcflags=all=-l -ldflags="-s -w -funcalign=16" -o /out/ ./worker ./starter ./simulator

FROM gcr.io/distroless/static-debian12:nonroot
# The release adds version and revision: see docs/releasing.md.
LABEL org.opencontainers.image.title="migrationlink" \
      org.opencontainers.image.description="Links organizations of MongoDB Ops Manager or Cloud Manager to Atlas: worker, starter and simulator" \
      org.opencontainers.image.source="https://github.com/migrationlink/migrationlink" \
      org.opencontainers.image.url="https://github.com/migrationlink/migrationlink" \
      org.opencontainers.image.documentation="https://github.com/migrationlink/migrationlink#readme"
COPY --from=build /out/ /usr/local/bin/
ENTRYPOINT ["/usr/local/bin/worker"]
