#!/usr/bin/env bash
# llama.cpp's own tool, llama-bench, on the very library that the installed xllamacpp carries: the wheel
# has no tools, but its source package has llama-bench's source, and the library exports all it calls.
# Needs g++ and a Python built with a shared library. Usage: benchmarks/llama_bench.sh OUT [PYTHON]
set -euo pipefail
out=$(realpath -m "$1") python=${2:-.venv/bin/python}
version=$("$python" -c 'import importlib.metadata as m; print(m.version("xllamacpp"))')
library=$("$python" -c 'from paretobench.backends import llama_library as l; print(l._path())')
libpython=$("$python" -c 'import sysconfig as s; print(s.get_config_var("LIBDIR"))')
name=$("$python" -c 'import sysconfig as s; print("python" + s.get_config_var("LDVERSION"))')
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$python" -m pip download -q --no-deps --no-binary xllamacpp -d "$folder" "xllamacpp==$version"
tar -xzf "$folder"/xllamacpp-*.tar.gz -C "$folder"
source=("$folder"/xllamacpp-*/thirdparty/llama.cpp)
cd "${source[0]}"
# Wheels for glibc 2.17 have std::string's layout of before C++11.
g++ -O1 -std=c++17 -D_GLIBCXX_USE_CXX11_ABI=0 -Iinclude -Iggml/include -Icommon -Ivendor \
  tools/llama-bench/llama-bench.cpp tools/llama-bench/main.cpp "$library" \
  -L"$libpython" -l"$name" -lpthread \
  -Wl,-rpath,"$(dirname "$library")" -Wl,-rpath,"$libpython" -o "$out"
echo "$out: llama-bench of xllamacpp $version"
