# Landfall in an image: the published package, the clients of the real engines, Node, and nothing else.
#
#   docker build -t landfall:0.1.0 .
#   docker run --read-only --tmpfs /tmp -v "$PWD/pipeline.ts:/opt/landfall/pipeline.ts:ro" -v landfall:/var/lib/landfall \
#     -p 127.0.0.1:5000:5000 -p 127.0.0.1:8080:8080 -e LANDFALL_INSECURE=true landfall:0.1.0
#
# It runs as user 1000 and writes to /var/lib/landfall and /tmp only.

FROM node:24.21.0-bookworm-slim AS package
WORKDIR /srv/landfall
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm pack --silent

FROM node:24.21.0-bookworm-slim AS install
WORKDIR /opt/landfall
COPY --from=package /srv/landfall/package.json /srv/landfall/landfall-*.tgz /srv/
# The clients of real engines, in the versions that the package asks for.
# hadolint ignore=DL3016
RUN npm init --yes \
 && npm pkg set type=module \
 && node -p "Object.entries(JSON.parse(fs.readFileSync('/srv/package.json')).peerDependencies).map((client) => client.join('@')).join(' ')" > /srv/clients \
 && xargs --arg-file=/srv/clients npm install --ignore-scripts --no-audit --no-fund --omit=dev /srv/landfall-*.tgz

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production \
    NODE_DISABLE_COMPILE_CACHE=1 \
    LANDFALL_DATA=/var/lib/landfall \
    LANDFALL_HTTP=0.0.0.0:5000 \
    LANDFALL_SQL=0.0.0.0:8080
COPY --from=install /opt/landfall /opt/landfall
RUN install --directory --owner=1000 --group=1000 --mode=0700 /var/lib/landfall
WORKDIR /opt/landfall
USER 1000:1000
VOLUME /var/lib/landfall
EXPOSE 5000 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:5000/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/opt/landfall/node_modules/landfall/bin/landfall.js"]
CMD ["up", "/opt/landfall/pipeline.ts"]
