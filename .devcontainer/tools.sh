#!/usr/bin/env bash
# Installs the programs that the cluster's tests need beside Docker and kubectl, into a folder on the PATH. The dev container
# and the hosted workflow use it. Each download is compared with the checksum that its project publishes.
set -euo pipefail
bin=${1:?is the folder to install into}
skaffold=v2.16.1 kubeconform=v0.8.0 kube_score=1.20.0
arch=$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
mkdir -p "$bin"
cd "$(mktemp -d)"
get() { curl -fsSL --retry 3 -o "$2" "$1"; }

get "https://storage.googleapis.com/skaffold/releases/$skaffold/skaffold-linux-$arch" "skaffold-linux-$arch"
get "https://storage.googleapis.com/skaffold/releases/$skaffold/skaffold-linux-$arch.sha256" skaffold.sha256
sha256sum --check skaffold.sha256
install "skaffold-linux-$arch" "$bin/skaffold"

from=https://github.com/yannh/kubeconform/releases/download/$kubeconform
get "$from/kubeconform-linux-$arch.tar.gz" "kubeconform-linux-$arch.tar.gz"
get "$from/CHECKSUMS" CHECKSUMS
sha256sum --check --ignore-missing CHECKSUMS
tar -xzf "kubeconform-linux-$arch.tar.gz" -C "$bin" kubeconform

from=https://github.com/zegl/kube-score/releases/download/v$kube_score
get "$from/kube-score_${kube_score}_linux_$arch.tar.gz" "kube-score_${kube_score}_linux_$arch.tar.gz"
get "$from/checksums.txt" checksums.txt
sha256sum --check --ignore-missing checksums.txt
tar -xzf "kube-score_${kube_score}_linux_$arch.tar.gz" -C "$bin" kube-score
