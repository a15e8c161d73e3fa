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
# compute, so nothing is inlined: that makes them a twelfth smaller.
RUN --mount=type=bind,target=. \
    --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -gcflags=all=-l -ldflags="-s -w" -o /out/ ./worker ./starter ./simulator

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/ /usr/local/bin/
ENTRYPOINT ["/usr/local/bin/worker"]
