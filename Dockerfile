# One image for API, worker and the one-shot commands of docker-compose.yml.
FROM node:20-bookworm-slim

# What the worker runs: bridges and taps, filters, DHCP, virtual machines. busybox-static and cpio make the guest image.
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      ca-certificates iproute2 procps nftables conntrack dnsmasq-base dnsmasq-utils qemu-system-x86 busybox-static cpio \
 && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/patchbay

# Before the sources, so that a change of those does not fetch every package again.
COPY package.json package-lock.json ./
# As scripts/lib/npm-packages.mjs does it, and why.
RUN npm install --no-save --no-audit --no-fund

COPY guest-image guest-image
RUN apt-get update && guest-image/build.sh dist/guest && rm -rf /var/lib/apt/lists/*

COPY . .
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

ENV NODE_ENV=production PATCHBAY_DATA=/var/lib/patchbay
VOLUME /var/lib/patchbay
EXPOSE 8080
# No ENTRYPOINT: docker-compose.yml names each command in full.
CMD ["node", "dist/src/cli.js", "help"]
