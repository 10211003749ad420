# syntax=docker/dockerfile:1
# One image for each service; `npm run images` builds all four, each with the build arguments of its package.json:
# docker build --build-arg SERVICE=users --build-arg EMBEDDED=store-sqlite --build-arg DATABASE=store-mongodb .
# EMBEDDED and DATABASE name the folders of the service's store libraries. Each image has only its own, and Skaffold
# builds it again only when they change. COPY cannot skip a folder, so for "none" it copies libs/contract-kit twice.
ARG NODE_VERSION=26

# --- Dependencies: made again only when a package.json or the lock file changes. They are installed natively for each
# platform; only DuckDB, which reporting has, is compiled for a processor (tests/images sees to that).
FROM --platform=${BUILDPLATFORM} node:${NODE_VERSION}-slim AS dependencies
ARG SERVICE
ARG TARGETARCH
ARG EMBEDDED=contract-kit
ARG DATABASE=contract-kit
WORKDIR /app
COPY package.json package-lock.json ./
COPY libs/contract-kit/package.json libs/contract-kit/
COPY libs/contracts/package.json libs/contracts/
COPY libs/platform/package.json libs/platform/
COPY libs/${EMBEDDED}/package.json libs/${EMBEDDED}/
COPY libs/${DATABASE}/package.json libs/${DATABASE}/
COPY apps/${SERVICE}/package.json apps/${SERVICE}/
# npm's name of the processor; `npm prune` in the stage of the bundle needs it, too.
RUN echo "cpu=$(echo ${TARGETARCH:-amd64} | sed s/amd64/x64/)" > .npmrc
RUN --mount=type=cache,target=/root/.npm \
    npm ci --omit=dev --ignore-scripts --no-audit --no-fund --workspace apps/${SERVICE:?is the service to build}
# The list of what is installed; the stage of the bundle removes what it does not need. npm would miss the tools that are
# left out here, so they are not asked for.
# It fails if EMBEDDED and DATABASE are not the store libraries of the service's package.json.
RUN npm pkg delete devDependencies && npm pkg delete devDependencies --workspaces \
 && npm sbom --sbom-format=cyclonedx > sbom.cdx.json
COPY --chmod=755 scripts/images/prune.sh /tmp/
RUN sh /tmp/prune.sh node_modules && mkdir .compile-cache data

# --- For `skaffold dev`: edited files are copied into the running container (by its tar), and Node starts again.
# Folders are watched, not files: a copied file is a new one, which `node --watch` alone would lose.
FROM node:${NODE_VERSION}-slim AS dev
ARG SERVICE
ARG EMBEDDED=contract-kit
ARG DATABASE=contract-kit
ENV HOST=:: PORT=8080 MANAGEMENT_PORT=9080 NODE_COMPILE_CACHE=/tmp/compile-cache
WORKDIR /app/apps/${SERVICE}
COPY --from=dependencies /app/node_modules /app/node_modules
COPY --chmod=755 package.json /app/
COPY --chown=65532:65532 --chmod=755 libs/contract-kit /app/libs/contract-kit
COPY --chown=65532:65532 --chmod=755 libs/contracts /app/libs/contracts
COPY --chown=65532:65532 --chmod=755 libs/platform /app/libs/platform
COPY --chown=65532:65532 --chmod=755 libs/${EMBEDDED} /app/libs/${EMBEDDED}
COPY --chown=65532:65532 --chmod=755 libs/${DATABASE} /app/libs/${DATABASE}
COPY --chown=65532:65532 --chmod=755 apps/${SERVICE} /app/apps/${SERVICE}
USER 65532:65532
ENTRYPOINT ["node", "--watch-path=/app/libs", "--watch-path=/app/apps", "--watch-preserve-output"]
CMD ["src/main.ts"]

# --- The bundle: a few large files instead of some 700 small ones, so that a start takes half the CPU.
FROM --platform=${BUILDPLATFORM} node:${NODE_VERSION}-slim AS bundle
ARG SERVICE
ARG EMBEDDED=contract-kit
ARG DATABASE=contract-kit
WORKDIR /bundler
COPY package.json package-lock.json ./
COPY scripts/images/package.json scripts/images/
RUN --mount=type=cache,target=/root/.npm \
    npm ci --ignore-scripts --no-audit --no-fund --workspace scripts/images
COPY --chmod=755 scripts/images scripts/images
WORKDIR /app
COPY --from=dependencies /app ./
COPY --chmod=755 libs/contract-kit libs/contract-kit
COPY --chmod=755 libs/contracts libs/contracts
COPY --chmod=755 libs/platform libs/platform
COPY --chmod=755 libs/${EMBEDDED} libs/${EMBEDDED}
COPY --chmod=755 libs/${DATABASE} libs/${DATABASE}
COPY --chmod=755 apps/${SERVICE} apps/${SERVICE}
# What is left are the packages that are not bundled, and the service without its sources.
RUN node /bundler/scripts/images/bundle.ts ${SERVICE} \
 && rm -rf node_modules/@slipway node_modules/.package-lock.json apps/${SERVICE}/src .npmrc \
 && mv apps/${SERVICE}/packages ./

# --- The image: no shell, no npm, not root. Whatever the rights of the files in the clone (umask 077), all are readable.
FROM gcr.io/distroless/nodejs${NODE_VERSION}-debian13:nonroot AS runtime
ARG SERVICE
# One malloc arena: more cost a start 4 MB, and gain nothing (docs/decisions/0100-images.md).
ENV NODE_ENV=production MALLOC_ARENA_MAX=1 \
    HOST=:: PORT=8080 MANAGEMENT_PORT=9080 \
    NODE_COMPILE_CACHE=/app/.compile-cache
WORKDIR /app/apps/${SERVICE}
COPY --from=dependencies --chown=65532:65532 /app/.compile-cache /app/.compile-cache
# The folder of embedded stores: a volume that is mounted here belongs to the service's user.
COPY --from=dependencies --chown=65532:65532 /app/data data
COPY --from=bundle /app/sbom.cdx.json /app/bundled.json /app/
COPY --from=bundle /app/node_modules /app/node_modules
COPY --from=bundle /app/packages packages
COPY --from=bundle /app/apps/${SERVICE} ./
# Compiled by the Node and the user of the run time: the cache is bound to both.
RUN --mount=type=bind,from=bundle,source=/bundler/scripts/images/warm.ts,target=/app/warm.ts ["/nodejs/bin/node", "/app/warm.ts"]
EXPOSE 8080 9080
USER 65532:65532
# Compose waits for it; Kubernetes has probes of its own.
HEALTHCHECK --interval=10s --timeout=5s --retries=5 --start-period=120s --start-interval=1s \
  CMD ["/nodejs/bin/node", "-e", "require('node:http').get(`http://127.0.0.1:${process.env.MANAGEMENT_PORT}/status`, { agent: false }, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
# A stack trace names the lines of our sources.
ENTRYPOINT ["/nodejs/bin/node", "--enable-source-maps"]
CMD ["dist/main.js"]
# Last, so that a new revision makes no layer again.
ARG VERSION=dev REVISION=unknown SOURCE=
LABEL org.opencontainers.image.title="slipway/${SERVICE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.licenses="MIT"
