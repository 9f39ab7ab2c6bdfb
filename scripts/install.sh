#!/bin/sh
# Install paretobench in editable form with the given extras: install.sh EXTRAS [PIP ARGUMENTS]
# Uses uv if $UV names it, otherwise the pip of $PYTHON_BIN. Versions are those of the lock of the
# extra, locks/EXTRA.txt; with LOCK=0 the newest that pyproject.toml allows.
set -eu
extras=$1
shift
python=${PYTHON_BIN:-python3}
if [ -n "${UV:-}" ] && [ "${UV:-0}" != 0 ]; then
  install="$UV pip install --python $python"
else
  install="$python -m pip install --quiet --disable-pip-version-check"
fi
for extra in cpu cuda apple; do
  case ",$extras," in
    *,$extra,*) [ "${LOCK:-1}" = 0 ] || set -- -c "locks/$extra.txt" "$@" ;;
  esac
done
# Exactly the pin of pyproject.toml, so that the two cannot drift apart.
torch=$("$python" - <<'PY'
import tomllib
extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]
print(next(pin for pin in extras["cpu"] if pin.startswith("torch==")))
PY
)
case ",$extras," in
  *,cpu,* | *,cuda,* | *,apple,*)
    echo "installing $torch" >&2
    $install "$@" "$torch"
    ;;
esac
echo "installing .[$extras] (a few minutes on a first run)" >&2
$install "$@" --editable ".[$extras]"
case ",$extras," in
  *,accuracy,*)
    # Without its dependencies: one of them pins an antlr that hydra cannot live with, and the
    # extra lists what the adapter really uses.
    $install "$@" --no-deps -r scripts/lmms-eval.txt
    ;;
esac
