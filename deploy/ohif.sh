#!/bin/sh
# Fetches OHIF as it was published on npm, checks that it is the one that was tested, and leaves what the hub serves in ./ohif:
# without models of segmentation, source maps, microscopy and service workers.
set -eu
version=3.13.2
integrity=WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA==
target=${1:-ohif}
if [ -f "$target/.version" ] && [ "$(cat "$target/.version")" = "$version" ]; then
  exit 0
fi
command -v npm >/dev/null || { echo "npm is needed: apt install npm" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
npm pack "@ohif/app@$version" --silent --pack-destination "$work" >/dev/null
found=$(openssl dgst -sha512 -binary "$work/ohif-app-$version.tgz" | base64 | tr -d '\n')
[ "$found" = "$integrity" ] || { echo "This is not the OHIF $version that was tested" >&2; exit 1; }
tar -xzf "$work/ohif-app-$version.tgz" -C "$work"
made="$work/package/dist"
cp "$work/package/LICENSE" "$made/LICENSE"
rm -rf "$made/ort" "$made/dicom-microscopy-viewer" "$made/sw.js" "$made/init-service-worker.js" "$made/app-config.js"
find "$made" -name '*.map' -delete
sed -i 's|<script rel="preload" as="script" type="module" src="/init-service-worker.js"></script>||' "$made/index.html"
echo "$version" >"$made/.version"
rm -rf "$target"
mkdir -p "$(dirname "$target")"
mv "$made" "$target"
echo "OHIF $version is in $target: $(du -sh "$target" | cut -f1)"
