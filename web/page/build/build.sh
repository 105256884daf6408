#!/bin/sh
# Makes the vendored files of web/page/assets again: ./build.sh, then go test ./web/page.
# It needs Node and npm; nothing else does. The versions are those of package.json, and
# assets/vendored.json has the checksum of each file, which a test compares.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp package.json charts.js "$work"
(cd "$work" && npm install --no-audit --no-fund --ignore-scripts)
modules=$work/node_modules
out=$(cd .. && pwd)/assets
(cd "$work" && NODE_ENV=production "$modules/.bin/esbuild" charts.js --bundle --minify --format=esm --target=es2022 \
  --define:process.env.NODE_ENV='"production"' --legal-comments=none \
  --banner:js='/* Apache ECharts 6.1.0 with zrender and tslib, built from web/page/build/charts.js; licences in assets/licences. */' \
  --outfile="$out/echarts.js" --log-level=warning)
cp "$modules/htmx.org/dist/htmx.min.js" "$out/htmx.js"
mkdir -p "$out/licences"
cp "$modules/htmx.org/LICENSE" "$out/licences/htmx.txt"
cp "$modules/echarts/LICENSE" "$out/licences/echarts.txt"
cp "$modules/echarts/NOTICE" "$out/licences/echarts-notice.txt"
cp "$modules/zrender/LICENSE" "$out/licences/zrender.txt"
cp "$modules/tslib/LICENSE.txt" "$out/licences/tslib.txt"
(cd "$out" && sha256sum htmx.js echarts.js)
