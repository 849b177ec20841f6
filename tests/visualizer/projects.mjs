// Projects whose plans the page shows, and the pages that the binary makes of them.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const binary = process.env.LAYERWISE && resolve(process.env.LAYERWISE);
if (!binary) throw new Error('LAYERWISE does not name the binary; run .ci/visualizer.sh');

/** A folder with these files. @param {Record<string, string>} files */
export function project(files) {
  const dir = mkdtempSync(join(tmpdir(), 'layerwise-page-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  return dir;
}

/** What the binary prints. @param {string} dir @param {string[]} args */
export function run(dir, args) {
  // What this machine's user taught layerwise is not asked.
  const env = { ...process.env, XDG_DATA_HOME: join(dir, '.data') };
  return execFileSync(binary, args, { cwd: dir, env, encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The data inside a page. @param {string} html */
export function dataOf(html) {
  return JSON.parse(html.match(/<script type="application\/json" id="data">(.*?)<\/script>/s)[1]);
}

/** The page with other data. @param {string} html @param {any} data */
export function withData(html, data) {
  const json = JSON.stringify(data).replace(/</g, '\\u003c');
  return html.replace(/(<script type="application\/json" id="data">).*?(<\/script>)/s, (_, a, b) => a + json + b);
}

/** Writes a page beside its project and gives its address. @param {string} dir @param {string} html */
export function save(dir, html, name = 'page.html') {
  writeFileSync(join(dir, name), html);
  return `file://${join(dir, name)}`;
}

export const SMALL = {
  Dockerfile: 'FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCMD ["node", "src/index.js"]\n',
  'package.json': '{}',
  'package-lock.json': '{}',
  'src/index.js': '1',
};

export const WEB = {
  Dockerfile: `# A front end and its server
ARG NODE=22

FROM node:\${NODE}-bookworm AS deps
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci

FROM deps AS build
ARG API_URL=https://api.example.org
COPY tsconfig.json ./
COPY src ./src
RUN npm run build

FROM golang:1.24 AS server
WORKDIR /src
COPY server/go.mod server/go.sum ./
RUN go mod download
COPY server ./
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/server ./cmd/server

FROM build AS test
RUN npm test

FROM debian:12-slim
RUN apt-get update \\
 && apt-get install -y --no-install-recommends ca-certificates tini \\
 && rm -rf /var/lib/apt/lists/*
COPY --from=server /out/server /usr/local/bin/server
COPY --from=build /app/dist /srv/www
COPY deploy/config.toml /etc/server.toml
EXPOSE 8080
USER 10001
ENTRYPOINT ["tini", "--", "server"]
`,
  '.dockerignore': 'node_modules\n*.md\n!README.md\n',
  'package.json': '{}',
  'package-lock.json': '{}',
  'tsconfig.json': '{}',
  'src/app.ts': '1',
  'src/index.ts': '22',
  'src/pages/home.tsx': '333',
  'src/pages/settings/profile.tsx': '4444',
  'server/go.mod': 'module x',
  'server/go.sum': '',
  'server/cmd/server/main.go': 'package main',
  'server/internal/store/store.go': 'package store',
  'deploy/config.toml': '',
  'README.md': '# readme',
};

/** What is rare: linked copies, triggers, mounts, excluded and brought-back files, arguments in FROM. */
export const ODD = {
  Dockerfile: `ARG BASE=alpine:3.20
ARG UNUSED=1
FROM \${BASE} AS tools
RUN apk add make
ONBUILD COPY conf /conf

FROM tools AS build
ARG V=1
WORKDIR /w
COPY --link a.txt /link/
COPY --link lib /lib/
RUN make all
COPY --exclude=*.md lib /w/lib
RUN --mount=type=bind,source=conf,target=/c make conf

FROM alpine:3.20
COPY --link --from=build /w/out /out
COPY b.txt /b
RUN --mount=from=build,source=/w,target=/w cp /w/x /x
COPY <<EOF /etc/motd
hello
EOF
CMD ["/out/x"]
`,
  '.dockerignore': 'lib/*.md\n!lib/keep.md\ndocs\n',
  'a.txt': '1',
  'b.txt': '2',
  'conf/x': '3',
  'lib/a.c': '4',
  'lib/keep.md': '5',
  'lib/drop.md': '6',
  'docs/x': '7',
};

/** Seconds and bytes for a plan, as `layerwise learn` would have found them. @param {any} data */
export function priced(data) {
  const of = { run: 24, copy: 0.6, add: 0.6, workdir: 0.1, from: 3 };
  for (const stage of data.stages) delete stage.price;
  let n = 0;
  for (const step of data.steps) {
    delete step.price;
    if (step.state === 'metadata' || step.state === 'not-built') continue;
    n += 1;
    const value = (of[step.kind] ?? 0) * (1 + (n * 7) % 5) * 0.7;
    step.price = { seconds: { value, measured: n % 3 !== 0 }, bytes: { value: Math.round(value * 1.3e6), measured: false } };
  }
  const running = data.steps.filter((s) => s.state === 'rebuilt' && s.price);
  const total = running.reduce((sum, s) => sum + s.price.seconds.value, 0);
  data.price = { seconds: { value: total, measured: false }, bytes: null };
  data.image = { bytes: { value: 187e6, measured: false }, pull_seconds: { value: 15, measured: false } };
  for (const file of data.files) file.seconds = { value: file.rebuilds * 9.5, measured: false };
  return data;
}

/** A Dockerfile of many stages: a base, services that copy their sources, and an image that copies from all. */
export function manyStages(stages = 40, steps = 400) {
  const middle = stages - 2;
  const each = Math.floor((steps - 8 - middle) / middle);
  const files = { 'shared/util.go': '1', 'go.mod': 'module x' };
  let text = 'FROM golang:1.24 AS base\nWORKDIR /src\nCOPY go.mod ./\nRUN go mod download\nCOPY shared ./shared\nRUN go build ./shared/...\nENV CGO_ENABLED=0\nRUN go vet ./shared/...\n';
  for (let n = 0; n < middle; n += 1) {
    const name = `service-${String(n).padStart(2, '0')}`;
    files[`services/${name}/main.go`] = `package main // ${n}`;
    files[`services/${name}/go.sum`] = String(n);
    text += `FROM base AS ${name}\n`;
    const lines = [`WORKDIR /src/services/${name}`, `COPY services/${name}/go.sum ./`, 'RUN go mod verify', `COPY services/${name} ./`, `RUN go test ./... -run Test${n}`, `RUN go build -trimpath -ldflags="-s -w" -o /out/${name} .`];
    for (let k = 0; k < each; k += 1) text += `${lines[k] ?? `RUN ./step-${k} --service ${name} --with-a-rather-long-option=/var/lib/${name}/data`}\n`;
  }
  text += 'FROM debian:12-slim\n';
  for (let n = 0; n < middle; n += 1) {
    const name = `service-${String(n).padStart(2, '0')}`;
    text += `COPY --from=${name} /out/${name} /usr/local/bin/\n`;
  }
  const count = () => text.trim().split('\n').length;
  while (count() < steps - 1) text += `LABEL filler.${count()}=1\n`;
  return { ...files, Dockerfile: `${text}CMD ["/usr/local/bin/service-00"]\n` };
}
